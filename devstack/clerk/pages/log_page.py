"""Owns the pages for developers: the start page and the log of webhook deliveries."""

from starlette.requests import Request
from starlette.responses import Response

from devstack.clerk.pages.rendering import page
from devstack.clerk.stand_in import StandIn

SHOWN = 200


async def start(stand_in: StandIn, request: Request) -> Response:
    return page("index.html", instances=stand_in.config.instances)


async def deliveries(stand_in: StandIn, request: Request) -> Response:
    rows = [
        {
            "row": delivery,
            "event": stand_in.webhooks.event(delivery),
            "attempts": stand_in.deliveries.queue.attempts(delivery.id),
        }
        for delivery in stand_in.deliveries.queue.newest(SHOWN)
    ]
    return page("deliveries.html", deliveries=rows)
