"""`usage_counts`: counting against a limit, in one statement that decides, counts and explains.

Plan, limit and period are settled inside the statement (D1 decides), and it holds only for a key that still works, so a warm call
needs no other round trip. The rate limit of the counting route rides in the same row.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from dream.db.deleted_end_users import IS_DELETED
from dream.runtime.bindings import Database, Sql

# Who counts: project ?1, user ?2, calendar month ?3 to ?4, now ?5, secret key hash or NULL ?6, plan hint ?7, grace ?8,
# issue of the token or NULL ?9.
# The plan: an entitling subscription's, else the one set for the user, else the hint, else the default tier.
_CALLER = f"""
FROM projects p
LEFT JOIN subscriptions s ON s.publishableKey = p.publishableKey AND s.userId = ?2
  AND (s.status IN ('active', 'trialing') OR (s.status = 'past_due' AND s.pastDueSince > ?8))
LEFT JOIN end_users u ON u.publishableKey = p.publishableKey AND u.clerkUserId = ?2
JOIN tiers t ON t.publishableKey = p.publishableKey AND t.name = coalesce(s.plan, u.plan, ?7, (
  SELECT d.name FROM tiers d
  WHERE d.publishableKey = p.publishableKey AND d.billingMode = 'subscription' AND d.archivedAt IS NULL
  ORDER BY d.name <> 'free', d.price LIMIT 1))
WHERE p.publishableKey = ?1
  AND (p.mode = 'test' OR (SELECT f.liveKeysUntil FROM platforms f WHERE f.platformId = p.platformId) > ?5)
  AND (?6 IS NULL OR EXISTS (
    SELECT 1 FROM api_keys k WHERE k.secretKeyHash = ?6 AND k.publishableKey = p.publishableKey
      AND k.status = 'active' AND (k.expiresAt IS NULL OR k.expiresAt > ?5)))
  AND NOT {IS_DELETED.format(project="p.publishableKey", user="?2", issued="?9")}
"""

# The cheapest tier that allows more than the one that refused, and whether the user's membership is proven.
_ANSWER = """
json_array(plan, usageCount, "limit", periodStart, periodEnd, outcome,
  json(CASE WHEN outcome = 'limit_reached' THEN (
    SELECT json_array(n.name, n.price) FROM tiers n
    WHERE n.publishableKey = usage_counts.publishableKey AND n.billingMode = 'subscription' AND n.archivedAt IS NULL
      AND (n."limit" IS NULL OR n."limit" > usage_counts."limit")
    ORDER BY n.price, n."limit" IS NULL, n."limit" LIMIT 1) END),
  EXISTS (SELECT 1 FROM end_users m WHERE m.publishableKey = usage_counts.publishableKey
    AND m.clerkUserId = usage_counts.userId AND m.provenAt IS NOT NULL))
"""


def _count(only_if: str) -> str:
    # Further: quantity ?10, this minute ?11, calls a minute ?12, claim ?13.
    return f"""
INSERT INTO usage_counts (publishableKey, userId, periodStart, periodEnd, plan, "limit", usageCount,
  minuteStart, minuteCount, outcome, claimId, updatedAt)
SELECT p.publishableKey, ?2, coalesce(s.currentPeriodStart, ?3), coalesce(s.currentPeriodEnd, ?4), t.name, t."limit",
  CASE WHEN t."limit" IS NULL OR ?10 <= t."limit" THEN ?10 ELSE 0 END,
  ?11, 1, CASE WHEN t."limit" IS NULL OR ?10 <= t."limit" THEN 'counted' ELSE 'limit_reached' END, ?13, ?5
{_CALLER}{only_if}
ON CONFLICT (publishableKey, userId, periodStart) DO UPDATE SET
  periodEnd = excluded.periodEnd, plan = excluded.plan, "limit" = excluded."limit",
  usageCount = usageCount + CASE
    WHEN usageCount + ?10 > excluded."limit" THEN 0
    WHEN minuteStart = excluded.minuteStart AND minuteCount >= ?12 THEN 0
    ELSE ?10 END,
  outcome = CASE
    WHEN usageCount + ?10 > excluded."limit" THEN 'limit_reached'
    WHEN minuteStart = excluded.minuteStart AND minuteCount >= ?12 THEN 'rate_limited'
    ELSE 'counted' END,
  minuteCount = CASE WHEN minuteStart = excluded.minuteStart THEN minuteCount + 1 ELSE 1 END,
  minuteStart = excluded.minuteStart, claimId = excluded.claimId, updatedAt = excluded.updatedAt
