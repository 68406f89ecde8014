-- The whole D1 schema. migrations/ gets there step by step; a test holds the two together.
-- Times are TEXT, ISO 8601 UTC with milliseconds, so that they compare as text. Money is INTEGER minor units.
-- Triggers update stock, daily sums and project totals in the same transaction as their source, so these never differ.

-- Developers ------------------------------------------------------------------------------------------------

-- A platform is a developer as a customer of dream-api. The subscription is the one that the developer pays.
CREATE TABLE platforms (
  platformId TEXT PRIMARY KEY,
  clerkUserId TEXT NOT NULL UNIQUE,
  email TEXT,
  -- When Clerk last changed the fields that are copied from the user. An older event never overwrites a newer one.
  clerkUpdatedAt TEXT,
  stripeCustomerId TEXT UNIQUE,
  -- The last checkout session. A developer who comes back gets it again, and never pays twice.
  checkoutSessionId TEXT,
  subscriptionId TEXT UNIQUE,
  subscriptionStatus TEXT,
  currentPeriodStart TEXT,
  currentPeriodEnd TEXT,
  cancelAtPeriodEnd INTEGER NOT NULL DEFAULT 0 CHECK (cancelAtPeriodEnd IN (0, 1)),
  cancelAt TEXT,
  canceledAt TEXT,
  endedAt TEXT,
  pastDueSince TEXT,
  -- Live keys work until this time. Paid: far in the future. Unpaid: the end of the grace time. Never paid: NULL.
  liveKeysUntil TEXT,
  createdAt TEXT NOT NULL,
  updatedAt TEXT NOT NULL,
  -- When the Clerk user was deleted. The row stays for 30 days: a late event does not create the developer again.
  deletedAt TEXT
);
CREATE INDEX platforms_deleted ON platforms (deletedAt) WHERE deletedAt IS NOT NULL;

-- How many calls of /verify-auth a developer made in a month.
CREATE TABLE platform_usage_counts (
  platformId TEXT NOT NULL REFERENCES platforms (platformId) ON DELETE CASCADE,
  periodStart TEXT NOT NULL,
  usageCount INTEGER NOT NULL CHECK (usageCount >= 0),
  PRIMARY KEY (platformId, periodStart)
) WITHOUT ROWID;

-- Connected accounts of developers. Calls use dream-api's own key with Stripe-Account, so no access token is stored.
CREATE TABLE stripe_tokens (
  platformId TEXT NOT NULL REFERENCES platforms (platformId) ON DELETE CASCADE,
  mode TEXT NOT NULL CHECK (mode IN ('test', 'live')),
  stripeUserId TEXT NOT NULL,
  scope TEXT NOT NULL,
  status TEXT NOT NULL DEFAULT 'connected' CHECK (status IN ('connected', 'revoked')),
  connectedAt TEXT NOT NULL,
  revokedAt TEXT,
  PRIMARY KEY (platformId, mode),
  UNIQUE (stripeUserId, mode)
) WITHOUT ROWID;

