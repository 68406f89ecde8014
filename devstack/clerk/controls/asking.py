"""Owns how a control of the Clerk stand-in reads its fields. It refuses in Clerk's own error shape."""

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
    """The query and the JSON body together. Raises ClerkError 400."""
    try:
        return {**request.query_params, **await controls.fields_of(request)}
    except Refused as error:
        raise errors.malformed_body() from error


def needed(fields: Fields, name: str) -> Any:
    """A field that must be there. Raises ClerkError 422."""
    if fields.get(name) in (None, ""):
        raise errors.param_missing(name)
    return fields[name]


def instance_of(stand_in: StandIn, fields: Fields) -> Instance:
    """The instance that the field `instance` names. Raises ClerkError 404 or 422."""
    name = str(needed(fields, "instance"))
    instance = stand_in.config.instance(name)
    if instance is None:
        raise errors.not_found("instance", name)
    return instance
