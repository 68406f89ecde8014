"""Making things at Stripe once, however often the request dies and comes again: steps with idempotency keys of a draft's own.

A draft lives from the first step to the batch that puts to use what was made. Its row is `project_drafts`.
"""

from __future__ import annotations

import json
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

FRESH_SECONDS = 23 * 3600
"""Stripe forgets idempotency keys after a day: https://docs.stripe.com/api/idempotent_requests."""

_FAILED = "failed:"


@dataclass(slots=True)
class Draft:
    """What is being made. `made` has the ids at Stripe by step, and how often Stripe has failed at one for good."""

    draft_id: str
    publishable_key: str
    settled: bool
    work: str
    made: dict[str, str]

    async def once(self, step: str, make: Callable[[str], Awaitable[str]]) -> str:
        """The id that the step makes. `make` gets the step's idempotency key.

        A failure leaves the key as it is, for what failed may have been made; only when Stripe repeats its failure the key is another.
        """
        if step not in self.made:
            failures = int(self.made.get(_FAILED + step, "0"))
            try:
                self.made[step] = await make(f"{self.draft_id}:{step}:{failures}")
            except StripeFailureReplayed:
                self.made[_FAILED + step] = str(failures + 1)
                raise
        await checkpoints.reached(f"{self.work}:{step}")
        return self.made[step]

    def ids(self, prefix: str) -> list[str]:
        """What was made of a kind (`prod_`, `price_`)."""
        return [made for made in self.made.values() if made.startswith(prefix)]


async def open_draft(
    context: Context,
    platform_id: str,
    fingerprint: str,
    publishable_key: str,
    mode: Mode,
    *,
    work: str,
    repeats_for_seconds: int = 0,
) -> Draft:
    """The platform's draft of this fingerprint, be it new, left by a request that died, or settled that many seconds ago at most.

    `publishable_key` is that of a new draft; `work` names its checkpoints.
    """
    now = context.now_seconds()
    row = await project_drafts.open_draft(
        context.db,
        make_id("draft", os.urandom),
        platform_id,
        fingerprint,
        publishable_key,
        mode,
        now=iso(now),
        repeats_after=iso(now - repeats_for_seconds),
        fresh_after=iso(now - FRESH_SECONDS),
    )
    await checkpoints.reached(f"{work}:opened")
    settled = row["settledAt"] is not None
    return Draft(row["draftId"], row["publishableKey"], settled, work, json.loads(row["made"]))


@asynccontextmanager
async def making(context: Context, draft: Draft, mode: Mode, account: str) -> AsyncGenerator[None]:
    """Around the steps: what a failure leaves is remembered for the retry, and what Stripe refuses for good is cleared away.

    Raises StripeNotConnected, Unprocessable (422) for what Stripe does not take, and what else the steps raise.
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
            "Stripe does not accept one of the tiers. Check names, prices and image addresses.",
            code="stripe_refused",
            reason=refusal.reason,
        ) from None
    except ApiError:
        await project_drafts.keep(context.db, draft.draft_id, draft.made)
        raise


async def give_up(context: Context, draft: Draft, mode: Mode, account: str) -> None:
    """Forget the draft; what it made at Stripe is archived, but for what is in use."""
    await context.db.batch(
        [
            *tiers.enqueue_archiving_unused(
                draft.publishable_key, mode, account, draft.ids("prod_"), draft.ids("price_"), context.now()
            ),
            project_drafts.drop(draft.draft_id),
        ]
    )
