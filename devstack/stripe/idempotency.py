"""Owns idempotency keys: the first answer is kept per account, mode and key, and given again to the same request."""

import hashlib
import json
from dataclasses import dataclass

from devstack.kit.clock import Clock
from devstack.stripe import errors
from devstack.stripe.jsontypes import Json
from devstack.stripe.store import StripeStore, Tenant

KEPT_SECONDS = 86_400
MAX_LENGTH = 255


@dataclass(frozen=True)
class Answer:
    status: int
    body: str
    request_id: str


def fingerprint(method: str, path: str, params: Json) -> str:
    return hashlib.sha256(json.dumps([method, path, params], sort_keys=True).encode()).hexdigest()


class Idempotency:
    """Kept answers live in the store; keys whose first request is still running live here."""

    def __init__(self, store: StripeStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._running: set[tuple[Tenant, str]] = set()

    def begin(self, tenant: Tenant, key: str, path: str, print_: str) -> Answer | None:
        """The kept answer; None when the request is to be run, and then `finish` must follow."""
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
            tenant.account, tenant.livemode, key, self._clock.real() - KEPT_SECONDS,
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
        if row["fingerprint"] != print_:
            raise errors.StripeFault(
                400,
                f"Keys for idempotent requests can only be used with the same parameters they were first used with. {advice}",
                kind="idempotency_error",
            )
        return Answer(row["status"], row["body"], row["request_id"])

    def keep(self, tenant: Tenant, key: str, path: str, print_: str, answer: Answer) -> None:
        self._store.run(
            "INSERT OR REPLACE INTO idempotent_answers (account, livemode, key, path, fingerprint, status, body, request_id, created)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            tenant.account, tenant.livemode, key, path, print_, answer.status, answer.body, answer.request_id, self._clock.real(),
        )  # fmt: skip

    def finish(self, tenant: Tenant, key: str) -> None:
        self._running.discard((tenant, key))
