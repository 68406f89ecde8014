"""Drafts that nobody came back to: what they made at Stripe is archived, so that nothing is on sale without a project."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from dream.clients.stripe.account import StripeAccount, connected_account
from dream.clients.stripe.account_calls import Metadata
from dream.clients.stripe.http import StripeRefused
from dream.db import project_drafts, stripe_tokens, tiers
from dream.domain.timestamps import iso, seconds_of
from dream.errors import ApiError
from dream.runtime.bindings import Row
from dream.runtime.context import Context
from dream.services.catalog.drafts import FRESH_SECONDS

ABANDONED_SECONDS = 25 * 3600
"""A retry that late begins a new draft."""
AT_ONCE = 5

ListPage = Callable[..., Awaitable[tuple[list[tuple[str, Metadata]], bool]]]


async def clean_up(context: Context) -> None:
    """Clear some abandoned drafts away. One whose Stripe account does not answer waits for the next run."""
    before = iso(context.now_seconds() - ABANDONED_SECONDS)
    for draft in await project_drafts.list_abandoned(context.db, before, AT_ONCE):
        try:
            await _clear(context, draft)
        except ApiError as error:
            context.log.warning("abandoned draft stays", draftId=draft["draftId"], reason=error.reason or error.code)


async def _clear(context: Context, draft: Row) -> None:
    mode, key = draft["mode"], draft["publishableKey"]
    account = await stripe_tokens.account_of(context.db, draft["platformId"], mode)
    made: tuple[list[str], list[str]] = ([], [])
    if account is not None:
        try:
            made = await _made(connected_account(context, mode, account), draft)
        except StripeRefused as refusal:
            if not refusal.is_disconnected:
                raise
    owed = [] if account is None else tiers.enqueue_archiving_unused(key, mode, account, *made, context.now())
    await context.db.batch([*owed, project_drafts.drop(draft["draftId"])])


async def _made(account: StripeAccount, draft: Row) -> tuple[list[str], list[str]]:
    """Ids of the products and prices that the draft's calls may have made."""
    opened = int(seconds_of(draft["createdAt"]))
    return (
        await _of_project(account.list_products, draft["publishableKey"], opened),
        await _of_project(account.list_prices, draft["publishableKey"], opened),
    )


async def _of_project(list_page: ListPage, publishable_key: str, opened: int) -> list[str]:
    found: list[str] = []
    last: str | None = None
    while True:
        page, has_more = await list_page(
            created_after_seconds=opened - 60,
            created_before_seconds=opened + FRESH_SECONDS,
            starting_after=last,
        )
        found += [made for made, metadata in page if metadata.get("publishableKey") == publishable_key]
        if not has_more or not page:
            return found
        last = page[-1][0]
