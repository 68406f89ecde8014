"""Reads the fields of a control of the Clerk stand-in. Errors have Clerk's error shape."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request

from devstack.clerk import errors
from devstack.clerk.config import Instance
from devstack.clerk.stand_in import StandIn
from devstack.kit import controls
from devstack.kit.controls import Refused

Fields = dict[str, Any]


async def fields_of(request: Request) -> Fields:
    """The fields of the query and of the JSON body together. Raises ClerkError 400."""
    try:
        return {**request.query_params, **await controls.fields_of(request)}
    except Refused as error:
        raise errors.malformed_body() from error


def required(fields: Fields, name: str) -> Any:
    """The value of a required field. Raises ClerkError 422."""
    if fields.get(name) in (None, ""):
        raise errors.param_missing(name)
    return fields[name]


def instance_of(stand_in: StandIn, fields: Fields) -> Instance:
    """The instance whose name is in the field `instance`. Raises ClerkError 404 or 422."""
    name = str(required(fields, "instance"))
    instance = stand_in.config.instance(name)
    if instance is None:
        raise errors.not_found("instance", name)
    return instance
