"""`StripeAccount`: all the calls that the product makes on a Stripe account, in stripe-python's parameter types.

A call gets every value that it sends as an argument: it reads no settings and no rows. A call can raise StripeRefused,
VendorFailed or Unavailable, as `dream.clients.stripe.http` describes. `dream.clients.stripe.connect` connects accounts.
"""

from __future__ import annotations

import stripe
from stripe import StripeClient

from dream.clients.stripe.billing_portal import PortalCalls
from dream.clients.stripe.checkout_sessions import CheckoutCalls
from dream.clients.stripe.http import answered, stripe_client
from dream.clients.stripe.payments import PaymentCalls
from dream.clients.stripe.products import ProductCalls
from dream.clients.stripe.subscriptions import SubscriptionCalls
from dream.domain.keys import Mode
from dream.domain.stripe.fields import id_of
from dream.runtime.context import Context


class StripeAccount(ProductCalls, CheckoutCalls, SubscriptionCalls, PortalCalls, PaymentCalls):
    """One Stripe account in one mode: dream-api's own account, or a connected account that dream-api may act on."""

    async def retrieve_account(self) -> str:
        """Returns the id of this account. Raises StripeRefused (`is_disconnected`) if the platform may not act on it."""
        return await answered(self._v1.accounts.retrieve_current_async(None, self._options()), id_of)


def platform_account(context: Context, mode: Mode) -> StripeAccount:
    """Stripe's "platform account": dream-api's own, which developers pay. It is no developer's account."""
    return StripeAccount(stripe_client(context, mode), None)


def connected_account(context: Context, mode: Mode, account_id: str) -> StripeAccount:
    """A developer's account. Each call sends dream-api's own key, and the account in the header `Stripe-Account`."""
    return StripeAccount(stripe_client(context, mode), account_id)


def _load_services() -> None:
    """Imports the parts of stripe-python that the product uses, so that the memory snapshot of a deployed Worker holds them.

    stripe-python imports a service, and the class of an object, when they are first used.
    """
    v1 = StripeClient("sk_none", http_client=stripe.HTTPClient()).v1
    _ = (v1.products, v1.prices, v1.checkout.sessions, v1.customers, v1.subscriptions, v1.invoices, v1.invoice_payments)
    _ = (v1.billing_portal.configurations, v1.billing_portal.sessions, v1.refunds, v1.charges, v1.accounts)
    _ = (stripe.Product, stripe.Price, stripe.checkout.Session, stripe.Customer, stripe.Subscription, stripe.Invoice)
    _ = (stripe.InvoicePayment, stripe.Refund, stripe.Charge, stripe.PaymentIntent, stripe.Account, stripe.ListObject)
    _ = (stripe.billing_portal.Configuration, stripe.billing_portal.Session)


_load_services()
