"""`POST /webhook/clerk`: what happened to end users, in the test and in the live instance."""

from __future__ import annotations

from dream.auth.principal import Nobody
from dream.domain.keys import MODES
from dream.http.request import Request
from dream.http.response import Response
from dream.runtime.context import Context
from dream.webhooks.processing import WEBHOOK_CAP_BYTES, Event, process
from dream.webhooks.svix_signature import verified_message
from sign_up.clerk_events import HANDLERS


async def receive(context: Context, request: Request, sender: Nobody) -> Response:
    """The secret that signed the message tells the mode."""
    body = await request.body(WEBHOOK_CAP_BYTES)
    secrets = [context.settings.end_users(mode).webhook_secret for mode in MODES]
    found = verified_message(body, request.headers, secrets)
    livemode = MODES[found.signed_by] == "live"
    event = Event(found.id, "clerk_end_users", found.type, None, livemode, found.created_at, found.data, body.decode())
    return await process(context, event, HANDLERS)
