"""Every call that we make on a Stripe account, the platform's or a connected one, in stripe-python's parameter types.

Each function says what it wants and takes all that it sends; none reads settings or rows. Raises StripeRefused,
VendorFailed or Unavailable (`stripe_http`). Connecting and disconnecting accounts is in `stripe_connect`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

import stripe
from stripe import StripeClient

from dream.clients.stripe_http import answered, stripe_client
from dream.domain.keys import Mode
from dream.domain.stripe_objects import (
    AccountDetails,
    CartPayment,
    CheckoutSession,
    InvoicePayment,
    StripeCharge,
    StripeCustomer,
    StripeEvent,
    StripeInvoice,
    StripePaymentIntent,
    StripePrice,
    StripeSubscription,
    id_of,
    metadata_of,
)
from dream.runtime.context import Context

if TYPE_CHECKING:
    from stripe import RequestOptions
    from stripe.params import (
        CustomerCreateParams,
        EventListParams,
        InvoicePaymentListParams,
        PriceCreateParams,
        PriceListParams,
        ProductCreateParams,
        ProductListParams,
        ProductUpdateParams,
        RefundCreateParams,
        SubscriptionListParams,
        SubscriptionUpdateParams,
    )
    from stripe.params.billing_portal import (
        ConfigurationCreateParams,
        ConfigurationCreateParamsFeatures,
        ConfigurationCreateParamsFeaturesSubscriptionUpdateProduct,
        ConfigurationListParams,
        ConfigurationUpdateParams,
        ConfigurationUpdateParamsFeaturesSubscriptionUpdateProduct,
        SessionCreateParamsFlowData,
    )
    from stripe.params.billing_portal import SessionCreateParams as PortalSessionCreateParams
    from stripe.params.checkout import SessionCreateParams, SessionCreateParamsLineItem, SessionRetrieveParams

Metadata: TypeAlias = Mapping[str, str]
Interval: TypeAlias = Literal["month", "year"]
PortalFlow: TypeAlias = Literal["subscription_cancel", "subscription_update", "payment_method_update"]

MAXIMUM_PORTAL_PRODUCTS = 10
"""A portal configuration offers no more products than this for switching."""

_PORTAL_CONFIGURATION_SEARCHES: tuple[ConfigurationListParams, ...] = (
    {"active": True, "is_default": True, "limit": 1},
    {"active": True, "limit": 1},
)


@dataclass(frozen=True, slots=True)
class CheckoutLine:
    """One line of a cart: a one-time price and how many."""

    price_id: str
    quantity: int


class StripeAccount:
    """One Stripe account in one mode, as the platform may act on it."""

    def __init__(self, client: StripeClient, account_id: str | None) -> None:
        self._v1 = client.v1
        self._account_id = account_id

    def _options(self, idempotency_key: str | None = None) -> RequestOptions:
        return {"stripe_account": self._account_id, "idempotency_key": idempotency_key}

    # Products and prices

    async def create_product(
        self,
        name: str,
        *,
        description: str | None = None,
        image_url: str | None = None,
        metadata: Metadata,
        idempotency_key: str,
    ) -> str:
        """The new product's id."""
        params: ProductCreateParams = {"name": name, "metadata": dict(metadata)}
        if description:
            params["description"] = description
        if image_url:
            params["images"] = [image_url]
        created = self._v1.products.create_async(params, self._options(idempotency_key))
        return await answered(created, id_of)

    async def update_product(
        self,
        product_id: str,
        *,
        name: str | None = None,
        description: str | None = None,
        image_url: str | None = None,
        active: bool | None = None,
        metadata: Metadata | None = None,
    ) -> None:
        """Sets what is not None; an empty description or image is taken away. `active=False` archives the product."""
        params: ProductUpdateParams = {}
        if name is not None:
            params["name"] = name
        if description is not None:
            params["description"] = description
        if image_url is not None:
            params["images"] = [image_url] if image_url else ""
        if active is not None:
            params["active"] = active
        if metadata is not None:
            params["metadata"] = dict(metadata)
        await answered(self._v1.products.update_async(product_id, params, self._options()), id_of)

    async def create_price(
        self,
        product_id: str,
        *,
        unit_amount: int,
        currency: str,
        interval: Interval | None,
        metadata: Metadata,
        idempotency_key: str,
    ) -> str:
        """The new price's id. `unit_amount` is minor units; without an interval the price is a one-time price."""
        params: PriceCreateParams = {
            "product": product_id,
            "unit_amount": unit_amount,
            "currency": currency,
            "metadata": dict(metadata),
        }
        if interval is not None:
            params["recurring"] = {"interval": interval}
        created = self._v1.prices.create_async(params, self._options(idempotency_key))
        return await answered(created, id_of)

    async def retrieve_price(self, price_id: str) -> StripePrice:
        found = self._v1.prices.retrieve_async(price_id, None, self._options())
        return await answered(found, StripePrice.from_stripe)

    async def update_price(self, price_id: str, *, active: bool) -> None:
        """`active=False` archives it: no new purchases, existing subscriptions stay."""
        await answered(self._v1.prices.update_async(price_id, {"active": active}, self._options()), id_of)

    async def list_products(
        self, *, created_after_seconds: int, created_before_seconds: int, starting_after: str | None = None
    ) -> tuple[list[tuple[str, Metadata]], bool]:
        """One page of active products made between two moments, ids and metadata, newest first, and whether there are more."""
        params: ProductListParams = {
            "active": True,
            "created": {"gte": created_after_seconds, "lte": created_before_seconds},
            "limit": 100,
        }
        if starting_after is not None:
            params["starting_after"] = starting_after
        page = self._v1.products.list_async(params, self._options())
        return await answered(
            page, lambda found: ([(each.id, metadata_of(each.metadata)) for each in found.data], found.has_more)
        )

    async def list_prices(
        self, *, created_after_seconds: int, created_before_seconds: int, starting_after: str | None = None
    ) -> tuple[list[tuple[str, Metadata]], bool]:
        """One page of active prices, as `list_products`."""
        params: PriceListParams = {
            "active": True,
            "created": {"gte": created_after_seconds, "lte": created_before_seconds},
            "limit": 100,
        }
        if starting_after is not None:
            params["starting_after"] = starting_after
        page = self._v1.prices.list_async(params, self._options())
        return await answered(
            page, lambda found: ([(each.id, metadata_of(each.metadata)) for each in found.data], found.has_more)
        )

    # Checkout

    async def create_subscription_checkout(
        self,
        price_id: str,
        *,
        customer_id: str | None = None,
        customer_email: str | None = None,
        client_reference_id: str,
        success_url: str,
        cancel_url: str,
        trial_days: int = 0,
        expires_at_seconds: int | None = None,
        metadata: Metadata,
        idempotency_key: str | None = None,
    ) -> CheckoutSession:
        """A Checkout Session that starts a subscription, which gets the same metadata, so that later events name it."""
        params: SessionCreateParams = {
            "mode": "subscription",
            "line_items": [{"price": price_id, "quantity": 1}],
            "client_reference_id": client_reference_id,
            "success_url": success_url,
            "cancel_url": cancel_url,
            "metadata": dict(metadata),
            "subscription_data": {"metadata": dict(metadata)},
        }
        if trial_days > 0:
            params["subscription_data"] = {"metadata": dict(metadata), "trial_period_days": trial_days}
        if customer_id is not None:
            params["customer"] = customer_id
        elif customer_email is not None:
            params["customer_email"] = customer_email
        if expires_at_seconds is not None:
            params["expires_at"] = expires_at_seconds
        return await self._create_checkout(params, idempotency_key)

    async def create_payment_checkout(
        self,
        lines: Sequence[CheckoutLine],
        *,
        customer_email: str | None = None,
        client_reference_id: str,
        success_url: str,
        cancel_url: str,
        expires_at_seconds: int,
        metadata: Metadata,
        idempotency_key: str,
    ) -> CheckoutSession:
        """A Checkout Session that pays a cart once. `expires_at_seconds` is 30 minutes to 24 hours ahead."""
        items: list[SessionCreateParamsLineItem] = [
            {"price": line.price_id, "quantity": line.quantity} for line in lines
        ]
        params: SessionCreateParams = {
            "mode": "payment",
            "line_items": items,
            "client_reference_id": client_reference_id,
            "success_url": success_url,
            "cancel_url": cancel_url,
            "expires_at": expires_at_seconds,
            "metadata": dict(metadata),
            "payment_intent_data": {"metadata": dict(metadata)},
        }
        if customer_email is not None:
            params["customer_email"] = customer_email
        return await self._create_checkout(params, idempotency_key)

    async def _create_checkout(self, params: SessionCreateParams, idempotency_key: str | None) -> CheckoutSession:
        created = self._v1.checkout.sessions.create_async(params, self._options(idempotency_key))
        return await answered(created, CheckoutSession.from_stripe)

    async def retrieve_checkout(self, session_id: str) -> CheckoutSession:
        found = self._v1.checkout.sessions.retrieve_async(session_id, None, self._options())
        return await answered(found, CheckoutSession.from_stripe)

    async def retrieve_cart_payment(self, session_id: str) -> CartPayment:
        """A session with its payment intent and the latest charge, all of one moment."""
        params: SessionRetrieveParams = {"expand": ["payment_intent.latest_charge"]}
        found = self._v1.checkout.sessions.retrieve_async(session_id, params, self._options())
        return await answered(found, CartPayment.from_stripe)

    async def expire_checkout(self, session_id: str) -> CheckoutSession:
        """Closes an open session. Refused for one that is complete or expired."""
        expired = self._v1.checkout.sessions.expire_async(session_id, None, self._options())
        return await answered(expired, CheckoutSession.from_stripe)

    # Customers

    async def create_customer(
        self, *, email: str | None, name: str | None = None, metadata: Metadata, idempotency_key: str
    ) -> StripeCustomer:
        params: CustomerCreateParams = {"metadata": dict(metadata)}
        if email is not None:
            params["email"] = email
        if name is not None:
            params["name"] = name
        created = self._v1.customers.create_async(params, self._options(idempotency_key))
        return await answered(created, StripeCustomer.from_stripe)

    async def retrieve_customer(self, customer_id: str) -> StripeCustomer:
        found = self._v1.customers.retrieve_async(customer_id, None, self._options())
        return await answered(found, StripeCustomer.from_stripe)

    # Subscriptions

    async def retrieve_subscription(self, subscription_id: str) -> StripeSubscription:
        found = self._v1.subscriptions.retrieve_async(subscription_id, None, self._options())
        return await answered(found, StripeSubscription.from_stripe)

    async def list_subscriptions(
        self,
        *,
        customer_id: str | None = None,
        price_id: str | None = None,
        status: str = "all",
        starting_after: str | None = None,
        limit: int = 100,
    ) -> tuple[list[StripeSubscription], bool]:
        """One page, newest first, and whether there are more. `status` is one of Stripe's, `all`, or `ended`."""
        params: SubscriptionListParams = {"status": status, "limit": limit}
        if customer_id is not None:
            params["customer"] = customer_id
        if price_id is not None:
            params["price"] = price_id
        if starting_after is not None:
            params["starting_after"] = starting_after
        page = self._v1.subscriptions.list_async(params, self._options())
        return await answered(
            page, lambda found: ([StripeSubscription.from_stripe(each) for each in found.data], found.has_more)
        )

    async def change_subscription_price(
        self,
        subscription: StripeSubscription,
        price_id: str,
        *,
        proration_behavior: Literal["create_prorations", "always_invoice", "none"] = "create_prorations",
        idempotency_key: str | None = None,
    ) -> StripeSubscription:
        """Moves the subscription's item to another price."""
        params: SubscriptionUpdateParams = {
            "items": [{"id": subscription.item_id, "price": price_id}],
            "proration_behavior": proration_behavior,
        }
        return await self._update_subscription(subscription.id, params, idempotency_key)

    async def cancel_subscription_at_period_end(self, subscription_id: str) -> StripeSubscription:
        return await self._update_subscription(subscription_id, {"cancel_at_period_end": True})

    async def resume_subscription(self, subscription: StripeSubscription) -> StripeSubscription:
        """Takes a planned cancellation back. Refused for a subscription that has ended."""
        if subscription.cancel_at is not None and not subscription.cancel_at_period_end:
            return await self._update_subscription(subscription.id, {"cancel_at": ""})
        return await self._update_subscription(subscription.id, {"cancel_at_period_end": False})

    async def set_subscription_metadata(self, subscription_id: str, metadata: Metadata) -> StripeSubscription:
        """Merges; an empty value removes its key."""
        return await self._update_subscription(subscription_id, {"metadata": dict(metadata)})

    async def _update_subscription(
        self, subscription_id: str, params: SubscriptionUpdateParams, idempotency_key: str | None = None
    ) -> StripeSubscription:
        updated = self._v1.subscriptions.update_async(subscription_id, params, self._options(idempotency_key))
        return await answered(updated, StripeSubscription.from_stripe)

    async def cancel_subscription(self, subscription_id: str) -> StripeSubscription:
        """Ends it now, without refund. One that has ended is refused as `resource_missing`."""
        canceled = self._v1.subscriptions.cancel_async(subscription_id, None, self._options())
        return await answered(canceled, StripeSubscription.from_stripe)

    # The billing portal

    async def find_portal_configuration(self) -> str | None:
        """The configuration saved in the dashboard, else the newest that the API made; None when there is none."""
        for params in _PORTAL_CONFIGURATION_SEARCHES:
            page = self._v1.billing_portal.configurations.list_async(params, self._options())
            found = await answered(page, lambda configurations: [each.id for each in configurations.data])
            if found:
                return found[0]
        return None

    async def create_portal_configuration(
        self,
        *,
        switchable_prices: Mapping[str, Sequence[str]],
        default_return_url: str | None = None,
        idempotency_key: str | None = None,
    ) -> str:
        """The new configuration's id. `switchable_prices`: the prices per product that a subscriber may change to."""
        params: ConfigurationCreateParams = {"features": _portal_features(switchable_prices)}
        if default_return_url is not None:
            params["default_return_url"] = default_return_url
        created = self._v1.billing_portal.configurations.create_async(params, self._options(idempotency_key))
        return await answered(created, id_of)

    async def update_portal_configuration(
        self, configuration_id: str, *, switchable_prices: Mapping[str, Sequence[str]]
    ) -> None:
        """Offers these prices from now on."""
        products: list[ConfigurationUpdateParamsFeaturesSubscriptionUpdateProduct] = [
            {"product": product_id, "prices": price_ids} for product_id, price_ids in _offered(switchable_prices)
        ]
        params: ConfigurationUpdateParams = {"features": {"subscription_update": {"enabled": False}}}
        if products:
            params["features"] = {
                "subscription_update": {
                    "enabled": True,
                    "default_allowed_updates": ["price"],
                    "proration_behavior": "create_prorations",
                    "products": products,
                }
            }
        updated = self._v1.billing_portal.configurations.update_async(configuration_id, params, self._options())
        await answered(updated, id_of)

    async def create_portal_session(
        self,
        customer_id: str,
        *,
        return_url: str,
        configuration_id: str | None = None,
        flow: PortalFlow | None = None,
        subscription_id: str | None = None,
    ) -> str:
        """The URL of the billing portal, good for minutes. It opens at the flow; subscription flows name one."""
        params: PortalSessionCreateParams = {"customer": customer_id, "return_url": return_url}
        if configuration_id is not None:
            params["configuration"] = configuration_id
        if flow is not None:
            flow_data: SessionCreateParamsFlowData = {
                "type": flow,
                "after_completion": {"type": "redirect", "redirect": {"return_url": return_url}},
            }
            if flow == "subscription_cancel" and subscription_id is not None:
                flow_data["subscription_cancel"] = {"subscription": subscription_id}
            elif flow == "subscription_update" and subscription_id is not None:
                flow_data["subscription_update"] = {"subscription": subscription_id}
            params["flow_data"] = flow_data
        return await self._create_portal_session(params)

    async def create_portal_price_change(
        self, subscription: StripeSubscription, price_id: str, *, return_url: str, configuration_id: str | None = None
    ) -> str:
        """The URL of the portal page that asks the subscriber to confirm the change to this price."""
        params: PortalSessionCreateParams = {
            "customer": subscription.customer_id,
            "return_url": return_url,
            "flow_data": {
                "type": "subscription_update_confirm",
                "after_completion": {"type": "redirect", "redirect": {"return_url": return_url}},
                "subscription_update_confirm": {
                    "subscription": subscription.id,
                    "items": [{"id": subscription.item_id, "price": price_id, "quantity": subscription.quantity}],
                },
            },
        }
        if configuration_id is not None:
            params["configuration"] = configuration_id
        return await self._create_portal_session(params)

    async def _create_portal_session(self, params: PortalSessionCreateParams) -> str:
        created = self._v1.billing_portal.sessions.create_async(params, self._options())
        return await answered(created, lambda session: session.url)

    # Money

    async def retrieve_invoice(self, invoice_id: str) -> StripeInvoice:
        found = self._v1.invoices.retrieve_async(invoice_id, None, self._options())
        return await answered(found, StripeInvoice.from_stripe)

    async def list_invoice_payments(
        self, *, invoice_id: str | None = None, payment_intent_id: str | None = None
    ) -> list[InvoicePayment]:
        """The payments of an invoice, or of the invoices that a payment intent paid."""
        params: InvoicePaymentListParams = {"invoice": invoice_id or ""}
        if payment_intent_id is not None:
            params = {"payment": {"type": "payment_intent", "payment_intent": payment_intent_id}}
        page = self._v1.invoice_payments.list_async(params, self._options())
        return await answered(page, lambda found: [InvoicePayment.from_stripe(each) for each in found.data])

    async def create_refund(
        self, payment_intent_id: str, *, amount: int | None = None, metadata: Metadata, idempotency_key: str
    ) -> str:
        """The new refund's id. Without an amount (minor units) all that is left is refunded."""
        params: RefundCreateParams = {"payment_intent": payment_intent_id, "metadata": dict(metadata)}
        if amount is not None:
            params["amount"] = amount
        created = self._v1.refunds.create_async(params, self._options(idempotency_key))
        return await answered(created, id_of)

    async def retrieve_charge(self, charge_id: str) -> StripeCharge:
        found = self._v1.charges.retrieve_async(charge_id, None, self._options())
        return await answered(found, StripeCharge.from_stripe)

    async def retrieve_payment_intent(self, payment_intent_id: str) -> StripePaymentIntent:
        found = self._v1.payment_intents.retrieve_async(payment_intent_id, None, self._options())
        return await answered(found, StripePaymentIntent.from_stripe)

    # The account and its events

    async def retrieve_account(self) -> AccountDetails:
        """This account's own details."""
        found = self._v1.accounts.retrieve_current_async(None, self._options())
        return await answered(found, AccountDetails.from_stripe)

    async def retrieve_event(self, event_id: str) -> StripeEvent:
        """The event as Stripe has it, in our API version's shape."""
        found = self._v1.events.retrieve_async(event_id, None, self._options())
        return await answered(found, _event)

    async def list_events(
        self, types: Sequence[str], *, created_after_seconds: int, starting_after: str | None = None
    ) -> tuple[list[StripeEvent], bool]:
        """One page of events, newest first, and whether there are more. Stripe keeps them for 30 days."""
        params: EventListParams = {"types": list(types), "created": {"gt": created_after_seconds}, "limit": 100}
        if starting_after is not None:
            params["starting_after"] = starting_after
        page = self._v1.events.list_async(params, self._options())
        return await answered(page, lambda found: ([_event(each) for each in found.data], found.has_more))


