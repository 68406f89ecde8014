"""Owns idempotency keys: stores the first answer by account, mode and key, and returns it to the same request again.

https://docs.stripe.com/api/idempotent_requests
"""

import hashlib
import json
from dataclasses import dataclass

from devstack.kit.clock import Clock
from devstack.stripe import errors
from devstack.stripe.jsontypes import Json
from devstack.stripe.store import StripeStore, Tenant

LIFETIME_SECONDS = 86_400
MAX_LENGTH = 255


@dataclass(frozen=True)
class Answer:
    """A stored answer. `request_id` is of the first request."""

    status: int
    body: str
    request_id: str


def fingerprint(method: str, path: str, params: Json) -> str:
    """A hash that is equal for equal requests."""
    return hashlib.sha256(json.dumps([method, path, params], sort_keys=True).encode()).hexdigest()


class Idempotency:
    """Stored answers are in the store. Keys whose first request still runs are only in memory."""

    def __init__(self, store: StripeStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._running: set[tuple[Tenant, str]] = set()

    def begin(self, tenant: Tenant, key: str, path: str, fingerprint: str) -> Answer | None:
        """The stored answer. None if the caller must run the request; then it must call `finish` afterwards.

        Raises StripeFault: 409 if a request with this key still runs, 400 if the key belongs to another request.
        """
        if len(key) > MAX_LENGTH:
            raise errors.invalid(
                f"Idempotency keys may be at most {MAX_LENGTH} characters long. Your key is {len(key)} characters long."
            )
        if (tenant, key) in self._running:
            raise errors.StripeFault(
                409,
                "There is currently another in-progress request using this Stripe-Idempotent-Key (that probably means you"
                f" submitted twice, and the other request is still going through): {key}. Please try again later.",
                code="idempotency_key_in_use",
            )
        row = self._store.row(
            "SELECT * FROM idempotent_answers WHERE account = ? AND livemode = ? AND key = ? AND created > ?",
            tenant.account, tenant.livemode, key, self._clock.real() - LIFETIME_SECONDS,
        )  # fmt: skip
        if row is None:
            self._running.add((tenant, key))
            return None
        advice = f"Try using a key other than '{key}' if you meant to execute a different request."
        if row["path"] != path:
            raise errors.StripeFault(
                400,
                "Keys for idempotent requests can only be used for the same endpoint they were first used for"
                f" ('{path}' vs '{row['path']}'). {advice}",
                kind="idempotency_error",
            )
        if row["fingerprint"] != fingerprint:
            raise errors.StripeFault(
                400,
                f"Keys for idempotent requests can only be used with the same parameters they were first used with. {advice}",
                kind="idempotency_error",
            )
        return Answer(row["status"], row["body"], row["request_id"])

    def save(self, tenant: Tenant, key: str, path: str, fingerprint: str, answer: Answer) -> None:
        self._store.run(
            "INSERT OR REPLACE INTO idempotent_answers (account, livemode, key, path, fingerprint, status, body, request_id, created)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            tenant.account, tenant.livemode, key, path, fingerprint, answer.status, answer.body, answer.request_id, self._clock.real(),
        )  # fmt: skip

    def finish(self, tenant: Tenant, key: str) -> None:
        self._running.discard((tenant, key))
