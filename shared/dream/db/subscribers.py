"""What billing reads about one end user of a saas project, in one round trip."""

from __future__ import annotations

from dataclasses import dataclass

from dream.db import (
    checkout_sessions,
    connected_accounts,
    end_users,
    portal_configurations,
    projects,
    subscriptions,
    tiers,
)
from dream.db.checkout_sessions import LastSession
from dream.db.end_users import BillingProfile
from dream.db.portal_configurations import PortalConfiguration
from dream.domain.connected_account import ConnectedAccount
from dream.domain.project import Project
from dream.domain.tiers import Tier
from dream.runtime.bindings import Database


@dataclass(frozen=True, slots=True)
class SubscriberRead:
    """The connected account, and what D1 knows about the user; None for what does not exist.

    `subscription_id` is the live subscription's, else the last one's. `origin` is the project's first redirect origin.
    """

    account: ConnectedAccount | None
    profile: BillingProfile
    subscription_id: str | None
    last_session: LastSession | None
    tiers: tuple[Tier, ...]
    portal: PortalConfiguration | None
    origin: str | None


async def read(db: Database, project: Project, user_id: str) -> SubscriberRead:
    """The user as they are now. A user whom the project does not know has an empty profile."""
    key = project.publishable_key
    accounts, users, subscription_rows, sessions, tier_rows, portals, origins = await db.batch(
        [
            connected_accounts.of_platform(project.platform_id, project.mode),
            end_users.FIND_BILLING.bind(key, user_id),
            subscriptions.FIND_OF_USER.bind(key, user_id),
            checkout_sessions.FIND_OF_USER.bind(key, user_id),
            tiers.LIST_OF_PROJECT.bind(key),
            portal_configurations.FIND.bind(key),
            projects.LIST_ORIGINS.bind(key),
        ]
    )
    return SubscriberRead(
        account=connected_accounts.account_from(accounts),
        profile=end_users.billing_profile_from(users),
        subscription_id=subscription_rows[0]["subscriptionId"] if subscription_rows else None,
        last_session=checkout_sessions.session_from(sessions),
        tiers=tiers.tiers_from(tier_rows),
        portal=portal_configurations.configuration_from(portals),
        origin=origins[0]["origin"] if origins else None,
    )