-- Connect tickets and OAuth states. Only their hashes are stored. DELETE ... RETURNING takes a token, so it works once.
CREATE TABLE one_time_tokens (
  tokenHash TEXT PRIMARY KEY,
  purpose TEXT NOT NULL CHECK (purpose IN ('connect_ticket', 'connect_state')),
  platformId TEXT NOT NULL REFERENCES platforms (platformId) ON DELETE CASCADE,
  mode TEXT NOT NULL CHECK (mode IN ('test', 'live')),
  browserHash TEXT,
  expiresAt TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX one_time_tokens_by_expiry ON one_time_tokens (expiresAt);
CREATE INDEX one_time_tokens_by_platform ON one_time_tokens (platformId);

-- Projects and keys -----------------------------------------------------------------------------------------

CREATE TABLE projects (
  publishableKey TEXT PRIMARY KEY,
  platformId TEXT NOT NULL REFERENCES platforms (platformId) ON DELETE CASCADE,
  name TEXT NOT NULL,
  projectType TEXT NOT NULL CHECK (projectType IN ('saas', 'store')),
  mode TEXT NOT NULL CHECK (mode IN ('test', 'live')),
  -- The test project that this live one was promoted from.
  testPublishableKey TEXT UNIQUE REFERENCES projects (publishableKey) ON DELETE SET NULL,
  createdAt TEXT NOT NULL,
  updatedAt TEXT NOT NULL
);
CREATE INDEX projects_by_platform ON projects (platformId, mode, createdAt);

-- The configuration of a project's billing portal at Stripe. `prices`, as last sent to Stripe, has the prices that
-- subscribers may switch to.
CREATE TABLE portal_configurations (
  publishableKey TEXT PRIMARY KEY REFERENCES projects (publishableKey) ON DELETE CASCADE,
  account TEXT NOT NULL,
  configurationId TEXT NOT NULL,
  prices TEXT NOT NULL CHECK (json_valid(prices))
) WITHOUT ROWID;

-- Products and prices that a request is creating at Stripe. The draft's id is part of the idempotency keys. `made` has
-- the ids that were created, by step, so that a retry continues. The batch that stores the tiers deletes the draft. The
-- batch of a new project sets settledAt instead, so that a repeated request gets the same project.
CREATE TABLE project_drafts (
  draftId TEXT PRIMARY KEY,
  platformId TEXT NOT NULL REFERENCES platforms (platformId) ON DELETE CASCADE,
  fingerprint TEXT NOT NULL,
  publishableKey TEXT NOT NULL,
  mode TEXT NOT NULL CHECK (mode IN ('test', 'live')),
  made TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(made)),
  createdAt TEXT NOT NULL,
  settledAt TEXT,
  UNIQUE (platformId, fingerprint)
);
CREATE INDEX project_drafts_by_age ON project_drafts (createdAt);

-- Secret keys. Several per project while a rotated one is in its grace time.
CREATE TABLE api_keys (
  secretKeyHash TEXT PRIMARY KEY,
  publishableKey TEXT NOT NULL REFERENCES projects (publishableKey) ON DELETE CASCADE,
  secretKeyEncrypted TEXT NOT NULL,
  secretKeyMasked TEXT NOT NULL,
  status TEXT NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'revoked')),
  -- End of the grace time of a rotated key; NULL for the current one.
  expiresAt TEXT,
  createdAt TEXT NOT NULL,
  revokedAt TEXT,
  lastUsedAt TEXT
) WITHOUT ROWID;
CREATE INDEX api_keys_by_project ON api_keys (publishableKey, createdAt);

-- Origins to which sign-up may redirect with a session token.
CREATE TABLE redirect_origins (
  publishableKey TEXT NOT NULL REFERENCES projects (publishableKey) ON DELETE CASCADE,
  origin TEXT NOT NULL,
  PRIMARY KEY (publishableKey, origin)
) WITHOUT ROWID;

-- Changes to a platform and its projects. actor is a developer's Clerk user id, or `stripe` for an event.
CREATE TABLE audit_log (
  auditId INTEGER PRIMARY KEY,
  platformId TEXT NOT NULL REFERENCES platforms (platformId) ON DELETE CASCADE,
  publishableKey TEXT,
  actor TEXT NOT NULL,
  action TEXT NOT NULL,
  details TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(details)),
  createdAt TEXT NOT NULL
);
CREATE INDEX audit_log_by_platform ON audit_log (platformId, createdAt);
CREATE INDEX audit_log_by_project ON audit_log (publishableKey, createdAt);

-- Tiers -----------------------------------------------------------------------------------------------------

-- name is the slug. "limit" NULL is unlimited, inventory NULL is not tracked. An archived tier keeps its subscribers.
CREATE TABLE tiers (
  publishableKey TEXT NOT NULL REFERENCES projects (publishableKey) ON DELETE CASCADE,
  name TEXT NOT NULL,
  displayName TEXT NOT NULL,
  description TEXT NOT NULL DEFAULT '',
  price INTEGER NOT NULL CHECK (price >= 0),
  currency TEXT NOT NULL DEFAULT 'usd',
  "limit" INTEGER CHECK ("limit" >= 0),
  billingMode TEXT NOT NULL CHECK (billingMode IN ('subscription', 'one_off')),
  priceId TEXT,
  productId TEXT,
  features TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(features)),
  popular INTEGER NOT NULL DEFAULT 0 CHECK (popular IN (0, 1)),
  trialDays INTEGER NOT NULL DEFAULT 0 CHECK (trialDays BETWEEN 0 AND 730),
  imageUrl TEXT,
  inventory INTEGER CHECK (inventory >= 0),
  position INTEGER NOT NULL DEFAULT 0,
  createdAt TEXT NOT NULL,
  updatedAt TEXT NOT NULL,
  archivedAt TEXT,
  PRIMARY KEY (publishableKey, name)
) WITHOUT ROWID;

