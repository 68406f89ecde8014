"""Owns how a control is asked and refused: a JSON object in, a sentence with 400 when it cannot be done."""

import json
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from devstack.stripe.errors import StripeFault
from devstack.stripe.jsontypes import Json
from devstack.stripe.stand_in import StandIn
from devstack.stripe.store import Tenant


class Refused(Exception):
    """A control that was asked for something impossible: 400 with a sentence."""


async def body_of(request: Request) -> Json:
    raw = await request.body()
    try:
        value: Any = json.loads(raw or b"{}")
    except ValueError:
        raise Refused("The body must be JSON.") from None
    if not isinstance(value, dict):
        raise Refused("The body must be a JSON object.")
    return value  # pyright: ignore[reportUnknownVariableType]


def tenant_of(stand_in: StandIn, object_id: str) -> Tenant:
    tenant = stand_in.store.tenant_of(object_id)
    if tenant is None:
        raise Refused(f"There is no {object_id}.")
    return tenant


def refused(exc: Exception) -> Response:
    message = exc.message if isinstance(exc, StripeFault) else str(exc)
    return JSONResponse({"error": message}, 400)
