"""Whose project an event of a connected account may speak of: account and mode tell the platform, and the project must be its own.

Metadata alone proves nothing, for every connected developer can write any project's key into it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dream.clients.stripe import StripeAccount, connected_account
from dream.db import connected_accounts
from dream.domain.keys import Mode
from dream.domain.subscriptions import Owner
from dream.runtime.context import Context
from dream.webhooks.processing import Event, Handled, ignored, rejected


@dataclass(frozen=True, slots=True)
class ConnectedAccount:
    """A developer's Stripe account in one mode, and the platform that connected it."""

    platform_id: str
    account_id: str
    mode: Mode

    def stripe(self, context: Context) -> StripeAccount:
        return connected_account(context, self.mode, self.account_id)


def mode_of(event: Event) -> Mode:
    return "live" if event.livemode else "test"


async def bind(context: Context, event: Event, publishable_key: str) -> ConnectedAccount | Handled:
    """The account that the event came from, if it may speak of this project; else what the event comes to."""
    if event.account is None:
        return ignored("not of a connected account")
    mode = mode_of(event)
    project = await connected_accounts.project_of(context.db, event.account, mode, publishable_key)
    if project is None:
        return rejected("names no project of this account in this mode")
    return ConnectedAccount(project["platformId"], event.account, mode)


async def bind_owner(
    context: Context, event: Event, metadata: Mapping[str, Any]
) -> tuple[ConnectedAccount, Owner] | Handled:
    """The account and the end user that the event's object was made for, by its metadata; else what the event comes to."""
    owner = Owner.from_metadata(metadata)
    if owner is None:
        return ignored("not made by us")
    account = await bind(context, event, owner.publishable_key)
    return account if isinstance(account, Handled) else (account, owner)
