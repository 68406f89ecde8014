"""Events to each instance's webhook, signed and retried as Svix does it, with the queue in the store.

Signature: https://docs.svix.com/receiving/verifying-payloads/how-manual (HMAC-SHA256 over `id.timestamp.body`).
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import time
from collections.abc import Sequence
from typing import Any

import httpx

from devstack.clerk.clock import Clock
from devstack.clerk.config import Instance, WebhookEndpoint
from devstack.clerk.ids import new_id
from devstack.clerk.store import Document, Store

_KIND = "delivery"
_TIMEOUT_SECONDS = 15


class Webhooks:
    """A delivery is pending until a 2xx, failed when the schedule is used up, dropped when a test says so."""

    def __init__(
        self, store: Store, clock: Clock, endpoints: dict[str, WebhookEndpoint | None], retry_seconds: Sequence[float]
    ) -> None:
        self._store = store
        self._clock = clock
        self._endpoints = endpoints
        self._retry_seconds = retry_seconds
        self._wake = asyncio.Event()
        self._settled = asyncio.Condition()
        self.paused = False
        self.drop_next = 0
        self.duplicate_next = 0

    def emit(self, instance: Instance, type: str, data: Document) -> None:
        """Queue one event for the instance's endpoint; without an endpoint it is not recorded."""
        endpoint = self._endpoints.get(instance.name)
        if endpoint is None:
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
        for _ in range(copies):
            self._queue(instance.name, endpoint.url, message_id, event, status="dropped" if dropped else "pending")
        self._wake.set()

    def list(self, instance: str | None = None) -> list[Document]:
        """Every delivery, oldest first."""
        return self._store.all(_KIND, instance)

    def resend(self, delivery_id: str) -> Document | None:
        """Send the same message again, under its own `svix-id`; None for an unknown delivery."""
        for instance in self._endpoints:
            old = self._store.get(_KIND, instance, delivery_id)
            if old is not None:
                new = self._queue(instance, old["url"], old["message_id"], old["event"], status="pending")
                self._wake.set()
                return new
        return None

    def set_paused(self, paused: bool) -> None:
        self.paused = paused
        self._wake.set()

    def clear(self) -> None:
        self._store.clear(_KIND)

    async def wait_idle(self, timeout_seconds: float) -> bool:
        """Wait until nothing is pending; False when the time ran out first."""

        async def idle() -> None:
            async with self._settled:
                await self._settled.wait_for(lambda: not self._pending())

        try:
            await asyncio.wait_for(idle(), timeout_seconds)
        except TimeoutError:
            return False
        return True

    async def run(self) -> None:
        """Deliver what is due, until cancelled."""
        async with httpx.AsyncClient(timeout=_TIMEOUT_SECONDS, follow_redirects=False) as client:
            while True:
                self._wake.clear()
                now = time.time()
                due = [] if self.paused else [item for item in self._pending() if item["next_attempt_at"] <= now]
                await asyncio.gather(*(self._attempt(client, delivery) for delivery in due))
                if not due:
                    await self._sleep()

    async def _sleep(self) -> None:
        pending = [] if self.paused else self._pending()
        next_at = min((item["next_attempt_at"] for item in pending), default=None)
        timeout = None if next_at is None else max(0.0, next_at - time.time())
        try:
            await asyncio.wait_for(self._wake.wait(), timeout)
        except TimeoutError:
            return

    async def _attempt(self, client: httpx.AsyncClient, delivery: Document) -> None:
        endpoint = self._endpoints.get(delivery["instance"])
        body = json.dumps(delivery["event"], separators=(",", ":")).encode()
        timestamp = int(time.time())
        status_code: int | None = None
        answer = ""
        try:
            if endpoint is None:
                raise httpx.ConnectError("the instance has no webhook any more")
            headers = {
                "content-type": "application/json",
                "user-agent": "Svix-Webhooks/1.0 (local stand-in)",
                "svix-id": delivery["message_id"],
                "svix-timestamp": str(timestamp),
                "svix-signature": sign(endpoint.secret, delivery["message_id"], timestamp, body),
            }
            response = await client.post(delivery["url"], content=body, headers=headers)
            status_code, answer = response.status_code, response.text[:500]
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            answer = f"{type(error).__name__}: {error}"
        attempts = [*delivery["attempts"], {"at": timestamp, "status_code": status_code, "answer": answer}]
        delivery["attempts"] = attempts
        if status_code is not None and 200 <= status_code < 300:
            delivery["status"] = "delivered"
        elif len(attempts) > len(self._retry_seconds):
            delivery["status"] = "failed"
        else:
            delivery["next_attempt_at"] = time.time() + self._retry_seconds[len(attempts) - 1]
        self._save(delivery)
        async with self._settled:
            self._settled.notify_all()

    def _queue(self, instance: str, url: str, message_id: str, event: dict[str, Any], *, status: str) -> Document:
        delivery: Document = {
            "id": new_id("atmpt"),
            "instance": instance,
            "message_id": message_id,
            "type": event["type"],
            "url": url,
            "event": event,
            "status": status,
            "attempts": [],
            "next_attempt_at": time.time(),
        }
        self._save(delivery)
        return delivery

    def _save(self, delivery: Document) -> None:
        self._store.put(_KIND, delivery["instance"], delivery["id"], delivery, owner=delivery["status"])

    def _pending(self) -> list[Document]:
        return self._store.all(_KIND, owner="pending")


def sign(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """The `svix-signature` header for one attempt."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    digest = hmac.new(key, f"{message_id}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"
