"""Checkout Sessions: Stripe's payment page for a subscription or for a cart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dream.clients.stripe.account_calls import AccountCalls, Metadata
from dream.clients.stripe.http import answered
from dream.domain.stripe.checkout_session import CartPayment, CheckoutSession

if TYPE_CHECKING:
    from stripe.params.checkout import SessionCreateParams, SessionCreateParamsLineItem, SessionRetrieveParams


@dataclass(frozen=True, slots=True)
class CheckoutLine:
    """One line of a cart: a one-time price, and how many."""

    price_id: str
    quantity: int


class CheckoutCalls(AccountCalls):
    """Creates, reads and expires Checkout Sessions."""

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
        """A Checkout Session that starts a subscription. The subscription gets the same metadata, so its events carry them too."""
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
        """A Checkout Session for the one payment of a cart.

        `expires_at_seconds` (since the epoch) must be 30 minutes to 24 hours from now: a rule of Stripe.
        """
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
        """A session, its payment intent, and the latest charge of that intent, all read at the same moment."""
        params: SessionRetrieveParams = {"expand": ["payment_intent.latest_charge"]}
        found = self._v1.checkout.sessions.retrieve_async(session_id, params, self._options())
        return await answered(found, CartPayment.from_stripe)

    async def expire_checkout(self, session_id: str) -> CheckoutSession:
        """Closes an open session. Raises StripeRefused if the session is complete or expired."""
        expired = self._v1.checkout.sessions.expire_async(session_id, None, self._options())
        return await answered(expired, CheckoutSession.from_stripe)
