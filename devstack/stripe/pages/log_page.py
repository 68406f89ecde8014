"""Owns the pages for developers: the start page and the log of webhook deliveries."""

import json

from starlette.requests import Request
from starlette.responses import Response

from devstack.stripe.pages.rendering import page
from devstack.stripe.stand_in import StandIn

SHOWN = 200


async def start(stand_in: StandIn, request: Request) -> Response:
    counts = stand_in.store.rows(
        "SELECT kind, livemode, count(*) AS n FROM objects GROUP BY kind, livemode ORDER BY kind, livemode"
    )
    return page(
        "start.html", config=stand_in.config, now=stand_in.clock.seconds(), offset=stand_in.clock.offset_seconds, counts=counts,
        paused=stand_in.deliveries.paused,
        sessions=stand_in.store.rows(
            "SELECT id, account, livemode, json_extract(data, '$.mode') AS mode, json_extract(data, '$.status') AS status,"
            " json_extract(data, '$.url') AS url FROM objects WHERE kind = 'checkout.session' ORDER BY seq DESC LIMIT 10"
        ),
    )  # fmt: skip


async def deliveries(stand_in: StandIn, request: Request) -> Response:
    return page("deliveries.html", rows=stand_in.deliveries.queue.newest(SHOWN), paused=stand_in.deliveries.paused)


async def delivery(stand_in: StandIn, request: Request) -> Response:
    row = stand_in.deliveries.queue.find(request.path_params["delivery_id"])
    if row is None:
        return page("gone.html", 404, title="Not found", text="This delivery does not exist.")
    event = stand_in.store.row("SELECT data FROM objects WHERE id = ? AND kind = 'event'", row.event_id)
    body = json.dumps(json.loads(event["data"]), indent=2) if event else ""
    return page("delivery.html", row=row, attempts=stand_in.deliveries.queue.attempts(row.id), body=body)