RETURNING {_ANSWER} AS answer
"""


COUNT_CALL = Sql(_count(""))

READ_USAGE = Sql(f"""
SELECT json_array(t.name, coalesce(c.usageCount, 0), t."limit", coalesce(s.currentPeriodStart, ?3),
  coalesce(s.currentPeriodEnd, ?4), CASE WHEN u.clerkUserId IS NULL THEN 'new_user' ELSE 'known_user' END, NULL,
  u.provenAt IS NOT NULL) AS answer
{
    _CALLER.replace(
        "WHERE p.publishableKey",
        '''LEFT JOIN usage_counts c ON c.publishableKey = p.publishableKey
  AND c.userId = ?2 AND c.periodStart = coalesce(s.currentPeriodStart, ?3)
WHERE p.publishableKey''',
        1,
    )
}
""")

# Idempotent counting: scope ?1, key ?2, fingerprint ?3, claim ?4, now ?5, oldest valid ?6.
CLAIM_KEY = Sql("""
INSERT INTO idempotency_keys (scope, idempotencyKey, fingerprint, claimId, createdAt) VALUES (?1, ?2, ?3, ?4, ?5)
ON CONFLICT (scope, idempotencyKey) DO UPDATE SET
  fingerprint = excluded.fingerprint, claimId = excluded.claimId, createdAt = excluded.createdAt, answer = NULL
WHERE createdAt < ?6
""")

COUNT_CALL_ONCE = Sql(
    _count(
        "  AND EXISTS (SELECT 1 FROM idempotency_keys i WHERE i.scope = ?14 AND i.idempotencyKey = ?15 AND i.claimId = ?13)"
    )
)

# Project ?1, user ?2, claim ?3, scope ?4, key ?5, request id ?6.
KEEP_ANSWER = Sql(f"""
UPDATE idempotency_keys SET answer = (
  SELECT json_array(?6, {_ANSWER}) FROM usage_counts
  WHERE publishableKey = ?1 AND userId = ?2 AND claimId = ?3 AND outcome <> 'rate_limited')
WHERE scope = ?4 AND idempotencyKey = ?5 AND claimId = ?3
""")

# A call that counted nothing and refused nothing (no such plan, key gone, too many a minute) leaves its key free.
FREE_KEY = Sql(
    "DELETE FROM idempotency_keys WHERE scope = ?1 AND idempotencyKey = ?2 AND claimId = ?3 AND answer IS NULL"
)

READ_KEY = Sql("""
SELECT fingerprint, claimId, answer FROM idempotency_keys WHERE scope = ?1 AND idempotencyKey = ?2
""")

DELETE_OF_USER = Sql("DELETE FROM usage_counts WHERE publishableKey = ?1 AND userId = ?2")


@dataclass(frozen=True, slots=True)
class CountingCaller:
    """Who counts, and what the statement needs to know of them. Moments are ISO 8601 UTC."""

    publishable_key: str
    user_id: str
    month: tuple[str, str]
    now: str
    secret_key_hash: str | None
    plan_hint: str | None
    past_due_after: str
    token_issued_at: str | None

    def values(self) -> tuple[str | None, ...]:
        return (
            self.publishable_key,
            self.user_id,
            self.month[0],
            self.month[1],
            self.now,
            self.secret_key_hash,
            self.plan_hint,
            self.past_due_after,
            self.token_issued_at,
        )


@dataclass(frozen=True, slots=True)
class IdempotentCall:
    """One call under an Idempotency-Key. `valid_after` is the moment before which a stored answer has lapsed."""

    scope: str
    key: str
    fingerprint: str
    claim_id: str
    valid_after: str
    request_id: str


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """What lies under an Idempotency-Key after the batch: whose it is, and the first answer with its request id."""

    fingerprint: str
    claim_id: str
    request_id: str
    answer: list[Any]


async def count_call(db: Database, caller: CountingCaller, quantity: int, minute: int, calls_a_minute: int) -> Any:
    """Count one call. The answer array of the statement, or None when key or plan does not hold any more."""
    answer = await db.value(COUNT_CALL, *caller.values(), quantity, minute, calls_a_minute, None)
    return None if answer is None else json.loads(answer)


async def count_call_once(
    db: Database, caller: CountingCaller, quantity: int, minute: int, calls_a_minute: int, call: IdempotentCall
) -> tuple[Any, StoredAnswer | None]:
    """Count one call unless its key was used: in one batch, what the statement said (None: it did not run), and what is stored."""
    rows = await db.batch(
        [
            CLAIM_KEY.bind(call.scope, call.key, call.fingerprint, call.claim_id, caller.now, call.valid_after),
            COUNT_CALL_ONCE.bind(
                *caller.values(), quantity, minute, calls_a_minute, call.claim_id, call.scope, call.key
            ),
            KEEP_ANSWER.bind(
                caller.publishable_key, caller.user_id, call.claim_id, call.scope, call.key, call.request_id
            ),
            FREE_KEY.bind(call.scope, call.key, call.claim_id),
            READ_KEY.bind(call.scope, call.key),
        ]
    )
    counted = json.loads(rows[1][0]["answer"]) if rows[1] else None
    if not rows[4]:
        return counted, None
    stored = rows[4][0]
    request_id, answer = json.loads(stored["answer"])
    return counted, StoredAnswer(stored["fingerprint"], stored["claimId"], request_id, answer)


async def read_usage(db: Database, caller: CountingCaller) -> Any:
    """The usage of the present period without counting, in the form of `count_call`."""
    answer = await db.value(READ_USAGE, *caller.values())
    return None if answer is None else json.loads(answer)