-- Every price that a tier has or had. The plan follows the price on the subscription, so old subscribers keep their plan.
CREATE TABLE tier_prices (
  publishableKey TEXT NOT NULL,
  priceId TEXT NOT NULL,
  tierName TEXT NOT NULL,
  createdAt TEXT NOT NULL,
  PRIMARY KEY (publishableKey, priceId),
  FOREIGN KEY (publishableKey, tierName) REFERENCES tiers (publishableKey, name) ON DELETE CASCADE
) WITHOUT ROWID;
CREATE INDEX tier_prices_by_tier ON tier_prices (publishableKey, tierName);

CREATE TRIGGER tiers_price_added AFTER INSERT ON tiers WHEN NEW.priceId IS NOT NULL
BEGIN
  INSERT OR IGNORE INTO tier_prices (publishableKey, priceId, tierName, createdAt)
  VALUES (NEW.publishableKey, NEW.priceId, NEW.name, NEW.updatedAt);
END;

CREATE TRIGGER tiers_price_changed AFTER UPDATE OF priceId ON tiers
WHEN NEW.priceId IS NOT NULL AND NEW.priceId IS NOT OLD.priceId
BEGIN
  INSERT OR IGNORE INTO tier_prices (publishableKey, priceId, tierName, createdAt)
  VALUES (NEW.publishableKey, NEW.priceId, NEW.name, NEW.updatedAt);
END;

-- End users -------------------------------------------------------------------------------------------------

-- plan is what the developer set through /api/customers. dream/db/plan_in_force.py says which plan is in force.
CREATE TABLE end_users (
  publishableKey TEXT NOT NULL REFERENCES projects (publishableKey) ON DELETE CASCADE,
  clerkUserId TEXT NOT NULL,
  email TEXT COLLATE NOCASE,
  firstName TEXT,
  lastName TEXT,
  -- When Clerk last changed the profile: an older event never overwrites a newer one.
  clerkUpdatedAt TEXT,
  plan TEXT,
  stripeCustomerId TEXT,
  -- Copied from subscriptions by triggers, so that an index finds pages of customers by plan or status.
  subscriptionPlan TEXT,
  subscriptionStatus TEXT,
  createdAt TEXT NOT NULL,
  updatedAt TEXT NOT NULL,
  -- When the membership was proven, by the user's own token or by creation through POST /api/customers. NULL: a backend named the
  -- id. Nothing at Clerk, no email address and no sign-in follows from such a row.
  provenAt TEXT,
  PRIMARY KEY (publishableKey, clerkUserId)
) WITHOUT ROWID;
CREATE INDEX end_users_by_age ON end_users (publishableKey, createdAt, clerkUserId);
CREATE INDEX end_users_by_email ON end_users (publishableKey, email);
CREATE INDEX end_users_by_clerk_user ON end_users (clerkUserId);
CREATE INDEX end_users_by_stripe_customer ON end_users (publishableKey, stripeCustomerId);
CREATE INDEX end_users_by_plan ON end_users (publishableKey, coalesce(subscriptionPlan, plan, ''), createdAt, clerkUserId);
CREATE INDEX end_users_by_status ON end_users (publishableKey, coalesce(subscriptionStatus, 'none'), createdAt, clerkUserId);
CREATE INDEX end_users_by_plan_and_status ON end_users (
  publishableKey, coalesce(subscriptionPlan, plan, ''), coalesce(subscriptionStatus, 'none'), createdAt, clerkUserId
);

-- When users were deleted, for as long as a token from before can be valid: such a token does not bring the user back.
CREATE TABLE deleted_end_users (
  publishableKey TEXT NOT NULL REFERENCES projects (publishableKey) ON DELETE CASCADE,
  clerkUserId TEXT NOT NULL,
  deletedAt TEXT NOT NULL,
  PRIMARY KEY (publishableKey, clerkUserId)
) WITHOUT ROWID;
CREATE INDEX deleted_end_users_by_age ON deleted_end_users (deletedAt);

