"""`usage_counts`: counts calls against a limit. One statement decides, counts and returns the answer.

The statement finds plan, limit and period itself, and only for a key that still works. So a call on a warm isolate needs no other
round trip. The rate limit of `POST /api/data` is in the same row.

A call with an Idempotency-Key does not use `dream.http.idempotency`: the key must be claimed, the call counted and the answer
stored in one batch, so that a call that dies half-way is neither counted twice nor lost, and costs one round trip.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, cast

from dream.db import idempotency_keys, plan_in_force
from dream.db.deleted_end_users import IS_DELETED
from dream.domain.usage import Outcome, Usage, UsageResult
from dream.runtime.bindings import Bound, Database, Row, Scalar, Sql

# Whose usage: project ?1, user ?2, calendar month from ?3 to ?4, now ?5, secret key hash or NULL ?6, named plan or NULL ?7, the
# moment when the token was issued or NULL ?8. No row if the key has ended, the platform has not paid, or the user was deleted after
# the token was issued. An archived tier keeps its users, so the tier in force may be an archived one.
_USAGE_OF = f"""
FROM projects p
{plan_in_force.join_paid("p.publishableKey", "?2", "?5")}
LEFT JOIN end_users u ON u.publishableKey = p.publishableKey AND u.clerkUserId = ?2
JOIN tiers t ON t.publishableKey = p.publishableKey AND t.name = {plan_in_force.plan_of("p.publishableKey", named="?7")}
"""
_IF_ALLOWED = f"""
WHERE p.publishableKey = ?1
  AND (p.mode = 'test' OR (SELECT f.liveKeysUntil FROM platforms f WHERE f.platformId = p.platformId) > ?5)
  AND (?6 IS NULL OR EXISTS (
    SELECT 1 FROM api_keys k WHERE k.secretKeyHash = ?6 AND k.publishableKey = p.publishableKey
      AND k.status = 'active' AND (k.expiresAt IS NULL OR k.expiresAt > ?5)))
  AND NOT {IS_DELETED.format(project="p.publishableKey", user="?2", issued="?8")}
"""
_PERIOD_START, _PERIOD_END = plan_in_force.period_start("?3"), plan_in_force.period_end("?4")

# The answer of a row of usage_counts, as a JSON array: `_result_from` reads it. It has the cheapest tier that allows more than the
# tier that refused, and whether the user's membership is proven.
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


def _add(condition: str = "") -> str:
    # Further parameters: quantity ?9, this minute ?10, calls allowed a minute ?11, claim of an Idempotency-Key or NULL ?12.
    return f"""
INSERT INTO usage_counts (publishableKey, userId, periodStart, periodEnd, plan, "limit", usageCount,
  minuteStart, minuteCount, outcome, claimId, updatedAt)
SELECT p.publishableKey, ?2, {_PERIOD_START}, {_PERIOD_END}, t.name, t."limit",
  CASE WHEN t."limit" IS NULL OR ?9 <= t."limit" THEN ?9 ELSE 0 END,
  ?10, 1, CASE WHEN t."limit" IS NULL OR ?9 <= t."limit" THEN 'counted' ELSE 'limit_reached' END, ?12, ?5
{_USAGE_OF}{_IF_ALLOWED}{condition}
ON CONFLICT (publishableKey, userId, periodStart) DO UPDATE SET
  periodEnd = excluded.periodEnd, plan = excluded.plan, "limit" = excluded."limit",
  usageCount = usageCount + CASE
    WHEN usageCount + ?9 > excluded."limit" THEN 0
    WHEN minuteStart = excluded.minuteStart AND minuteCount >= ?11 THEN 0
    ELSE ?9 END,
  outcome = CASE
    WHEN usageCount + ?9 > excluded."limit" THEN 'limit_reached'
    WHEN minuteStart = excluded.minuteStart AND minuteCount >= ?11 THEN 'rate_limited'
    ELSE 'counted' END,
  minuteCount = CASE WHEN minuteStart = excluded.minuteStart THEN minuteCount + 1 ELSE 1 END,
  minuteStart = excluded.minuteStart, claimId = excluded.claimId, updatedAt = excluded.updatedAt
RETURNING {_ANSWER} AS answer
"""


# Adds a call's quantity to the user's count if the limit allows it, and returns the answer. Returns no row for a key, a plan or a
# user that does not hold.
ADD = Sql(_add())

# The same, only if this call holds the claim ?12 of the Idempotency-Key ?14 in scope ?13.
ADD_IF_CLAIMED = Sql(
    _add(
        "  AND EXISTS (SELECT 1 FROM idempotency_keys i WHERE i.scope = ?13 AND i.idempotencyKey = ?14 AND i.claimId = ?12)"
    )
)

# Reads the count of the present period, in the form of `_ANSWER`. The outcome says whether the project knows the user.
READ = Sql(f"""
SELECT json_array(t.name, coalesce(c.usageCount, 0), t."limit", {_PERIOD_START}, {_PERIOD_END},
  CASE WHEN u.clerkUserId IS NULL THEN 'new_user' ELSE 'known_user' END, NULL, u.provenAt IS NOT NULL) AS answer
{_USAGE_OF}
LEFT JOIN usage_counts c ON c.publishableKey = p.publishableKey AND c.userId = ?2 AND c.periodStart = {_PERIOD_START}
{_IF_ALLOWED}
""")

# Stores the answer of the call that holds the claim ?3 under its Idempotency-Key, with the request id ?6. Project ?1, user ?2,
# scope ?4, key ?5. Stores NULL if the call was not counted and did not reach the limit.
STORE_ANSWER = Sql(f"""
UPDATE idempotency_keys SET answer = (
  SELECT json_array(?6, {_ANSWER}) FROM usage_counts
  WHERE publishableKey = ?1 AND userId = ?2 AND claimId = ?3 AND outcome <> 'rate_limited')
