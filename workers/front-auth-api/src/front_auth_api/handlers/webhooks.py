"""`POST /webhook/stripe`: events of dream-api's own Stripe account, which developers pay.

`POST /webhook/clerk`: events of the developers' Clerk instance.
"""

from __future__ import annotations

import time

from dream.auth.principal import Nobody
from dream.http.request import Request
from dream.http.response import Response
from dream.runtime.context import Context
from dream.webhooks.processing import WEBHOOK_CAP_BYTES, Event, Handled, process, rejected
from dream.webhooks.stripe_signature import SigningSecret, verified_event
from dream.webhooks.svix_signature import verified_message
from front_auth_api.clerk_events import HANDLERS as CLERK_HANDLERS
from front_auth_api.stripe_events import HANDLERS as STRIPE_HANDLERS


async def stripe(context: Context, request: Request, sender: Nobody) -> Response:
    """Events about what developers pay to dream-api. Rejects events of another account or mode."""
    body = await request.body(WEBHOOK_CAP_BYTES)
    secret = SigningSecret(context.settings.text("STRIPE_WEBHOOK_SECRET_PLATFORM"), None)
    found = verified_event(body, request.headers.get("stripe-signature"), [secret], time.time())
    event = Event(
        found.id,
        "stripe_platform",
        found.type,
        found.account,
        found.livemode,
        found.created,
        found.object,
        body.decode(),
    )
    is_own = found.account is None and found.livemode == (context.settings.platform_stripe_mode == "live")
    return await process(context, event, STRIPE_HANDLERS if is_own else {event.type: _reject})


async def clerk(context: Context, request: Request, sender: Nobody) -> Response:
    """Events about developers' users at Clerk."""
    body = await request.body(WEBHOOK_CAP_BYTES)
    secret = context.settings.clerk("DEVELOPERS").webhook_secret
    found = verified_message(body, request.headers, [secret])
    event = Event(found.id, "clerk_developers", found.type, None, None, found.created_at, found.data, body.decode())
    return await process(context, event, CLERK_HANDLERS)


async def _reject(context: Context, event: Event) -> Handled:
    return rejected("an event of another Stripe account or mode")