-- One subscription per end user and project: the live one, else the last one that ended. monthlyAmount is its monthly revenue.
-- plan NULL: the price belongs to no tier of this project, so the subscription gives no plan.
CREATE TABLE subscriptions (
  publishableKey TEXT NOT NULL REFERENCES projects (publishableKey) ON DELETE CASCADE,
  userId TEXT NOT NULL,
  subscriptionId TEXT NOT NULL UNIQUE,
  stripeCustomerId TEXT NOT NULL,
  status TEXT NOT NULL,
  plan TEXT,
  priceId TEXT NOT NULL,
  productId TEXT,
  amount INTEGER NOT NULL CHECK (amount >= 0),
  currency TEXT NOT NULL,
  monthlyAmount INTEGER NOT NULL DEFAULT 0 CHECK (monthlyAmount >= 0),
  currentPeriodStart TEXT NOT NULL,
  currentPeriodEnd TEXT NOT NULL,
  cancelAtPeriodEnd INTEGER NOT NULL DEFAULT 0 CHECK (cancelAtPeriodEnd IN (0, 1)),
  cancelAt TEXT,
  canceledAt TEXT,
  endedAt TEXT,
  pastDueSince TEXT,
  createdAt TEXT NOT NULL,
  updatedAt TEXT NOT NULL,
  PRIMARY KEY (publishableKey, userId)
) WITHOUT ROWID;
CREATE INDEX subscriptions_by_status ON subscriptions (publishableKey, status, userId);
CREATE INDEX subscriptions_by_plan ON subscriptions (publishableKey, plan, status);
CREATE INDEX subscriptions_by_customer ON subscriptions (publishableKey, stripeCustomerId);

-- These triggers copy status and plan into end_users, whichever row is inserted first. Their CASE is a fragment of
-- dream/db/plan_in_force.py; a test holds the two equal. A trigger can't follow the time, so a subscription that is past due is copied
-- with its plan even when its grace time has passed. Only the filters of customer pages use the copy.
CREATE TRIGGER end_users_subscribed AFTER INSERT ON subscriptions
BEGIN
  UPDATE end_users SET subscriptionStatus = NEW.status,
    subscriptionPlan = CASE WHEN NEW.status IN ('active', 'trialing', 'past_due') THEN NEW.plan END
  WHERE publishableKey = NEW.publishableKey AND clerkUserId = NEW.userId;
END;

CREATE TRIGGER end_users_subscription_changed AFTER UPDATE OF status, plan ON subscriptions
BEGIN
  UPDATE end_users SET subscriptionStatus = NEW.status,
    subscriptionPlan = CASE WHEN NEW.status IN ('active', 'trialing', 'past_due') THEN NEW.plan END
  WHERE publishableKey = NEW.publishableKey AND clerkUserId = NEW.userId;
END;

CREATE TRIGGER end_users_unsubscribed AFTER DELETE ON subscriptions
BEGIN
  UPDATE end_users SET subscriptionStatus = NULL, subscriptionPlan = NULL
  WHERE publishableKey = OLD.publishableKey AND clerkUserId = OLD.userId;
END;

CREATE TRIGGER end_users_already_subscribed AFTER INSERT ON end_users
WHEN EXISTS (SELECT 1 FROM subscriptions s WHERE s.publishableKey = NEW.publishableKey AND s.userId = NEW.clerkUserId)
BEGIN
  UPDATE end_users SET (subscriptionStatus, subscriptionPlan) = (
    SELECT s.status, CASE WHEN s.status IN ('active', 'trialing', 'past_due') THEN s.plan END
    FROM subscriptions s WHERE s.publishableKey = NEW.publishableKey AND s.userId = NEW.clerkUserId)
  WHERE publishableKey = NEW.publishableKey AND clerkUserId = NEW.clerkUserId;
END;

