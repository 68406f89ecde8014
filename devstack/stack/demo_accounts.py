"""Owns the demo developer's accounts at the stand-ins: a Clerk user, and a connected Stripe account with prices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import httpx
import stripe

from devstack.stack.configuration import Configuration
from dream.domain.platform_billing import MONTHLY_PRICE_CENTS


@dataclass(frozen=True)
class PricedAt:
    """The Stripe product and price of one tier."""

    product_id: str
    price_id: str


class DemoAccounts:
    """Creates the accounts at the stand-ins. It creates nothing at the real Stripe or Clerk."""

    def __init__(self, configuration: Configuration) -> None:
        self._configuration = configuration
        self._at_stripe = configuration.uses_stand_in("stripe")
        self._at_clerk = configuration.uses_stand_in("clerk")
        self._client = stripe.StripeClient(
            configuration.secrets.stripe_test, base_addresses={"api": configuration.url("stripe")}
        )

    def developer(self, user_id: str, email: str, password: str) -> None:
        """Creates a user of the developers' instance."""
        if self._at_clerk:
            body = {"instance": "developers", "userId": user_id, "email": email, "password": password}
            _post(f"{self._configuration.url('clerk')}/_devstack/users", body)

    def connected_account(self, account_id: str, email: str) -> None:
        """Creates a Stripe account that is connected in test mode."""
        if self._at_stripe:
            body = {"id": account_id, "email": email, "name": "Demo developer", "connect": "test"}
            _post(f"{self._configuration.url('stripe')}/_devstack/accounts", body)

    def platform_price(self) -> str:
        """Creates the price that developers pay for dream-api. Returns its id, empty at the real Stripe."""
        if not self._at_stripe:
            return ""
        product = self._client.v1.products.create({"name": "dream-api"})
        price = self._client.v1.prices.create(
            {
                "product": product.id,
                "unit_amount": MONTHLY_PRICE_CENTS,
                "currency": "usd",
                "recurring": {"interval": "month"},
            }
        )
        return price.id

    def prices(self, account_id: str, tiers: Sequence[dict[str, Any]], *, recurring: bool) -> list[PricedAt | None]:
        """Creates a product and a price on the connected account for each tier that is not free; None for the others."""
        return [
            self._price(account_id, tier, recurring=recurring) if self._at_stripe and tier["price"] else None
            for tier in tiers
        ]

    def _price(self, account_id: str, tier: dict[str, Any], *, recurring: bool) -> PricedAt:
        options: stripe.RequestOptions = {"stripe_account": account_id}
        product = self._client.v1.products.create({"name": tier["displayName"]}, options)
        params: stripe.params.PriceCreateParams = {
            "product": product.id,
            "unit_amount": tier["price"],
            "currency": "usd",
        }
        if recurring:
            params["recurring"] = {"interval": "month"}
        price = self._client.v1.prices.create(params, options)
        return PricedAt(product_id=product.id, price_id=price.id)


def _post(url: str, body: dict[str, Any]) -> None:
    httpx.post(url, json=body, timeout=30).raise_for_status()
