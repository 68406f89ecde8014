"""Matches an event to a project. The account and mode of the event name the platform; the project must belong to that platform.

The metadata of an object prove nothing alone: a connected developer can write the key of any project into them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dream.db import connected_accounts
from dream.domain.connected_account import ConnectedAccount
from dream.domain.keys import Mode
from dream.domain.subscriptions import Owner
from dream.runtime.context import Context
from dream.webhooks.processing import Event, Handled, ignored, rejected


def mode_of(event: Event) -> Mode:
    """The mode in which the event happened."""
    return "live" if event.livemode else "test"


async def match_project(context: Context, event: Event, publishable_key: str) -> ConnectedAccount | Handled:
    """The connected account of the event, if the project belongs to its platform. Otherwise a `Handled` that ends the event."""
    if event.account is None:
        return ignored("not of a connected account")
    mode = mode_of(event)
    account = await connected_accounts.find_for_project(context.db, event.account, mode, publishable_key)
    return rejected("the project does not belong to this account in this mode") if account is None else account


async def match_owner(
    context: Context, event: Event, metadata: Mapping[str, Any]
) -> tuple[ConnectedAccount, Owner] | Handled:
    """The connected account, and the end user in the object's metadata. Otherwise a `Handled` that ends the event."""
    owner = Owner.from_metadata(metadata)
    if owner is None:
        return ignored("not made by us")
    account = await match_project(context, event, owner.publishable_key)
    return account if isinstance(account, Handled) else (account, owner)