-- The order of reads of one subscription at Stripe: a read that began earlier never overwrites one that began later.
CREATE TABLE subscription_syncs (
  subscriptionId TEXT PRIMARY KEY,
  issued INTEGER NOT NULL,
  applied INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;

-- The last subscription checkout of an end user. A new one replaces it.
CREATE TABLE checkout_sessions (
  publishableKey TEXT NOT NULL REFERENCES projects (publishableKey) ON DELETE CASCADE,
  userId TEXT NOT NULL,
  sessionId TEXT NOT NULL UNIQUE,
  tierName TEXT NOT NULL,
  expiresAt TEXT NOT NULL,
  PRIMARY KEY (publishableKey, userId)
) WITHOUT ROWID;

-- Usage -----------------------------------------------------------------------------------------------------

-- One row per end user and period. "limit", plan and outcome are those of the last call. minuteStart and minuteCount are the window
-- of the rate limit. claimId is the claim of the last call, if it had an Idempotency-Key.
CREATE TABLE usage_counts (
  publishableKey TEXT NOT NULL REFERENCES projects (publishableKey) ON DELETE CASCADE,
  userId TEXT NOT NULL,
  periodStart TEXT NOT NULL,
  periodEnd TEXT NOT NULL,
  plan TEXT NOT NULL,
  "limit" INTEGER,
  usageCount INTEGER NOT NULL CHECK (usageCount >= 0),
  minuteStart INTEGER NOT NULL,
  minuteCount INTEGER NOT NULL,
  outcome TEXT NOT NULL CHECK (outcome IN ('counted', 'limit_reached', 'rate_limited')),
  claimId TEXT,
  updatedAt TEXT NOT NULL,
  PRIMARY KEY (publishableKey, userId, periodStart)
) WITHOUT ROWID;

-- Counted units of a project by day. Triggers on usage_counts add to them.
CREATE TABLE usage_days (
  publishableKey TEXT NOT NULL REFERENCES projects (publishableKey) ON DELETE CASCADE,
  date TEXT NOT NULL,
  usageCount INTEGER NOT NULL,
  PRIMARY KEY (publishableKey, date)
) WITHOUT ROWID;

-- The first call of an end user in a period makes the user known.
CREATE TRIGGER usage_counts_started AFTER INSERT ON usage_counts
BEGIN
  INSERT INTO end_users (publishableKey, clerkUserId, createdAt, updatedAt)
  VALUES (NEW.publishableKey, NEW.userId, NEW.updatedAt, NEW.updatedAt)
  ON CONFLICT (publishableKey, clerkUserId) DO NOTHING;
  INSERT INTO usage_days (publishableKey, date, usageCount)
  VALUES (NEW.publishableKey, substr(NEW.updatedAt, 1, 10), NEW.usageCount)
  ON CONFLICT (publishableKey, date) DO UPDATE SET usageCount = usageCount + excluded.usageCount;
END;

CREATE TRIGGER usage_counts_counted AFTER UPDATE OF usageCount ON usage_counts WHEN NEW.usageCount > OLD.usageCount
BEGIN
  INSERT INTO usage_days (publishableKey, date, usageCount)
  VALUES (NEW.publishableKey, substr(NEW.updatedAt, 1, 10), NEW.usageCount - OLD.usageCount)
  ON CONFLICT (publishableKey, date) DO UPDATE SET usageCount = usageCount + excluded.usageCount;
END;

-- First answers to requests with an Idempotency-Key, for 24 hours. They are encrypted, except the counts of POST /api/data.
CREATE TABLE idempotency_keys (
  scope TEXT NOT NULL,
  idempotencyKey TEXT NOT NULL,
  fingerprint TEXT NOT NULL,
  claimId TEXT NOT NULL,
  answer TEXT,
  createdAt TEXT NOT NULL,
  PRIMARY KEY (scope, idempotencyKey)
) WITHOUT ROWID;
CREATE INDEX idempotency_keys_by_age ON idempotency_keys (createdAt);

-- Store -----------------------------------------------------------------------------------------------------

-- Orders of carts in a store project. sessionId is NULL until Stripe has created the checkout session.
CREATE TABLE orders (
  orderId TEXT PRIMARY KEY,
  publishableKey TEXT NOT NULL REFERENCES projects (publishableKey) ON DELETE CASCADE,
  userId TEXT,
  email TEXT,
  status TEXT NOT NULL CHECK (
    status IN ('open', 'processing', 'paid', 'partially_refunded', 'refunded', 'disputed', 'expired', 'failed')
  ),
  sessionId TEXT UNIQUE,
  paymentIntentId TEXT UNIQUE,
  -- The hash of the idempotent request that created the order: a retry after a crash finishes the same order.
  requestHash TEXT,
  currency TEXT NOT NULL,
  amountTotal INTEGER NOT NULL CHECK (amountTotal >= 0),
  amountPaid INTEGER NOT NULL DEFAULT 0 CHECK (amountPaid >= 0),
  amountRefunded INTEGER NOT NULL DEFAULT 0 CHECK (amountRefunded >= 0),
  expiresAt TEXT NOT NULL,
  createdAt TEXT NOT NULL,
  updatedAt TEXT NOT NULL,
  paidAt TEXT
);
CREATE INDEX orders_by_age ON orders (publishableKey, createdAt, orderId);
CREATE INDEX orders_by_status ON orders (publishableKey, status, createdAt, orderId);
CREATE INDEX orders_unsettled ON orders (expiresAt) WHERE status IN ('open', 'processing');
CREATE INDEX orders_without_session ON orders (createdAt) WHERE status = 'open' AND sessionId IS NULL;
CREATE UNIQUE INDEX orders_unfinished ON orders (requestHash) WHERE status = 'open';

-- The tiers that an order buys, with their names and prices at the time of the order.
CREATE TABLE order_items (
  orderId TEXT NOT NULL REFERENCES orders (orderId) ON DELETE CASCADE,
  publishableKey TEXT NOT NULL,
  tierName TEXT NOT NULL,
  displayName TEXT NOT NULL,
  priceId TEXT NOT NULL,
  productId TEXT,
  unitAmount INTEGER NOT NULL CHECK (unitAmount >= 0),
  quantity INTEGER NOT NULL CHECK (quantity > 0),
  PRIMARY KEY (orderId, tierName)
) WITHOUT ROWID;

-- The units that an order holds. Triggers change the inventory, so a reservation and the inventory change together or not at all.
CREATE TABLE stock_reservations (
  orderId TEXT NOT NULL REFERENCES orders (orderId) ON DELETE CASCADE,
  publishableKey TEXT NOT NULL,
  tierName TEXT NOT NULL,
  quantity INTEGER NOT NULL CHECK (quantity > 0),
  status TEXT NOT NULL DEFAULT 'reserved' CHECK (status IN ('reserved', 'sold', 'released')),
  createdAt TEXT NOT NULL,
  updatedAt TEXT NOT NULL,
  PRIMARY KEY (orderId, tierName)
) WITHOUT ROWID;

-- inventory >= 0 is a CHECK of tiers. If there are too few units, it aborts the whole batch.
CREATE TRIGGER stock_reserved AFTER INSERT ON stock_reservations
BEGIN
  UPDATE tiers SET inventory = inventory - NEW.quantity
  WHERE publishableKey = NEW.publishableKey AND name = NEW.tierName AND inventory IS NOT NULL;
END;

CREATE TRIGGER stock_released AFTER UPDATE OF status ON stock_reservations
WHEN NEW.status = 'released' AND OLD.status <> 'released'
BEGIN
  UPDATE tiers SET inventory = inventory + NEW.quantity
  WHERE publishableKey = NEW.publishableKey AND name = NEW.tierName AND inventory IS NOT NULL;
END;

CREATE TRIGGER stock_released_for_good BEFORE UPDATE OF status ON stock_reservations
WHEN OLD.status = 'released' AND NEW.status <> 'released'
BEGIN
  SELECT RAISE(ABORT, 'released stock stays released');
END;

-- Money that was paid: one row per paid invoice or order. Amounts are set from Stripe's object, never added to.
CREATE TABLE payments (
  publishableKey TEXT NOT NULL REFERENCES projects (publishableKey) ON DELETE CASCADE,
  paymentId TEXT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('invoice', 'order')),
  userId TEXT,
  paymentIntentId TEXT,
  currency TEXT NOT NULL,
  amountPaid INTEGER NOT NULL CHECK (amountPaid >= 0),
  amountRefunded INTEGER NOT NULL DEFAULT 0 CHECK (amountRefunded >= 0),
  paidAt TEXT NOT NULL,
  PRIMARY KEY (publishableKey, paymentId)
) WITHOUT ROWID;
CREATE UNIQUE INDEX payments_by_intent ON payments (publishableKey, paymentIntentId);

