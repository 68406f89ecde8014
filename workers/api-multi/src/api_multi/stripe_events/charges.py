"""Reads the charge of an event at Stripe, as it is now."""

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
    """The account and the charge; otherwise the outcome of the event. The caller still has to match the charge to a project."""
    if event.account is None:
        return ignored("not of a connected account")
    mode = mode_of(event)
    holder = await connected_accounts.find_holder(context.db, event.account, mode)
    if holder is None or not holder.is_connected:
        return ignored("not connected")
    account = connected_account(context, mode, event.account)
    try:
        return account, await account.retrieve_charge(charge_id)
    except StripeRefused as refusal:
        if not refusal.is_disconnected and not refusal.is_missing:
            raise
        return ignored("Stripe does not show the charge")
