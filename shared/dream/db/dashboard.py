"""What a project's dashboard reads: running totals, daily series, a page of customers. Every statement answers from an index,
whatever the size of the project, and all of them go in one batch.
"""

from __future__ import annotations

from dataclasses import dataclass

from dream.db import connected_accounts, events, orders
from dream.db.tiers import LIST_OF_PROJECT
from dream.runtime.bindings import Bound, Database, Row, Sql

PROJECT_OF_DEVELOPER = Sql("""
SELECT p.publishableKey, p.platformId, p.name, p.projectType, p.mode, f.liveKeysUntil
FROM projects p JOIN platforms f ON f.platformId = p.platformId
WHERE p.publishableKey = ?1 AND f.clerkUserId = ?2
""")

TOTALS = Sql("""
SELECT endUsers, activeSubscriptions, cancelingSubscriptions, monthlyAmount, revenue, storeSales, storeRevenue
FROM project_totals WHERE publishableKey = ?1
""")

USAGE_DAYS = Sql("SELECT date, usageCount FROM usage_days WHERE publishableKey = ?1 AND date >= ?2 ORDER BY date")

REVENUE_DAYS = Sql("SELECT date, amount FROM revenue_days WHERE publishableKey = ?1 AND date >= ?2 ORDER BY date")

SECRET_KEYS = Sql("""
SELECT secretKeyMasked, status, expiresAt, createdAt, lastUsedAt FROM api_keys
WHERE publishableKey = ?1 ORDER BY createdAt DESC LIMIT 20
""")

# Project ?1, start of the calendar month ?2, past due since before ?3 entitles no more, rows ?4; the rest is each page's own.
# The plan is settled as the counting statement settles it.
_SHOWN = """
SELECT u.clerkUserId, u.email, u.firstName, u.lastName, u.createdAt, u.stripeCustomerId, t.name AS plan, t."limit",
  s.status, s.subscriptionId, s.stripeCustomerId AS subscriber, s.priceId, s.productId, s.amount, s.currency,
  s.currentPeriodEnd, s.canceledAt, s.cancelAtPeriodEnd, s.cancelAt,
  coalesce(c.usageCount, 0) AS usageCount, coalesce(c.periodStart, e.currentPeriodStart, ?2) AS periodStart,
  coalesce(c.periodEnd, e.currentPeriodEnd) AS periodEnd
FROM page u
LEFT JOIN subscriptions s ON s.publishableKey = ?1 AND s.userId = u.clerkUserId
LEFT JOIN subscriptions e ON e.publishableKey = ?1 AND e.userId = u.clerkUserId
  AND (e.status IN ('active', 'trialing') OR (e.status = 'past_due' AND e.pastDueSince > ?3))
LEFT JOIN tiers t ON t.publishableKey = ?1 AND t.name = coalesce(e.plan, u.plan, (
  SELECT d.name FROM tiers d
  WHERE d.publishableKey = ?1 AND d.billingMode = 'subscription' AND d.archivedAt IS NULL
  ORDER BY d.name <> 'free', d.price LIMIT 1))
LEFT JOIN usage_counts c ON c.publishableKey = ?1 AND c.userId = u.clerkUserId
  AND c.periodStart = coalesce(e.currentPeriodStart, ?2)
"""

_USER = "clerkUserId, email, firstName, lastName, plan, stripeCustomerId, createdAt"
_PLAN = "coalesce(subscriptionPlan, plan, '')"
_STATUS = "coalesce(subscriptionStatus, 'none')"


def _newest(where: str) -> str:
    return f"""
SELECT {_USER} FROM end_users
WHERE publishableKey = ?1 AND (createdAt, clerkUserId) < (?5, ?6) {where}
ORDER BY createdAt DESC, clerkUserId DESC LIMIT ?4
"""


def _shown(page: str, order: str) -> Sql:
    return Sql(f"WITH page AS ({page}) {_SHOWN} ORDER BY {order}")


def _newest_of_plan(where: str) -> str:
    """Users of a plan, and of no plan where the plan is the default one: two stretches of one index, merged."""
    of_plan = _newest(f"AND {_PLAN} = ?7 {where}")
    of_none = _newest(f"AND {_PLAN} = CASE WHEN ?8 = 1 THEN '' END {where}")
    return f"""
SELECT * FROM (SELECT * FROM ({of_plan}) UNION ALL SELECT * FROM ({of_none}))
ORDER BY createdAt DESC, clerkUserId DESC LIMIT ?4
"""


_NEWEST_FIRST = "u.createdAt DESC, u.clerkUserId DESC"

CUSTOMERS = _shown(_newest(""), _NEWEST_FIRST)
CUSTOMERS_OF_STATUS = _shown(_newest(f"AND {_STATUS} = ?7"), _NEWEST_FIRST)
CUSTOMERS_OF_PLAN = _shown(_newest_of_plan(""), _NEWEST_FIRST)
CUSTOMERS_OF_PLAN_AND_STATUS = _shown(_newest_of_plan(f"AND {_STATUS} = ?9"), _NEWEST_FIRST)

# Emails that begin with the search, from ?5 up to ?6, behind ?7 and ?8; filters ?9 (and ?10: the default plan) and ?11.
CUSTOMERS_BY_EMAIL = _shown(
    f"""
SELECT {_USER} FROM end_users
WHERE publishableKey = ?1 AND email >= ?5 AND email < ?6 AND (email, clerkUserId) > (?7, ?8)
  AND (?9 IS NULL OR {_PLAN} = ?9 OR (?10 = 1 AND {_PLAN} = '')) AND (?11 IS NULL OR {_STATUS} = ?11)
ORDER BY email, clerkUserId LIMIT ?4
""",
    "u.email, u.clerkUserId",
)

