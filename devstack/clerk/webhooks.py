"""Owns how Clerk sends events: one for each change, signed and retried as by Svix.

Signature: https://docs.svix.com/receiving/verifying-payloads/how-manual (HMAC-SHA256 over `id.timestamp.body`).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json

from devstack.clerk.config import Config, Instance
from devstack.clerk.ids import new_id
from devstack.clerk.store import ClerkStore, Document
from devstack.kit.clock import Clock
from devstack.kit.deliveries import Deliveries, EndpointGone, Message
from devstack.kit.delivery_queue import Delivery, enqueue
from devstack.kit.sender import Sender

TIMEOUT_SECONDS = 15.0
# Svix sends several deliveries to one endpoint at the same time.
_PARALLEL = 8
_EVENT = "event"


class Webhooks:
    """Queues events for the webhook of their instance. `deliveries` sends them."""

    def __init__(self, store: ClerkStore, config: Config, clock: Clock, sender: Sender) -> None:
        self._store = store
        self._config = config
        self._clock = clock
        self.deliveries = Deliveries(
            store,
            clock,
            sender,
            endpoints=len(config.instances),
            compose=self._compose,
            retry_after=self._retry_after,
            parallel=_PARALLEL,
        )
        self.drop_next = 0
        self.duplicate_next = 0

    def emit(self, instance: Instance, type: str, data: Document) -> None:
        """Queues one event for the instance's webhook. If it has no webhook, nothing is stored."""
        if instance.webhook is None:
            return
        event = {
            "data": data,
            "event_attributes": {"http_request": {"client_ip": "127.0.0.1", "user_agent": "local stand-in"}},
            "instance_id": instance.id,
            "object": "event",
            "timestamp": self._clock.milliseconds(),
            "type": type,
        }
        dropped = self.drop_next > 0
        self.drop_next -= dropped
        copies = 2 if self.duplicate_next > 0 else 1
        self.duplicate_next -= copies - 1
        message_id = new_id("msg")
        with self._store.transaction():
            self._store.put(_EVENT, instance.name, message_id, event)
            for _ in range(copies):
                enqueue(
                    self._store,
                    self._clock.real(),
                    event_id=message_id,
                    event_type=type,
                    object_id=data.get("id"),
                    account=instance.name,
                    livemode=not instance.is_development,
                    endpoint=self._config.instances.index(instance),
                    url=instance.webhook.url,
                    state="dropped" if dropped else "new",
                )
        self.deliveries.wake()

    def event(self, delivery: Delivery) -> Document:
        """The event of a delivery, in the form in which it is sent."""
        return self._store.get(_EVENT, delivery.account, delivery.event_id) or {}

    def clear(self) -> None:
        """Deletes all deliveries and events."""
        self.deliveries.queue.clear()
        self._store.clear(_EVENT)

    def _compose(self, delivery: Delivery) -> Message:
        instance = self._config.instance(delivery.account)
        if instance is None or instance.webhook is None:
            raise EndpointGone("the configuration has no such webhook any more")
        body = json.dumps(self.event(delivery), separators=(",", ":")).encode()
        # The signature has the real time, because receivers compare it with their real time.
        timestamp = int(self._clock.real())
        headers = {
            "content-type": "application/json",
            "user-agent": "Svix-Webhooks/1.0 (local stand-in)",
            "svix-id": delivery.event_id,
            "svix-timestamp": str(timestamp),
            "svix-signature": sign(instance.webhook.secret, delivery.event_id, timestamp, body),
        }
        return Message(delivery.url, headers, body)

    def _retry_after(self, failed_attempts: int) -> float | None:
        """The configured seconds until the next attempt. None after the last attempt."""
        waits = self._config.retry_seconds
        return waits[failed_attempts - 1] if failed_attempts <= len(waits) else None


def sign(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """The `svix-signature` header of one message, signed at `timestamp` (seconds since 1970)."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    digest = hmac.new(key, f"{message_id}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"
