"""Matches an invoice to its subscription and its user, by the metadata that Stripe copied when the invoice was finalized."""

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
    """An invoice of a subscription that dream-api created, on an account that may act for the user's project."""

    account: ConnectedAccount
    owner: Owner
    invoice_id: str
    subscription_id: str


async def match_invoice(context: Context, event: Event) -> MatchedInvoice | Handled:
    """The invoice; otherwise the outcome of the event."""
    parent: Mapping[str, Any] = event.object["parent"] or {}
    if parent.get("type") != "subscription_details":
        return ignored("not an invoice of a subscription")
    details = parent["subscription_details"]
    matched = await match_owner(context, event, details["metadata"] or {})
    if isinstance(matched, Handled):
        return matched
    account, owner = matched
    return MatchedInvoice(account, owner, event.object["id"], details["subscription"])
