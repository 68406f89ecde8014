"""The charge that an event is about, as Stripe has it now."""

from __future__ import annotations

from dream.clients.stripe.account import StripeAccount, connected_account
from dream.clients.stripe.http import StripeRefused
from dream.db import connected_accounts
from dream.domain.stripe.charge import StripeCharge
from dream.runtime.context import Context
from dream.webhooks.matching import mode_of
from dream.webhooks.processing import Event, Handled, ignored


async def charge_of_event(
    context: Context, event: Event, charge_id: str
) -> tuple[StripeAccount, StripeCharge] | Handled:
    """The account and the charge; else what the event comes to. Whose project it is remains to be bound."""
    if event.account is None:
        return ignored("not of a connected account")
    mode = mode_of(event)
    platform = await connected_accounts.platform_of(context.db, event.account, mode)
    if platform is None or platform["status"] != "connected":
        return ignored("not connected")
    account = connected_account(context, mode, event.account)
    try:
        return account, await account.retrieve_charge(charge_id)
    except StripeRefused as refusal:
        if not refusal.is_disconnected and not refusal.is_missing:
            raise
        return ignored("the charge can't be read")
