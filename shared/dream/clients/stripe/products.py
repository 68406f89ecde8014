"""Products and their prices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

from dream.clients.stripe.account_calls import AccountCalls, Metadata
from dream.clients.stripe.http import answered
from dream.domain.stripe.fields import id_of, metadata_of

if TYPE_CHECKING:
    from stripe.params import (
        PriceCreateParams,
        PriceListParams,
        ProductCreateParams,
        ProductListParams,
        ProductUpdateParams,
    )

Interval: TypeAlias = Literal["month", "year"]


class ProductCalls(AccountCalls):
    """Creates, updates and lists products and prices."""

    async def create_product(
        self,
        name: str,
        *,
        description: str | None = None,
        image_url: str | None = None,
        metadata: Metadata,
        idempotency_key: str,
    ) -> str:
        """Returns the id of the new product."""
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
        """Sets every argument that is not None. An empty description or image is removed; `active=False` archives the product."""
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

    async def list_products(
        self, *, created_after_seconds: int, created_before_seconds: int, starting_after: str | None = None
    ) -> tuple[list[tuple[str, Metadata]], bool]:
        """One page of active products that were created between two moments (seconds since the epoch), newest first.

        Returns the id and the metadata of each, and whether there are more pages.
        """
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
        """Returns the id of the new price. `unit_amount` is in minor units. Without an interval it is a one-time price."""
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

    async def update_price(self, price_id: str, *, active: bool) -> None:
        """`active=False` archives the price: nobody can buy it any more, and existing subscriptions continue."""
        await answered(self._v1.prices.update_async(price_id, {"active": active}, self._options()), id_of)

    async def list_prices(
        self, *, created_after_seconds: int, created_before_seconds: int, starting_after: str | None = None
    ) -> tuple[list[tuple[str, Metadata]], bool]:
        """One page of active prices. The arguments and the result are those of `list_products`."""
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
