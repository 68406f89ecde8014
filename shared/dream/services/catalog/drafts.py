"""Creates objects at Stripe exactly once, also when a request dies and is retried.

A draft has an id, and each step has an idempotency key made of it. A draft exists from the first step until the batch that stores
what it created. `db.project_drafts` has its row.
"""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from dream.clients.stripe.http import StripeFailureReplayed, StripeRefused
from dream.db import project_drafts, tiers
from dream.domain.keys import Mode, make_id
from dream.domain.timestamps import iso
from dream.errors import ApiError, Unavailable, Unprocessable
from dream.runtime import checkpoints
from dream.runtime.context import Context
from dream.services.platforms.connection import StripeNotConnected

CONTINUED_SECONDS = 23 * 3600
"""How long an open draft is continued. Stripe may delete idempotency keys after 24 hours:
https://docs.stripe.com/api/idempotent_requests"""

_FAILURES = "failed:"


@dataclass(slots=True)
class Draft:
    """What a request creates at Stripe.

    `created` has the ids at Stripe by step, and for steps that Stripe refused to repeat, the number of failures. `work` names the
    draft's checkpoints.
    """

    draft_id: str
    publishable_key: str
    is_complete: bool
    work: str
    created: dict[str, str]

    async def once(self, step: str, create: Callable[[str], Awaitable[str]]) -> str:
        """The id that the step creates. `create` gets the step's idempotency key.

        After a failure the retry uses the same key, because Stripe may have created the object. Only when Stripe replays the failure
        does the next retry use another key.
        """
        if step not in self.created:
            failures = int(self.created.get(_FAILURES + step, "0"))
            try:
                self.created[step] = await create(f"{self.draft_id}:{step}:{failures}")
            except StripeFailureReplayed:
                self.created[_FAILURES + step] = str(failures + 1)
                raise
        await checkpoints.reached(f"{self.work}:{step}")
        return self.created[step]

    def ids(self, prefix: str) -> list[str]:
        """The ids of one type: `prod_` or `price_`."""
        return [created for created in self.created.values() if created.startswith(prefix)]


async def open_draft(
    context: Context,
    platform_id: str,
    fingerprint: str,
    publishable_key: str,
    mode: Mode,
    *,
    work: str,
    retry_seconds: int = 0,
) -> Draft:
    """The platform's draft of this fingerprint: a new one, an open one, or one that was completed at most `retry_seconds` ago.

    A new draft gets this `publishable_key`.
    """
    now = context.now_seconds()
    stored = await project_drafts.open_draft(
        context.db,
        make_id("draft", os.urandom),
        platform_id,
        fingerprint,
        publishable_key,
        mode,
        now=iso(now),
        completed_after=iso(now - retry_seconds),
        created_after=iso(now - CONTINUED_SECONDS),
    )
    await checkpoints.reached(f"{work}:opened")
    return Draft(stored.draft_id, stored.publishable_key, stored.is_complete, work, dict(stored.created))


@asynccontextmanager
async def creating(context: Context, draft: Draft, mode: Mode, account: str) -> AsyncGenerator[None]:
    """Surrounds the steps of a draft. After a failure it saves what was created; after a refusal by Stripe it gives up the draft.

    Raises Unavailable if another request holds an idempotency key, StripeNotConnected, Unprocessable if Stripe refuses a tier, and
    whatever else the steps raise.
    """
    try:
        yield
    except StripeRefused as refusal:
        if refusal.http_status == 409:
            raise Unavailable(code="stripe_busy", reason=refusal.reason) from None
        await give_up(context, draft, mode, account)
        if refusal.is_disconnected:
            raise StripeNotConnected(mode, refusal.reason) from None
        raise Unprocessable(
            "Stripe refused one of the tiers. Check the names, prices and image URLs.",
            code="stripe_refused",
            reason=refusal.reason,
        ) from None
    except ApiError:
        await project_drafts.save_created(context.db, draft.draft_id, draft.created)
        raise


async def give_up(context: Context, draft: Draft, mode: Mode, account: str) -> None:
    """Deletes the draft, and enqueues that Stripe archives what it created. What a tier uses is not archived."""
    await context.db.batch(
        [
            *tiers.enqueue_archiving_unused(
                draft.publishable_key, mode, account, draft.ids("prod_"), draft.ids("price_"), context.now()
            ),
            project_drafts.delete(draft.draft_id),
        ]
    )