WHERE scope = ?4 AND idempotencyKey = ?5 AND claimId = ?3
""")

# Releases the key of a call that neither counted nor reached the limit: the key or the plan does not hold, or the rate limit refused.
RELEASE_UNANSWERED = Sql(
    "DELETE FROM idempotency_keys WHERE scope = ?1 AND idempotencyKey = ?2 AND claimId = ?3 AND answer IS NULL"
)

# Deletes all counts of a user.
DELETE_OF_USER = Sql("DELETE FROM usage_counts WHERE publishableKey = ?1 AND userId = ?2")


@dataclass(frozen=True, slots=True)
class UsageOwner:
    """Whose usage is counted or read, and by which credential. Moments are ISO 8601 UTC.

    `month` is the first moment of the calendar month and of the next one. `named_plan` is the tier that `X-User-Plan` names.
    """

    publishable_key: str
    user_id: str
    month: tuple[str, str]
    now: str
    secret_key_hash: str | None
    named_plan: str | None
    token_issued_at: str | None

    def values(self) -> tuple[Scalar, ...]:
        """The first eight parameters of the statements."""
        return (
            self.publishable_key,
            self.user_id,
            *self.month,
            self.now,
            self.secret_key_hash,
            self.named_plan,
            self.token_issued_at,
        )


@dataclass(frozen=True, slots=True)
class Call:
    """One call. `minute` is the number of the present minute since the epoch; more than `calls_a_minute` in it are refused."""

    quantity: int
    minute: int
    calls_a_minute: int

    def values(self) -> tuple[Scalar, ...]:
        """The parameters ?9 to ?11."""
        return self.quantity, self.minute, self.calls_a_minute


@dataclass(frozen=True, slots=True)
class KeyedRequest:
    """What a call with an Idempotency-Key stores under it. An answer from before `valid_after` (ISO 8601 UTC) has lapsed."""

    scope: str
    key: str
    fingerprint: str
    claim_id: str
    valid_after: str
    request_id: str


@dataclass(frozen=True, slots=True)
class FirstAnswer:
    """The answer of the first call with an Idempotency-Key, and the id of that request. `is_replayed` if it is an earlier call's."""

    result: UsageResult
    request_id: str
    is_replayed: bool


@dataclass(frozen=True, slots=True)
class KeyTaken:
    """Another request, to this route or another one, has the Idempotency-Key."""


def _result_from(user_id: str, answer: list[Any]) -> UsageResult:
    plan, count, limit, period_start, period_end, outcome, upgrade, is_proven = answer
    return UsageResult(
        cast("Outcome", outcome),
        Usage(user_id, plan, count, limit, period_start, period_end),
        (upgrade[0], upgrade[1]) if upgrade is not None else None,
        bool(is_proven),
    )


def _first_answer_from(user_id: str, row: Row, request: KeyedRequest) -> FirstAnswer | KeyTaken:
    if row["fingerprint"] != request.fingerprint:
        return KeyTaken()
    request_id, answer = json.loads(row["answer"])
    return FirstAnswer(_result_from(user_id, answer), request_id, row["claimId"] != request.claim_id)


async def add(db: Database, owner: UsageOwner, call: Call) -> UsageResult | None:
    """Counts one call. None if the secret key, the platform's payment, the plan or the user does not hold any more."""
    answer = await db.value(ADD, *owner.values(), *call.values(), None)
    return None if answer is None else _result_from(owner.user_id, json.loads(answer))


async def add_once(
    db: Database, owner: UsageOwner, call: Call, request: KeyedRequest
) -> FirstAnswer | KeyTaken | UsageResult | None:
    """Counts one call unless its Idempotency-Key was used before, in one batch.

    Returns the first answer under the key; KeyTaken if the key is another request's; for a call that left its key free, what `add`
    returns.
    """
    scope, key, claim_id = request.scope, request.key, request.claim_id
    _, added, _, _, stored = await db.batch(
        [
            idempotency_keys.claim_statement(
                scope, key, request.fingerprint, claim_id, now=owner.now, lapsed_before=request.valid_after
            ),
            ADD_IF_CLAIMED.bind(*owner.values(), *call.values(), claim_id, scope, key),
            STORE_ANSWER.bind(owner.publishable_key, owner.user_id, claim_id, scope, key, request.request_id),
            RELEASE_UNANSWERED.bind(scope, key, claim_id),
            idempotency_keys.READ.bind(scope, key),
        ]
    )
    if stored:
        return _first_answer_from(owner.user_id, stored[0], request)
    return _result_from(owner.user_id, json.loads(added[0]["answer"])) if added else None


async def read(db: Database, owner: UsageOwner) -> UsageResult | None:
    """The usage of the present period, without counting. None as for `add`."""
    answer = await db.value(READ, *owner.values())
    return None if answer is None else _result_from(owner.user_id, json.loads(answer))


def delete_of_user(publishable_key: str, user_id: str) -> Bound:
    """Deletes all counts of the user."""
    return DELETE_OF_USER.bind(publishable_key, user_id)
