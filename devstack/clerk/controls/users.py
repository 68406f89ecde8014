"""Owns the controls that create users and tokens and set the status of sessions, without Clerk's checks."""

from __future__ import annotations

from typing import cast

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from devstack.clerk.config import Instance
from devstack.clerk.controls.requests import Fields, fields_of, instance_of, required
from devstack.clerk.stand_in import StandIn
from devstack.clerk.store import Document

# Field of the control -> Clerk's field.
_USER_FIELDS = {
    "password": "password",
    "firstName": "first_name",
    "lastName": "last_name",
    "publicMetadata": "public_metadata",
    "privateMetadata": "private_metadata",
}


async def create_user(stand_in: StandIn, request: Request) -> Response:
    """Creates a user of `instance` with `email`, and optionally `password`, `firstName`, `lastName` and metadata.

    If a user with `userId` exists already, the call changes nothing and answers that user.
    """
    fields = await fields_of(request)
    instance, user_id = instance_of(stand_in, fields), fields.get("userId")
    existing = stand_in.users.find(instance, user_id) if user_id else None
    if existing is not None:
        return JSONResponse(existing)
    wanted: Fields = {
        "email_address": [required(fields, "email")],
        "skip_password_requirement": True,
        "skip_password_checks": True,
    }
    wanted |= {clerk_name: fields[name] for name, clerk_name in _USER_FIELDS.items() if fields.get(name) is not None}
    return JSONResponse(stand_in.users.create(instance, wanted, user_id=user_id))


async def mint_token(stand_in: StandIn, request: Request) -> Response:
    """Makes a session token, or with `template` a template token, for `sessionId` or for `userId`.

    `claims` replace claims (null removes one), and `headers` replace headers. `expiresIn` is in seconds. `signedBy` is the
    instance whose key signs, for tests with tokens that must be refused.
    """
    fields = await fields_of(request)
    instance = instance_of(stand_in, fields)
    session = _session_for(stand_in, instance, fields)
    seconds = fields.get("expiresIn")
    azp = fields.get("azp")
    if fields.get("template"):
        claims = stand_in.tokens.template_claims(instance, session, str(fields["template"]), azp=azp, seconds=seconds)
    else:
        claims = stand_in.tokens.session_claims(instance, session, azp=azp, seconds=seconds)
    if seconds is not None:
        claims["exp"] = claims["iat"] + seconds
    for name, value in cast("Fields", fields.get("claims") or {}).items():
        if value is None:
            claims.pop(name, None)
        else:
            claims[name] = value
    signer = instance_of(stand_in, {"instance": fields["signedBy"]}) if fields.get("signedBy") else instance
    token = stand_in.keys.sign(signer, claims, cast("Fields", fields.get("headers") or {}))
    minted = {"sessionId": session["id"], "userId": session["user_id"], "claims": claims}
    return JSONResponse({"token": token, "jwt": token, **minted})


def _session_for(stand_in: StandIn, instance: Instance, fields: Fields) -> Document:
    if fields.get("sessionId"):
        return stand_in.sessions.get(instance, str(fields["sessionId"]))
    user_id = str(required(fields, "userId"))
    active = stand_in.sessions.of_user(instance, user_id, status="active")
    return active[0] if active else stand_in.sessions.create(instance, user_id)


async def set_session_status(stand_in: StandIn, request: Request) -> Response:
    """Sets the `status` of `sessionId`, for example to `pending`."""
    fields = await fields_of(request)
    instance = instance_of(stand_in, fields)
    session = stand_in.sessions.get(instance, str(required(fields, "sessionId")))
    return JSONResponse(stand_in.sessions.set_status(instance, session, str(required(fields, "status"))))
