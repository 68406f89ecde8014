"""What a sync returns: the statements that bring D1 to what Stripe says now, for whoever commits them.

An event's module commits them in the batch that marks the event handled. A job or a handler commits them by `commit`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from dream.runtime.bindings import Bound
from dream.runtime.context import Context

SyncOutcome: TypeAlias = Literal["stored", "ignored", "rejected"]


async def do_nothing() -> None:
    """For a sync that needs no call after its commit."""


@dataclass(frozen=True, slots=True)
class Sync:
    """One batch of statements and its outcome.

    An ignored sync may still have statements: a read that is not stored outdates the reads that began before it.
    `after_commit` drops caches and delivers effects.
    """

    statements: Sequence[Bound]
    outcome: SyncOutcome
    reason: str = ""
    publishable_key: str | None = None
    after_commit: Callable[[], Awaitable[None]] = do_nothing


async def commit(context: Context, sync: Sync) -> bool:
    """Commits a sync outside of an event. Returns whether it stored what Stripe says."""
    if sync.outcome != "stored":
        return False
    if sync.statements:
        await context.db.batch(sync.statements)
    await sync.after_commit()
    return True
