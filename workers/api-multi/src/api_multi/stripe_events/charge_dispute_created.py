"""`charge.dispute.created`: the buyer's bank disputes a payment. The order becomes `disputed`; its stock stays sold."""

from __future__ import annotations

from api_multi.stripe_events import cart_checkout
from api_multi.stripe_events.charges import charge_of_event
from dream.runtime.context import Context
from dream.webhooks.processing import Event, Handled, ignored


async def disputed(context: Context, event: Event) -> Handled:
    """Settles the order of the disputed charge."""
    found = await charge_of_event(context, event, event.object["charge"])
    if isinstance(found, Handled):
        return found
    _, charge = found
    if "orderId" not in charge.metadata:
        return ignored("not a charge of an order")
    return await cart_checkout.settle_order(context, event, charge.metadata)
