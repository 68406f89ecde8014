"""Customers and their subscriptions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dream.clients.stripe.account_calls import AccountCalls, Metadata
from dream.clients.stripe.http import answered
from dream.domain.stripe.fields import id_of
from dream.domain.stripe.subscription import StripeSubscription

if TYPE_CHECKING:
    from stripe.params import CustomerCreateParams, SubscriptionListParams


class SubscriptionCalls(AccountCalls):
    """Creates customers; reads, lists and cancels subscriptions."""

    async def create_customer(self, *, email: str | None, metadata: Metadata, idempotency_key: str) -> str:
        """Returns the id of the new customer."""
        params: CustomerCreateParams = {"metadata": dict(metadata)}
        if email is not None:
            params["email"] = email
        created = self._v1.customers.create_async(params, self._options(idempotency_key))
        return await answered(created, id_of)

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
        """One page, newest first, and whether there are more pages. `status` is one of Stripe's statuses, `all` or `ended`."""
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

    async def cancel_subscription(self, subscription_id: str) -> StripeSubscription:
        """Ends the subscription now, without a refund. Raises StripeRefused (`is_missing`) if it has ended already."""
        canceled = self._v1.subscriptions.cancel_async(subscription_id, None, self._options())
        return await answered(canceled, StripeSubscription.from_stripe)