def _event(event: stripe.Event) -> StripeEvent:
    return StripeEvent.from_json(event.to_dict())


def platform_account(context: Context, mode: Mode) -> StripeAccount:
    """The platform's own account."""
    return StripeAccount(stripe_client(context, mode), None)


def connected_account(context: Context, mode: Mode, account_id: str) -> StripeAccount:
    """A developer's account, called with the platform's key and `Stripe-Account`."""
    return StripeAccount(stripe_client(context, mode), account_id)


def _offered(switchable_prices: Mapping[str, Sequence[str]]) -> list[tuple[str, list[str]]]:
    offered = list(switchable_prices.items())[:MAXIMUM_PORTAL_PRODUCTS]
    return [(product_id, list(price_ids)) for product_id, price_ids in offered]


def _portal_features(switchable_prices: Mapping[str, Sequence[str]]) -> ConfigurationCreateParamsFeatures:
    products: list[ConfigurationCreateParamsFeaturesSubscriptionUpdateProduct] = [
        {"product": product_id, "prices": price_ids} for product_id, price_ids in _offered(switchable_prices)
    ]
    features: ConfigurationCreateParamsFeatures = {
        "customer_update": {"enabled": True, "allowed_updates": ["email", "address", "tax_id"]},
        "invoice_history": {"enabled": True},
        "payment_method_update": {"enabled": True},
        "subscription_cancel": {"enabled": True, "mode": "at_period_end"},
    }
    if products:
        features["subscription_update"] = {
            "enabled": True,
            "default_allowed_updates": ["price"],
            "proration_behavior": "create_prorations",
            "products": products,
        }
    return features


def _load_services() -> None:
    """stripe-python imports services when they are touched. Touched here, they lie in the deployed memory snapshot."""
    v1 = StripeClient("sk_none", http_client=stripe.HTTPClient()).v1
    _ = (v1.products, v1.prices, v1.checkout.sessions, v1.customers, v1.subscriptions, v1.invoices, v1.invoice_payments)
    _ = (v1.billing_portal.configurations, v1.billing_portal.sessions, v1.refunds, v1.charges, v1.payment_intents)
    _ = (v1.accounts, v1.events)
    _ = (stripe.Product, stripe.Price, stripe.checkout.Session, stripe.Customer, stripe.Subscription, stripe.Invoice)
    _ = (stripe.InvoicePayment, stripe.Refund, stripe.Charge, stripe.PaymentIntent, stripe.Account, stripe.Event)
    _ = (stripe.billing_portal.Configuration, stripe.billing_portal.Session, stripe.ListObject, stripe.Dispute)


_load_services()