-- Money paid minus money refunded, by project and day. Triggers on payments add to it.
CREATE TABLE revenue_days (
  publishableKey TEXT NOT NULL REFERENCES projects (publishableKey) ON DELETE CASCADE,
  date TEXT NOT NULL,
  amount INTEGER NOT NULL,
  PRIMARY KEY (publishableKey, date)
) WITHOUT ROWID;

-- Running totals of a project, so that its dashboard scans nothing.
CREATE TABLE project_totals (
  publishableKey TEXT PRIMARY KEY REFERENCES projects (publishableKey) ON DELETE CASCADE,
  endUsers INTEGER NOT NULL DEFAULT 0,
  activeSubscriptions INTEGER NOT NULL DEFAULT 0,
  cancelingSubscriptions INTEGER NOT NULL DEFAULT 0,
  monthlyAmount INTEGER NOT NULL DEFAULT 0,
  revenue INTEGER NOT NULL DEFAULT 0,
  storeSales INTEGER NOT NULL DEFAULT 0,
  storeRevenue INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;

CREATE TRIGGER totals_project_created AFTER INSERT ON projects
BEGIN
  INSERT INTO project_totals (publishableKey) VALUES (NEW.publishableKey);
END;

CREATE TRIGGER totals_end_user_added AFTER INSERT ON end_users
BEGIN
  UPDATE project_totals SET endUsers = endUsers + 1 WHERE publishableKey = NEW.publishableKey;
END;

CREATE TRIGGER totals_end_user_removed AFTER DELETE ON end_users
BEGIN
  UPDATE project_totals SET endUsers = endUsers - 1 WHERE publishableKey = OLD.publishableKey;
END;

CREATE TRIGGER totals_subscription_added AFTER INSERT ON subscriptions
BEGIN
  UPDATE project_totals SET
    activeSubscriptions = activeSubscriptions + (NEW.status IN ('active', 'trialing', 'past_due')),
    cancelingSubscriptions = cancelingSubscriptions
      + (NEW.status IN ('active', 'trialing', 'past_due') AND (NEW.cancelAtPeriodEnd = 1 OR NEW.cancelAt IS NOT NULL)),
    monthlyAmount = monthlyAmount + CASE WHEN NEW.status IN ('active', 'past_due') THEN NEW.monthlyAmount ELSE 0 END
  WHERE publishableKey = NEW.publishableKey;
END;

CREATE TRIGGER totals_subscription_changed AFTER UPDATE ON subscriptions
BEGIN
  UPDATE project_totals SET
    activeSubscriptions = activeSubscriptions + (NEW.status IN ('active', 'trialing', 'past_due'))
      - (OLD.status IN ('active', 'trialing', 'past_due')),
    cancelingSubscriptions = cancelingSubscriptions
      + (NEW.status IN ('active', 'trialing', 'past_due') AND (NEW.cancelAtPeriodEnd = 1 OR NEW.cancelAt IS NOT NULL))
      - (OLD.status IN ('active', 'trialing', 'past_due') AND (OLD.cancelAtPeriodEnd = 1 OR OLD.cancelAt IS NOT NULL)),
    monthlyAmount = monthlyAmount + CASE WHEN NEW.status IN ('active', 'past_due') THEN NEW.monthlyAmount ELSE 0 END
      - CASE WHEN OLD.status IN ('active', 'past_due') THEN OLD.monthlyAmount ELSE 0 END
  WHERE publishableKey = NEW.publishableKey;
END;

CREATE TRIGGER totals_subscription_removed AFTER DELETE ON subscriptions
BEGIN
  UPDATE project_totals SET
    activeSubscriptions = activeSubscriptions - (OLD.status IN ('active', 'trialing', 'past_due')),
    cancelingSubscriptions = cancelingSubscriptions
      - (OLD.status IN ('active', 'trialing', 'past_due') AND (OLD.cancelAtPeriodEnd = 1 OR OLD.cancelAt IS NOT NULL)),
    monthlyAmount = monthlyAmount - CASE WHEN OLD.status IN ('active', 'past_due') THEN OLD.monthlyAmount ELSE 0 END
  WHERE publishableKey = OLD.publishableKey;
END;

CREATE TRIGGER totals_payment_added AFTER INSERT ON payments
BEGIN
  UPDATE project_totals SET
    revenue = revenue + NEW.amountPaid - NEW.amountRefunded,
    storeSales = storeSales + (NEW.kind = 'order'),
    storeRevenue = storeRevenue + CASE WHEN NEW.kind = 'order' THEN NEW.amountPaid - NEW.amountRefunded ELSE 0 END
  WHERE publishableKey = NEW.publishableKey;
  INSERT INTO revenue_days (publishableKey, date, amount)
  VALUES (NEW.publishableKey, substr(NEW.paidAt, 1, 10), NEW.amountPaid - NEW.amountRefunded)
  ON CONFLICT (publishableKey, date) DO UPDATE SET amount = amount + excluded.amount;
END;

CREATE TRIGGER totals_payment_changed AFTER UPDATE OF amountPaid, amountRefunded ON payments
BEGIN
  UPDATE project_totals SET
    revenue = revenue + (NEW.amountPaid - NEW.amountRefunded) - (OLD.amountPaid - OLD.amountRefunded),
    storeRevenue = storeRevenue + CASE WHEN NEW.kind = 'order'
      THEN (NEW.amountPaid - NEW.amountRefunded) - (OLD.amountPaid - OLD.amountRefunded) ELSE 0 END
  WHERE publishableKey = NEW.publishableKey;
  UPDATE revenue_days SET amount = amount + (NEW.amountPaid - NEW.amountRefunded) - (OLD.amountPaid - OLD.amountRefunded)
  WHERE publishableKey = NEW.publishableKey AND date = substr(NEW.paidAt, 1, 10);
END;

-- Events and effects ----------------------------------------------------------------------------------------

-- Webhook events of Stripe and Clerk. The payload is deleted after 30 days.
CREATE TABLE events (
  eventId TEXT PRIMARY KEY,
  source TEXT NOT NULL CHECK (source IN ('stripe_platform', 'stripe_connect', 'clerk_developers', 'clerk_end_users')),
  type TEXT NOT NULL,
  account TEXT,
  livemode INTEGER CHECK (livemode IN (0, 1)),
  publishableKey TEXT,
  createdAt TEXT NOT NULL,
  claimedAt TEXT NOT NULL,
  handledAt TEXT,
  outcome TEXT CHECK (outcome IN ('handled', 'ignored', 'rejected')),
  reason TEXT,
  attempts INTEGER NOT NULL DEFAULT 1,
  payload TEXT
) WITHOUT ROWID;
CREATE INDEX events_by_project ON events (publishableKey, claimedAt);
CREATE INDEX events_with_payload ON events (claimedAt) WHERE payload IS NOT NULL;

-- The update that marks an event as handled stands first in the batch of its statements. A second one aborts the whole batch.
CREATE TRIGGER events_handled_once BEFORE UPDATE OF handledAt ON events WHEN OLD.handledAt IS NOT NULL
BEGIN
  SELECT RAISE(ABORT, 'event already handled');
END;

-- Effects on Clerk, Stripe and R2 that have not taken place yet. One row per kind and subject.
CREATE TABLE outbox (
  outboxId INTEGER PRIMARY KEY,
  kind TEXT NOT NULL,
  subject TEXT NOT NULL,
  payload TEXT NOT NULL CHECK (json_valid(payload)),
  version INTEGER NOT NULL DEFAULT 1,
  attempts INTEGER NOT NULL DEFAULT 0,
  nextAttemptAt TEXT NOT NULL,
  lastError TEXT,
  createdAt TEXT NOT NULL,
  UNIQUE (kind, subject)
);
CREATE INDEX outbox_due ON outbox (nextAttemptAt);

-- The progress of a nightly job in a run, which is named by its date. The next slice continues at the cursor.
CREATE TABLE nightly_runs (
  job TEXT NOT NULL,
  run TEXT NOT NULL,
  cursor TEXT NOT NULL DEFAULT '',
  checked INTEGER NOT NULL DEFAULT 0,
  repaired INTEGER NOT NULL DEFAULT 0,
  finishedAt TEXT,
  PRIMARY KEY (job, run)
) WITHOUT ROWID;