CUSTOMER = _shown(
    f"""
SELECT {_USER} FROM end_users WHERE publishableKey = ?1 AND clerkUserId = ?5
  AND (?6 IS NULL OR {_PLAN} = ?6 OR (?7 = 1 AND {_PLAN} = '')) AND (?8 IS NULL OR {_STATUS} = ?8) LIMIT ?4
""",
    "u.clerkUserId",
)

_AFTER_ALL = "\U0010ffff"
"""Sorts behind whatever continues a prefix."""
_AFTER_ITSELF = "\x01"
"""Sorts before whatever else continues an email."""


@dataclass(frozen=True, slots=True)
class CustomerQuery:
    """A page of customers. `place` is where the last page ended: two texts, in the order of the page.

    `search` is a user id, or what an email begins with; emails are then the order, else the newest come first.
    """

    plan: str | None
    plan_is_default: bool
    status: str | None
    search: str | None
    place: tuple[str, str] | None
    count: int
    whole_email: bool = False
    """Whether `search` is all of the email, not its beginning."""

    @property
    def by_email(self) -> bool:
        return self.search is not None and not self.search.startswith("user_")

    def bind(self, publishable_key: str, month_start: str, past_due_after: str) -> Bound:
        """The statement of this page."""
        common = (publishable_key, month_start, past_due_after, self.count)
        is_default = int(self.plan_is_default)
        if self.search is not None and self.by_email:
            place = self.place or ("", "")
            end = self.search + (_AFTER_ITSELF if self.whole_email else _AFTER_ALL)
            return CUSTOMERS_BY_EMAIL.bind(*common, self.search, end, *place, self.plan, is_default, self.status)
        if self.search is not None:
            return CUSTOMER.bind(*common, self.search, self.plan, is_default, self.status)
        place = self.place or (orders.LATEST, "")
        if self.plan is not None and self.status is not None:
            return CUSTOMERS_OF_PLAN_AND_STATUS.bind(*common, *place, self.plan, is_default, self.status)
        if self.plan is not None:
            return CUSTOMERS_OF_PLAN.bind(*common, *place, self.plan, is_default)
        if self.status is not None:
            return CUSTOMERS_OF_STATUS.bind(*common, *place, self.status)
        return CUSTOMERS.bind(*common, *place)


@dataclass(frozen=True, slots=True)
class TotalsRead:
    """Rows of the metrics. `usage_days` begin with the month, or with the first shown day if that is earlier."""

    totals: Row
    usage_days: list[Row]
    tiers: list[Row]


@dataclass(frozen=True, slots=True)
class DashboardRead:
    """Rows of the whole dashboard."""

    metrics: TotalsRead
    revenue_days: list[Row]
    customers: list[Row]
    orders: list[Row]
    secret_keys: list[Row]
    account_id: str | None
    events: list[Row]


async def find_project_of_developer(db: Database, publishable_key: str, clerk_user_id: str) -> Row | None:
    """The project, if it is this developer's."""
    return await db.first(PROJECT_OF_DEVELOPER, publishable_key, clerk_user_id)


async def read_customers(
    db: Database, publishable_key: str, query: CustomerQuery, *, month_start: str, past_due_after: str
) -> list[Row]:
    """A page of customers alone."""
    page = query.bind(publishable_key, month_start, past_due_after)
    return await db.all(page.statement, *page.values)


async def find_customer(
    db: Database, publishable_key: str, user_id: str, *, month_start: str, past_due_after: str
) -> Row | None:
    """One customer, as pages show them."""
    return await db.first(CUSTOMER, publishable_key, month_start, past_due_after, 1, user_id, None, 0, None)


async def read_totals(db: Database, publishable_key: str, first_day: str) -> TotalsRead | None:
    """What the metrics are made of; None when the project is gone."""
    totals, usage_days, tiers = await db.batch(_totals(publishable_key, first_day))
    return TotalsRead(totals[0], usage_days, tiers) if totals else None


async def read(
    db: Database,
    publishable_key: str,
    platform_id: str,
    mode: str,
    *,
    first_day: str,
    month_start: str,
    past_due_after: str,
    customers: CustomerQuery,
    latest: int,
) -> DashboardRead | None:
    """The whole dashboard in one round trip, with the `latest` orders and events; None when the project is gone."""
    results = await db.batch(
        [
            *_totals(publishable_key, first_day),
            REVENUE_DAYS.bind(publishable_key, first_day),
            customers.bind(publishable_key, month_start, past_due_after),
            orders.page(publishable_key, None, None, latest),
            SECRET_KEYS.bind(publishable_key),
            connected_accounts.of_platform(platform_id, mode),
            events.RECENT_OF_PROJECT.bind(publishable_key, latest),
        ]
    )
    totals, usage_days, tiers, revenue_days, customer_rows, order_rows, secret_keys, accounts, event_rows = results
    if not totals:
        return None
    account_id = accounts[0]["stripeUserId"] if accounts else None
    metrics = TotalsRead(totals[0], usage_days, tiers)
    return DashboardRead(metrics, revenue_days, customer_rows, order_rows, secret_keys, account_id, event_rows)


def _totals(publishable_key: str, first_day: str) -> list[Bound]:
    return [
        TOTALS.bind(publishable_key),
        USAGE_DAYS.bind(publishable_key, first_day),
        LIST_OF_PROJECT.bind(publishable_key),
    ]
