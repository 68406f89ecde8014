"""A developer's Stripe account, connected through Connect in one mode."""

from __future__ import annotations

from dataclasses import dataclass

from dream.domain.keys import Mode


@dataclass(frozen=True, slots=True)
class ConnectedAccount:
    """The account id (`acct_…`), the mode in which it is connected, and the platform that connected it."""

    platform_id: str
    account_id: str
    mode: Mode
