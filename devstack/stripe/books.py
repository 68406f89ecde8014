"""Owns one tenant's objects at one moment. Every read, write, event and timer of the resources goes through here."""

from typing import Any

from devstack.kit import delivery_queue
from devstack.kit.clock import Clock
from devstack.stripe import errors, events
from devstack.stripe.config import Config
from devstack.stripe.events import Cause
from devstack.stripe.ids import new_id
from devstack.stripe.jsontypes import Json
from devstack.stripe.store import StripeStore, Tenant

# How Stripe names a noun in "No such ..." and the parameter it blames for an id in the path.
_SPOKEN = {
    "billing_portal.configuration": "configuration",
    "billing_portal.session": "session",
    "checkout.session": "checkout.session",
    "payment_method": "PaymentMethod",
}
_PATH_PARAM = {
    "charge": "charge",
    "payment_intent": "intent",
    "price": "price",
    "invoice": "invoice",
    "refund": "refund",
}


def public(data: Json) -> Json:
    """The object as Stripe shows it: fields that begin with an underscore are the stand-in's own."""
    return {key: value for key, value in data.items() if not key.startswith("_")}


class Books:
    """One account in one mode, seen and changed at `now`."""

    def __init__(
        self, store: StripeStore, config: Config, clock: Clock, tenant: Tenant, cause: Cause, now: int | None = None
    ) -> None:
        """`now` is the moment of a timer that fires late; without it the clock says."""
        self.store = store
        self.config = config
        self.tenant = tenant
        self.now = clock.seconds() if now is None else now
        self._clock = clock
        self.cause = cause

    @property
    def livemode(self) -> bool:
        return self.tenant.livemode

    @property
    def connected(self) -> bool:
        return self.tenant.account != self.config.platform_account

    @property
    def application(self) -> str | None:
        """The platform's client id on objects that it makes in a connected account."""
        return self.config.client_ids.get("live" if self.livemode else "test") if self.connected else None

    def stamp(self, noun: str, **fields: Any) -> Json:
        """The fields that begin nearly every object."""
        return {"id": new_id(noun), "object": noun, "created": self.now, "livemode": self.livemode, **fields}

    def find(self, noun: str, object_id: str) -> Json | None:
        return self.store.find(self.tenant, noun, object_id)

    def get(self, noun: str, object_id: str) -> Json:
        """An object that must be there because another points at it."""
        found = self.find(noun, object_id)
        if found is None:
            raise LookupError(f"{noun} {object_id} is gone")
        return found

    def require(self, noun: str, object_id: str, param: str | None = None) -> Json:
        """404 when the id came in the path (no `param`), 400 when it came as a parameter."""
        found = self.find(noun, object_id)
        if found is not None:
            return found
        other = self.store.find(Tenant(self.tenant.account, not self.livemode), noun, object_id)
        raise errors.no_such(
            _SPOKEN.get(noun, noun),
            object_id,
            param or _PATH_PARAM.get(noun, "id"),
            status=400 if param else 404,
            other_mode=None if other is None else ("test" if self.livemode else "live"),
        )

    def where(self, noun: str, **equals: Any) -> list[Json]:
        return self.store.where(self.tenant, noun, **equals)

    def add(self, data: Json, event: str | None = None) -> Json:
        self.store.insert(self.tenant, data["object"], data)
        if event:
            self.emit(event, data)
        return data

    def change(self, data: Json, event: str | None = None, **changes: Any) -> Json:
        """Stores the changes; when anything visible differs, emits `event` with `previous_attributes`."""
        before = self.get(data["object"], data["id"])
        after = {**before, **changes}
        self.store.replace(self.tenant, after)
        previous = events.previous_attributes(public(before), public(after))
        if event and previous:
            self.emit(event, after, previous)
        return after

    def emit(self, event_type: str, data: Json, previous: Json | None = None) -> Json:
        """Stores the event, and one delivery for each endpoint that hears it."""
        endpoints = [
            (number, endpoint)
            for number, endpoint in enumerate(self.config.webhook_endpoints)
            if endpoint.hears(connected=self.connected, livemode=self.livemode)
        ]
        event = events.build(
            event_type,
            public(data),
            previous,
            created=self.now,
            account=self.tenant.account if self.connected else None,
            livemode=self.livemode,
            pending_webhooks=len(endpoints),
            cause=self.cause,
        )
        self.store.insert(self.tenant, "event", event)
        for number, endpoint in endpoints:
            delivery_queue.enqueue(
                self.store,
                self._clock.real(),
                event_id=event["id"],
                event_type=event_type,
                object_id=data.get("id"),
                account=self.tenant.account,
                livemode=self.livemode,
                endpoint=number,
                url=endpoint.url,
            )
        return event

    def schedule(self, kind: str, object_id: str, due: int) -> None:
        self.store.set_timer(self.tenant, kind, object_id, due)

    def unschedule(self, kind: str, object_id: str) -> None:
        self.store.clear_timer(kind, object_id)
