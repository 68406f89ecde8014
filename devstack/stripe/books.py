"""Owns the access to the objects of one Stripe account in one mode, at one moment.

Resources read and write objects, emit events and set timers through it. It has no ledger: balance.py has the amounts.
"""

from typing import Any

from devstack.kit import delivery_queue
from devstack.kit.clock import Clock
from devstack.stripe import errors, events
from devstack.stripe.config import Config
from devstack.stripe.events import Cause
from devstack.stripe.ids import new_id
from devstack.stripe.jsontypes import Json
from devstack.stripe.store import StripeStore, Tenant

# The noun in Stripe's message "No such ...", and the `param` of that error when the id was in the path.
_NOUN_IN_MESSAGES = {
    "billing_portal.configuration": "configuration",
    "billing_portal.session": "session",
    "checkout.session": "checkout.session",
    "payment_method": "PaymentMethod",
}
_ID_PARAM = {
    "charge": "charge",
    "payment_intent": "intent",
    "price": "price",
    "invoice": "invoice",
    "refund": "refund",
}


def public(data: Json) -> Json:
    """The object as Stripe shows it. Fields that begin with an underscore are the stand-in's own, and are left out."""
    return {key: value for key, value in data.items() if not key.startswith("_")}


class Books:
    """The objects of one account in one mode. All changes happen at the time `now`."""

    def __init__(
        self, store: StripeStore, config: Config, clock: Clock, tenant: Tenant, cause: Cause, now: int | None = None
    ) -> None:
        """`now` is the due time of a timer, which may fire late. By default it is the clock's time. `cause` goes into events."""
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
        """The platform's client id, for objects that it creates on a connected account. None on its own account."""
        return self.config.client_ids.get("live" if self.livemode else "test") if self.connected else None

    def common_fields(self, noun: str, **fields: Any) -> Json:
        """The fields that nearly every object has: a new id, noun, creation time and mode."""
        return {"id": new_id(noun), "object": noun, "created": self.now, "livemode": self.livemode, **fields}

    def find(self, noun: str, object_id: str) -> Json | None:
        return self.store.find(self.tenant, noun, object_id)

    def get(self, noun: str, object_id: str) -> Json:
        """An object to which another object refers. Raises LookupError if it does not exist."""
        found = self.find(noun, object_id)
        if found is None:
            raise LookupError(f"{noun} {object_id} does not exist")
        return found

    def require(self, noun: str, object_id: str, param: str | None = None) -> Json:
        """The object with an id from the caller. Raises StripeFault: 400 if the id is in the parameter `param`, 404 if in the path."""
        found = self.find(noun, object_id)
        if found is not None:
            return found
        other = self.store.find(Tenant(self.tenant.account, not self.livemode), noun, object_id)
        raise errors.no_such(
            _NOUN_IN_MESSAGES.get(noun, noun),
            object_id,
            param or _ID_PARAM.get(noun, "id"),
            status=400 if param else 404,
            other_mode=None if other is None else ("test" if self.livemode else "live"),
        )

    def where(self, noun: str, **equals: Any) -> list[Json]:
        """Objects whose top-level fields have the values in `equals`, newest first."""
        return self.store.where(self.tenant, noun, **equals)

    def add(self, data: Json, event: str | None = None) -> Json:
        """Stores a new object and emits `event`."""
        self.store.insert(self.tenant, data["object"], data)
        if event:
            self.emit(event, data)
        return data

    def change(self, data: Json, event: str | None = None, **changes: Any) -> Json:
        """Stores changed fields. If a field that Stripe shows has changed, emits `event` with `previous_attributes`."""
        before = self.get(data["object"], data["id"])
        after = {**before, **changes}
        self.store.replace(self.tenant, after)
        previous = events.previous_attributes(public(before), public(after))
        if event and previous:
            self.emit(event, after, previous)
        return after

    def emit(self, event_type: str, data: Json, previous: Json | None = None) -> Json:
        """Stores the event, and one delivery for each endpoint that receives it."""
        endpoints = [
            (number, endpoint)
            for number, endpoint in enumerate(self.config.webhook_endpoints)
            if endpoint.receives(connected=self.connected, livemode=self.livemode)
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
        """Sets the object's timer of this kind. Timekeeper has the kinds. `due` is in seconds since 1970."""
        self.store.set_timer(self.tenant, kind, object_id, due)

    def unschedule(self, kind: str, object_id: str) -> None:
        self.store.clear_timer(kind, object_id)
