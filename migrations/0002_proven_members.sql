-- Membership is proven: by the user's own token, or by creation through POST /api/customers. A row that a backend made by naming
-- an id in X-User-Id proves nothing, and nothing at Clerk, no email address and no sign-in follows from it.
--
-- Rows from before this migration say nothing of how they came to be: a captured user looks like one who was created. All of them
-- are therefore unproven. Counts, plans, subscriptions and the profiles that are stored already stay as they are. The next token of
-- such a user proves them again; until then nothing new is written to Clerk or read from it.
ALTER TABLE end_users ADD COLUMN provenAt TEXT;

-- Who was deleted when, for as long as a token from before can be alive: such a token does not bring the user back.
CREATE TABLE deleted_end_users (
  publishableKey TEXT NOT NULL REFERENCES projects (publishableKey) ON DELETE CASCADE,
  clerkUserId TEXT NOT NULL,
  deletedAt TEXT NOT NULL,
  PRIMARY KEY (publishableKey, clerkUserId)
) WITHOUT ROWID;
CREATE INDEX deleted_end_users_by_age ON deleted_end_users (deletedAt);
