"""Owns the pages for the person at the laptop: the start page and the log of deliveries."""

import json

from starlette.requests import Request
from starlette.responses import Response

from devstack.stripe.pages.rendering import page
from devstack.stripe.standin import StandIn

SHOWN = 200


async def start(standin: StandIn, request: Request) -> Response:
    counts = standin.store.rows(
        "SELECT kind, livemode, count(*) AS n FROM objects GROUP BY kind, livemode ORDER BY kind, livemode"
    )
    return page(
        "start.html", config=standin.config, now=standin.clock.now(), offset=standin.clock.offset, counts=counts,
        paused=standin.dispatcher.paused,
        sessions=standin.store.rows(
            "SELECT id, account, livemode, json_extract(data, '$.mode') AS mode, json_extract(data, '$.status') AS status,"
            " json_extract(data, '$.url') AS url FROM objects WHERE kind = 'checkout.session' ORDER BY seq DESC LIMIT 10"
        ),
    )  # fmt: skip


async def deliveries(standin: StandIn, request: Request) -> Response:
    rows = standin.store.rows("SELECT * FROM deliveries ORDER BY id DESC LIMIT ?", SHOWN)
    return page("deliveries.html", rows=rows, paused=standin.dispatcher.paused)


async def delivery(standin: StandIn, request: Request) -> Response:
    row = standin.store.row("SELECT * FROM deliveries WHERE id = ?", request.path_params["delivery_id"])
    if row is None:
        return page("gone.html", 404, title="Nothing here", text="There is no such delivery.")
    event = standin.store.row("SELECT data FROM objects WHERE id = ? AND kind = 'event'", row["event_id"])
    attempts = standin.store.rows("SELECT * FROM attempts WHERE delivery_id = ? ORDER BY at", row["id"])
    body = json.dumps(json.loads(event["data"]), indent=2) if event else ""
    return page("delivery.html", row=row, attempts=attempts, body=body)
