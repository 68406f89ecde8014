"""The way of one event: claim it, call its handler, and commit the handler's statements in the batch that marks it handled.

A handler writes nothing itself: it returns statements. If it fails, the event stays unhandled, and the vendor's next delivery starts
again. Two deliveries at the same time may both reach the handler, but only one batch commits.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from dream.db import events
from dream.errors import ConstraintFailed
from dream.http.response import Response, json_response
from dream.runtime import checkpoints
from dream.runtime.bindings import Bound
from dream.runtime.context import Context
from dream.services.sync import Sync, do_nothing

Source: TypeAlias = Literal["stripe_platform", "stripe_connect", "clerk_developers", "clerk_end_users"]
Outcome: TypeAlias = Literal["handled", "ignored", "rejected"]

WEBHOOK_CAP_BYTES = 256 * 1024


@dataclass(frozen=True)
class Event:
    """A verified event. `object` is Stripe's `data.object` or Clerk's `data`, `payload` the raw body. `created_at` is ISO 8601 UTC."""

    id: str
    source: Source
    type: str
    account: str | None
    livemode: bool | None
    created_at: str
    object: Mapping[str, Any]
    payload: str


@dataclass(frozen=True)
class Handled:
    """The result of a handler: statements to commit, and what to do after the commit (clear caches, carry out effects)."""

    statements: Sequence[Bound] = field(default_factory=tuple)
    outcome: Outcome = "handled"
    reason: str = ""
    publishable_key: str | None = None
    after_commit: Callable[[], Awaitable[None]] = do_nothing


def ignored(reason: str, publishable_key: str | None = None) -> Handled:
    """The event is recorded and changes nothing else: it is not about something of ours."""
    return Handled(outcome="ignored", reason=reason, publishable_key=publishable_key)


def rejected(reason: str) -> Handled:
    """The event is recorded and changes nothing else: it names a project that does not belong to its sender, or the wrong mode."""
    return Handled(outcome="rejected", reason=reason)


def handled(sync: Sync, first: Sequence[Bound] = ()) -> Handled:
    """The result of a handler that syncs an object. `first` has statements that run before those of the sync."""
    outcome: Outcome = "handled" if sync.outcome == "stored" else sync.outcome
    return Handled([*first, *sync.statements], outcome, sync.reason, sync.publishable_key, sync.after_commit)


EventHandler: TypeAlias = Callable[[Context, Event], Awaitable[Handled]]


async def process(context: Context, event: Event, handlers: Mapping[str, EventHandler]) -> Response:
    """Handles a verified event once. Raises what its handler raises, so that the vendor delivers the event again."""
    now = context.now()
    unhandled = await events.claim(
        context.db,
        event.id,
        event.source,
        event.type,
        event.account,
        event.livemode,
        event.created_at,
        now,
        event.payload,
    )
    if not unhandled:
        return _received(duplicate=True)
    await checkpoints.reached(f"{event.type}:claimed")
    handler = handlers.get(event.type)
    result = await handler(context, event) if handler is not None else ignored("no handler for this type")
    await checkpoints.reached(f"{event.type}:decided")
    marked = events.mark_handled(event.id, now, result.outcome, result.reason, result.publishable_key)
    try:
        await context.db.batch([marked, *result.statements])
    except ConstraintFailed as error:
        if "event already handled" in error.detail:
            return _received(duplicate=True)
        raise
    if result.outcome == "rejected":
        context.log.warning("event rejected", eventId=event.id, type=event.type, reason=result.reason)
    await checkpoints.reached(f"{event.type}:committed")
    await result.after_commit()
    return _received(duplicate=False)


def _received(*, duplicate: bool) -> Response:
    return json_response({"received": True, "duplicate": duplicate})
