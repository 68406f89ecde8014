"""`customer.subscription.*`: the platform's payment state follows Stripe's subscription, whichever of them came."""

from __future__ import annotations

from collections.abc import Sequence

from dream.runtime.bindings import Bound
from dream.runtime.context import Context
from dream.webhooks.processing import Event, Handled, ignored
from front_auth_api.services import platform_sync
from front_auth_api.services.platform_sync import Reading


async def changed(context: Context, event: Event) -> Handled:
    """Store the subscription as it is now."""
    reading = await platform_sync.read(context, event.object["id"])
    return stored(context, reading)


def stored(context: Context, reading: Reading | None, further: Sequence[Bound] = ()) -> Handled:
    """What a reading comes to, with further statements about the same platform."""
    if reading is None:
        return ignored("not a platform's subscription")
    platform_id = reading.platform.platform_id

    async def afterwards() -> None:
        await platform_sync.made_known(context, platform_id)

    return Handled([*platform_sync.statements(context, reading), *further], afterwards=afterwards)
