"""What billing needs to know of one end user, in one round trip to D1: account, customer, subscription, open checkout, tiers."""

from __future__ import annotations

from dataclasses import dataclass

from dream.auth.principal import EndUserCaller
from dream.clients.stripe.account import StripeAccount, connected_account
from dream.db import (
    checkout_sessions,
    connected_accounts,
    end_users,
    portal_configurations,
    projects,
    subscriptions,
)
from dream.db import tiers as tier_rows
from dream.domain.connected_account import ConnectedAccount
from dream.domain.subscriptions import Owner
from dream.domain.tiers import Tier
from dream.errors import Conflict
from dream.runtime.context import Context
from dream.services.platforms.connection import StripeNotConnected


class NoSubscription(Conflict):
    """409: Stripe knows no customer for this user, so there is nothing to manage."""

    error = "No subscription"
    code = "no_subscription"
    message = "This user has never subscribed, so there is no billing to manage."


@dataclass(frozen=True, slots=True)
class PortalConfiguration:
    """The portal as Stripe was told to show it. `prices` is JSON."""

    account_id: str
    configuration_id: str
    prices: str


@dataclass(frozen=True, slots=True)
class Subscriber:
    """One end user, as far as money is concerned. `last_session` is the checkout made last, open until `session_open_until`."""

    owner: Owner
    account: ConnectedAccount
    email: str | None
    customer_id: str | None
    subscription_id: str | None
    last_session: str | None
    session_open_until: str
    tiers: tuple[Tier, ...]
    portal: PortalConfiguration | None
    home_url: str
    """Where to go back to when the app does not say: the project's first redirect origin, else our sign-up's account page."""

    def stripe(self, context: Context) -> StripeAccount:
        """The connected account that bills this end user."""
        return connected_account(context, self.account.mode, self.account.account_id)


async def load(context: Context, caller: EndUserCaller) -> Subscriber:
    """The caller's end user. Raises Conflict for a store project, StripeNotConnected without an account."""
    project = caller.project
    key, user_id = project.publishable_key, caller.user_id
    if project.project_type != "saas":
        raise Conflict("A store project sells products, not subscriptions.", code="wrong_project_type")
    accounts, users, rows, sessions, tiers, portals, origins = await context.db.batch(
        [
            connected_accounts.of_platform(project.platform_id, project.mode),
            end_users.of_user(key, user_id),
            subscriptions.of_user(key, user_id),
            checkout_sessions.of_user(key, user_id),
            tier_rows.LIST_OF_PROJECT.bind(key),
            portal_configurations.of_project(key),
            projects.LIST_ORIGINS.bind(key),
        ]
    )
    if not accounts:
        raise StripeNotConnected(project.mode)
    user = users[0] if users else {"email": None, "stripeCustomerId": None}
    account = ConnectedAccount(project.platform_id, accounts[0]["stripeUserId"], project.mode)
    return Subscriber(
        owner=Owner(key, user_id),
        account=account,
        email=user["email"] or caller.email,
        customer_id=user["stripeCustomerId"],
        subscription_id=rows[0]["subscriptionId"] if rows else None,
        last_session=sessions[0]["sessionId"] if sessions else None,
        session_open_until=sessions[0]["expiresAt"] if sessions else "",
        tiers=tuple(Tier.from_row(row) for row in tiers),
        portal=PortalConfiguration(portals[0]["account"], portals[0]["configurationId"], portals[0]["prices"])
        if portals
        else None,
        home_url=origins[0]["origin"] if origins else f"{context.settings.sign_up_url}/account?pk={key}",
    )
