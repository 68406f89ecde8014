"""Which subscription an invoice bills, and whose it is, by the snapshot that Stripe took when it was finalized."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dream.domain.connected_account import ConnectedAccount
from dream.domain.subscriptions import Owner
from dream.runtime.context import Context
from dream.webhooks.matching import match_owner
from dream.webhooks.processing import Event, Handled, ignored


@dataclass(frozen=True, slots=True)
class MatchedInvoice:
    """An invoice of a subscription that was made by us, on an account that may speak of its project."""

    account: ConnectedAccount
    owner: Owner
    invoice_id: str
    subscription_id: str


async def match_invoice(context: Context, event: Event) -> MatchedInvoice | Handled:
    """The invoice, matched; else what the event comes to."""
    parent: Mapping[str, Any] = event.object["parent"] or {}
    if parent.get("type") != "subscription_details":
        return ignored("not of a subscription")
    details = parent["subscription_details"]
    matched = await match_owner(context, event, details["metadata"] or {})
    if isinstance(matched, Handled):
        return matched
    account, owner = matched
    return MatchedInvoice(account, owner, event.object["id"], details["subscription"])
