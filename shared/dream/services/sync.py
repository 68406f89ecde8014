"""The result of a sync: the statements that store what Stripe says now.

An event commits them in the batch that marks it handled. A job or a handler commits them with `commit`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from dream.runtime.bindings import Bound
from dream.runtime.context import Context

SyncOutcome: TypeAlias = Literal["stored", "ignored", "rejected"]


async def do_nothing() -> None:
    """The `after_commit` of a sync that has nothing to do then."""


@dataclass(frozen=True, slots=True)
class Sync:
    """One batch of statements and its outcome.

    An ignored sync can have statements too: they mark its read as applied, so that no older read is stored.
    `after_commit` deletes caches and delivers effects.
    """

    statements: Sequence[Bound]
    outcome: SyncOutcome
    reason: str = ""
    publishable_key: str | None = None
    after_commit: Callable[[], Awaitable[None]] = do_nothing


async def commit(context: Context, sync: Sync) -> bool:
    """Commits a sync that is not part of an event. Returns whether it stored what Stripe says."""
    if sync.outcome != "stored":
        return False
    if sync.statements:
        await context.db.batch(sync.statements)
    await sync.after_commit()
    return True
