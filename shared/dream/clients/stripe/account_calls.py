"""What every group of calls on a Stripe account shares: the client, the account, and the request options."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, TypeAlias

from stripe import StripeClient

if TYPE_CHECKING:
    from stripe import RequestOptions

Metadata: TypeAlias = Mapping[str, str]


class AccountCalls:
    """Calls on one Stripe account, in one mode. `account_id` is a connected account, or None for dream-api's own."""

    def __init__(self, client: StripeClient, account_id: str | None) -> None:
        self._v1 = client.v1
        self._account_id = account_id

    def _options(self, idempotency_key: str | None = None) -> RequestOptions:
        return {"stripe_account": self._account_id, "idempotency_key": idempotency_key}
