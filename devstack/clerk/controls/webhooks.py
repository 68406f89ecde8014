"""Owns the controls of webhooks: lists deliveries, and drops, duplicates, resends or sends events."""

from __future__ import annotations

from typing import cast

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from devstack.clerk import errors
from devstack.clerk.controls.requests import Fields, fields_of, instance_of, required
from devstack.clerk.stand_in import StandIn
from devstack.clerk.store import Document
from devstack.kit.delivery_queue import Delivery

DEFAULT_IDLE_SECONDS = 10.0
LISTED = 100_000
_WAITING = ("new", "queued")
_ID_PREFIX = "atmpt_"


async def show(stand_in: StandIn, request: Request) -> Response:
    """The deliveries, oldest first. `?instance=`, `?type=` and `?status=` filter them."""
    query = request.query_params
    columns = {"instance": "account", "type": "event_type"}
    equals = {columns[name]: value for name, value in query.items() if name in columns}
    found = [_shown(stand_in, delivery) for delivery in reversed(stand_in.deliveries.queue.newest(LISTED, **equals))]
    if "status" in query:
        found = [delivery for delivery in found if delivery["status"] == query["status"]]
    return JSONResponse({"paused": stand_in.deliveries.paused, "deliveries": found})


def _shown(stand_in: StandIn, delivery: Delivery) -> Document:
    attempts = stand_in.deliveries.queue.attempts(delivery.id)
    return {
        "id": f"{_ID_PREFIX}{delivery.id:027d}",
        "instance": delivery.account,
        "message_id": delivery.event_id,
        "type": delivery.event_type,
        "url": delivery.url,
        "event": stand_in.webhooks.event(delivery),
        "status": "pending" if delivery.state in _WAITING else delivery.state,
        "attempts": [
            {"at": int(attempt.at), "status_code": attempt.status, "answer": attempt.error or attempt.answer}
            for attempt in attempts
        ],
        "next_attempt_at": delivery.due,
    }


async def clear(stand_in: StandIn, request: Request) -> Response:
    stand_in.webhooks.clear()
    return await show(stand_in, request)


async def idle(stand_in: StandIn, request: Request) -> Response:
    """Waits until nothing is left to send, `timeoutSeconds` at most; then answers 504. A pause does not end the wait."""
    timeout = float((await fields_of(request)).get("timeoutSeconds", DEFAULT_IDLE_SECONDS))
    is_idle = await stand_in.deliveries.idle(timeout, pause_is_idle=False)
    return JSONResponse({"idle": is_idle}, 200 if is_idle else 504)


async def drop(stand_in: StandIn, request: Request) -> Response:
    """Makes the next `times` events be recorded, but not sent."""
    stand_in.webhooks.drop_next = int((await fields_of(request)).get("times", 1))
    return JSONResponse({"dropNext": stand_in.webhooks.drop_next})


async def duplicate(stand_in: StandIn, request: Request) -> Response:
    """Makes the next `times` events be sent twice."""
    stand_in.webhooks.duplicate_next = int((await fields_of(request)).get("times", 1))
    return JSONResponse({"duplicateNext": stand_in.webhooks.duplicate_next})


async def resend(stand_in: StandIn, request: Request) -> Response:
    """Sends the message of the delivery `id` again, with the same `svix-id`."""
    delivery_id = str(required(await fields_of(request), "id"))
    number = delivery_id.removeprefix(_ID_PREFIX)
    delivery = stand_in.deliveries.queue.find(int(number)) if number.isdecimal() else None
    made = stand_in.deliveries.queue.find(stand_in.deliveries.resend(delivery)) if delivery else None
    if made is None:
        raise errors.not_found("delivery", delivery_id)
    return JSONResponse(_shown(stand_in, made))


async def send(stand_in: StandIn, request: Request) -> Response:
    """Sends an event with this `type` and `data` to the webhook of `instance`, signed."""
    fields = await fields_of(request)
    data = cast("Fields", required(fields, "data"))
    stand_in.webhooks.emit(instance_of(stand_in, fields), str(required(fields, "type")), data)
    return JSONResponse({"sent": True})
