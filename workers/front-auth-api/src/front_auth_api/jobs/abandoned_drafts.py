"""Deletes drafts that no request continued, and enqueues that Stripe archives the products and prices that they created."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from dream.clients.stripe.account import connected_account
from dream.clients.stripe.account_calls import Metadata
from dream.clients.stripe.http import StripeRefused
from dream.db import project_drafts, stripe_tokens, tiers
from dream.db.project_drafts import AbandonedDraft
from dream.domain.timestamps import iso, seconds_of
from dream.errors import ApiError
from dream.runtime.bindings import Bound
from dream.runtime.context import Context
from dream.services.catalog.drafts import CONTINUED_SECONDS

ABANDONED_SECONDS = 25 * 3600
"""An open draft of this age is abandoned: a retry would start a new one."""
DRAFTS_PER_RUN = 5
CLOCK_SKEW_SECONDS = 60
"""How far Stripe's clock may be behind ours."""

ListPage = Callable[..., Awaitable[tuple[list[tuple[str, Metadata]], bool]]]


async def clean_up(context: Context) -> None:
    """Deletes a few abandoned drafts. A draft whose Stripe account does not answer waits for the next run."""
    before = iso(context.now_seconds() - ABANDONED_SECONDS)
    for draft in await project_drafts.list_abandoned(context.db, before, DRAFTS_PER_RUN):
        try:
            await _delete(context, draft)
        except ApiError as error:
            context.log.warning(
                "abandoned draft not deleted", draftId=draft.draft_id, reason=error.reason or error.code
            )


async def _delete(context: Context, draft: AbandonedDraft) -> None:
    mode, key = draft.mode, draft.publishable_key
    account = await stripe_tokens.account_of(context.db, draft.platform_id, mode)
    statements: list[Bound] = []
    if account is not None:
        product_ids, price_ids = await _created_at_stripe(context, draft, account)
        statements = tiers.enqueue_archiving_unused(key, mode, account, product_ids, price_ids, context.now())
    await context.db.batch([*statements, project_drafts.delete(draft.draft_id)])


async def _created_at_stripe(context: Context, draft: AbandonedDraft, account_id: str) -> tuple[list[str], list[str]]:
    """Ids of the products and prices that the draft's requests may have created. Empty if the account was disconnected."""
    account = connected_account(context, draft.mode, account_id)
    created_at = int(seconds_of(draft.created_at))
    try:
        return (
            await _ids_of_project(account.list_products, draft.publishable_key, created_at),
            await _ids_of_project(account.list_prices, draft.publishable_key, created_at),
        )
    except StripeRefused as refusal:
        if not refusal.is_disconnected:
            raise
        return [], []


async def _ids_of_project(list_page: ListPage, publishable_key: str, created_at: int) -> list[str]:
    found: list[str] = []
    last: str | None = None
    while True:
        page, has_more = await list_page(
            created_after_seconds=created_at - CLOCK_SKEW_SECONDS,
            created_before_seconds=created_at + CONTINUED_SECONDS,
            starting_after=last,
        )
        found += [object_id for object_id, metadata in page if metadata.get("publishableKey") == publishable_key]
        if not has_more or not page:
            return found
        last = page[-1][0]
