"""An end user as billing sees them: Stripe account, customer, subscription, last checkout, tiers.

`load` reads all of it in one round trip to D1.
"""

from __future__ import annotations

from dataclasses import dataclass

from dream.auth.principal import EndUserCaller
from dream.clients.stripe.account import StripeAccount, connected_account
from dream.db import subscribers
from dream.db.portal_configurations import PortalConfiguration
from dream.domain.connected_account import ConnectedAccount
from dream.domain.subscriptions import Owner
from dream.domain.tiers import Tier
from dream.errors import Conflict
from dream.runtime.context import Context
from dream.services.platforms.connection import StripeNotConnected


class NoSubscription(Conflict):
    """409: the user has no customer at Stripe, so there is nothing to manage.

    The handler of the portal raises it, not `load`.
    """

    error = "No subscription"
    code = "no_subscription"
    message = "This user has never subscribed, so there is no billing to manage. Create a checkout first."


@dataclass(frozen=True, slots=True)
class Subscriber:
    """One end user, as far as money is concerned. `last_session_id` is the last checkout session, open until `session_open_until`.

    `home_url` is where Stripe sends the user back to if the app names no URL: the project's first redirect origin, else the account
    page of sign-up.
    """

    owner: Owner
    account: ConnectedAccount
    email: str | None
    customer_id: str | None
    subscription_id: str | None
    last_session_id: str | None
    session_open_until: str
    tiers: tuple[Tier, ...]
    portal: PortalConfiguration | None
    home_url: str

    def stripe(self, context: Context) -> StripeAccount:
        """The connected account that bills this user."""
        return connected_account(context, self.account.mode, self.account.account_id)


async def load(context: Context, caller: EndUserCaller) -> Subscriber:
    """The end user of the caller. Raises Conflict for a store project, StripeNotConnected if no account is connected."""
    project = caller.project
    if project.project_type != "saas":
        raise Conflict(
            "This is a store project: it sells products, not subscriptions. Use POST /api/cart/checkout.",
            code="wrong_project_type",
        )
    found = await subscribers.read(context.db, project, caller.user_id)
    if found.account is None:
        raise StripeNotConnected(project.mode)
    session = found.last_session
    return Subscriber(
        owner=Owner(project.publishable_key, caller.user_id),
        account=found.account,
        email=found.profile.email or caller.email,
        customer_id=found.profile.customer_id,
        subscription_id=found.subscription_id,
        last_session_id=None if session is None else session.session_id,
        session_open_until="" if session is None else session.expires_at,
        tiers=found.tiers,
        portal=found.portal,
        home_url=found.origin or f"{context.settings.sign_up_url}/account?pk={project.publishable_key}",
    )
