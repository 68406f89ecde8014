"""Owns how Stripe sends events: the signed message, the retries, and the event's `pending_webhooks`.

Signature: https://docs.stripe.com/webhooks/signature (HMAC-SHA256 over `timestamp.body`).
"""

import hashlib
import hmac
import json

from devstack.kit.clock import Clock
from devstack.kit.deliveries import EndpointGone, Message
from devstack.kit.delivery_queue import Delivery
from devstack.stripe.config import Config
from devstack.stripe.jsontypes import Json
from devstack.stripe.store import StripeStore

TIMEOUT_SECONDS = 20.0
MAX_BACKOFF_SECONDS = 60.0


class Webhooks:
    """The functions that `Deliveries` calls for Stripe's webhooks."""

    def __init__(self, store: StripeStore, config: Config, clock: Clock) -> None:
        self._store = store
        self._config = config
        self._clock = clock

    def compose(self, delivery: Delivery) -> Message:
        """The message of a delivery, signed now. Raises EndpointGone."""
        if delivery.endpoint >= len(self._config.webhook_endpoints):
            raise EndpointGone("the configuration has no such endpoint any more")
        endpoint = self._config.webhook_endpoints[delivery.endpoint]
        event = {
            **self._event(delivery.event_id),
            "api_version": endpoint.api_version,
            "pending_webhooks": max(self._pending(delivery.event_id), 1),
        }
        body = json.dumps(event, indent=2).encode()
        # The signature has the real time, because receivers compare it with their real time.
        return Message(endpoint.url, sign(body, endpoint.secret, int(self._clock.real())), body)

    def retry_after(self, failed_attempts: int) -> float | None:
        """Seconds until the next attempt: twice as many after each failure, 60 at most. None after the last attempt."""
        if failed_attempts >= self._config.retry_attempts:
            return None
        return min(self._config.retry_base_seconds * 2 ** (failed_attempts - 1), MAX_BACKOFF_SECONDS)

    def on_delivered(self, delivery: Delivery) -> None:
        """Updates `pending_webhooks` of the stored event: the number of endpoints that have not received it."""
        event = {**self._event(delivery.event_id), "pending_webhooks": self._pending(delivery.event_id)}
        sql = "UPDATE objects SET data = ? WHERE id = ? AND kind = 'event'"
        self._store.run(sql, json.dumps(event), delivery.event_id)

    def _event(self, event_id: str) -> Json:
        row = self._store.row("SELECT data FROM objects WHERE id = ? AND kind = 'event'", event_id)
        return json.loads(row["data"]) if row else {}

    def _pending(self, event_id: str) -> int:
        row = self._store.row(
            "SELECT count(DISTINCT endpoint) AS n FROM webhook_deliveries AS d WHERE event_id = ? AND NOT EXISTS ("
            "SELECT 1 FROM webhook_deliveries WHERE event_id = d.event_id AND endpoint = d.endpoint AND state = 'delivered')",
            event_id,
        )
        return int(row["n"]) if row else 0


def sign(body: bytes, secret: str, timestamp: int) -> dict[str, str]:
    """The headers of one message, signed at `timestamp` (seconds since 1970)."""
    digest = hmac.new(secret.encode(), f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()
    return {
        "Content-Type": "application/json; charset=utf-8",
        "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
        "Stripe-Signature": f"t={timestamp},v1={digest}",
    }
