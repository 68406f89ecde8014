"""The billing portal: Stripe's pages where a customer manages a subscription."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal, TypeAlias

from dream.clients.stripe.account_calls import AccountCalls
from dream.clients.stripe.http import answered
from dream.domain.stripe.fields import id_of
from dream.domain.stripe.subscription import StripeSubscription

if TYPE_CHECKING:
    from stripe.params.billing_portal import (
        ConfigurationCreateParams,
        ConfigurationCreateParamsFeatures,
        ConfigurationCreateParamsFeaturesSubscriptionUpdateProduct,
        ConfigurationListParams,
        ConfigurationUpdateParams,
        ConfigurationUpdateParamsFeaturesSubscriptionUpdateProduct,
        SessionCreateParams,
        SessionCreateParamsFlowData,
    )

PortalFlow: TypeAlias = Literal["subscription_cancel", "subscription_update", "payment_method_update"]

MAXIMUM_PORTAL_PRODUCTS = 10
"""Stripe accepts at most this many products in one portal configuration."""

_CONFIGURATION_SEARCHES: tuple[ConfigurationListParams, ...] = (
    {"active": True, "is_default": True, "limit": 1},
    {"active": True, "limit": 1},
)


class PortalCalls(AccountCalls):
    """Creates portal configurations and portal sessions."""

    async def find_portal_configuration(self) -> str | None:
        """The id of the configuration that the dashboard saved, or else of the newest one made by the API; None if there is none."""
        for params in _CONFIGURATION_SEARCHES:
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
        """Returns the id of the new configuration. `switchable_prices` has, per product id, the prices a subscriber may change to."""
        params: ConfigurationCreateParams = {"features": _portal_features(switchable_prices)}
        if default_return_url is not None:
            params["default_return_url"] = default_return_url
        created = self._v1.billing_portal.configurations.create_async(params, self._options(idempotency_key))
        return await answered(created, id_of)

    async def update_portal_configuration(
        self, configuration_id: str, *, switchable_prices: Mapping[str, Sequence[str]]
    ) -> None:
        """Replaces the prices that a subscriber may change to. With no prices, the portal offers no change."""
        products: list[ConfigurationUpdateParamsFeaturesSubscriptionUpdateProduct] = [
            {"product": product_id, "prices": price_ids} for product_id, price_ids in _first_products(switchable_prices)
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
        """Returns the URL of the billing portal, which works for a few minutes.

        With a `flow`, the portal opens at that flow. The two subscription flows need a `subscription_id`.
        """
        params: SessionCreateParams = {"customer": customer_id, "return_url": return_url}
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
        """Returns the URL of the portal page where the subscriber confirms the change to this price."""
        params: SessionCreateParams = {
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

    async def _create_portal_session(self, params: SessionCreateParams) -> str:
        created = self._v1.billing_portal.sessions.create_async(params, self._options())
        return await answered(created, lambda session: session.url)


def _first_products(switchable_prices: Mapping[str, Sequence[str]]) -> list[tuple[str, list[str]]]:
    first = list(switchable_prices.items())[:MAXIMUM_PORTAL_PRODUCTS]
    return [(product_id, list(price_ids)) for product_id, price_ids in first]


def _portal_features(switchable_prices: Mapping[str, Sequence[str]]) -> ConfigurationCreateParamsFeatures:
    products: list[ConfigurationCreateParamsFeaturesSubscriptionUpdateProduct] = [
        {"product": product_id, "prices": price_ids} for product_id, price_ids in _first_products(switchable_prices)
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
