"""`GET /api/orders` and `GET /api/cart/orders/:id`: the orders of a store, for the developer's backend."""

from __future__ import annotations

from dream.auth.principal import ProjectCaller
from dream.db import orders as order_rows
from dream.domain.cursors import cursor_after, limit_of, place_of
from dream.domain.orders import status_of
from dream.errors import NotFound
from dream.http.request import Request
from dream.http.response import Response, json_response
from dream.runtime.context import Context


async def list_orders(context: Context, request: Request, caller: ProjectCaller) -> Response:
    """One page, the newest first. With `status`, only orders of that status."""
    limit = limit_of(request.query)
    before = place_of(request.query)
    status = status_of(request.query.get("status"))
    found = await order_rows.read_page(context.db, caller.project.publishable_key, status, before, limit + 1)
    shown = found[:limit]
    next_cursor = cursor_after(shown[-1].created_at, shown[-1].id) if len(found) > limit else None
    return json_response({"orders": [order.to_json() for order in shown], "nextCursor": next_cursor})


async def read_order(context: Context, request: Request, caller: ProjectCaller) -> Response:
    """The order with that id, or with that checkout session."""
    order = await order_rows.find(context.db, caller.project.publishable_key, request.params["id"])
    if order is None:
        raise NotFound()
    shown = order.to_json()
    return json_response({**shown, "order": shown})
