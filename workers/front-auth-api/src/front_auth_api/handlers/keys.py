"""`POST /projects/rotate-key`, `POST /projects/revoke-key`: replaces and revokes the secret keys of a project."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dream.auth import project_keys
from dream.auth.principal import Developer
from dream.crypto.secret_keys import make_secret_key
from dream.db import api_keys, audit_log
from dream.domain.keys import Mode, is_key_id, key_id
from dream.domain.project_definitions import publishable_key_in
from dream.domain.timestamps import iso
from dream.errors import ConstraintFailed, InvalidFields, NotFound
from dream.http.request import Request
from dream.http.response import Response, json_response
from dream.kv import shown_keys
from dream.runtime import checkpoints
from dream.runtime.context import Context
from front_auth_api.handlers.projects import project_of

MAXIMUM_GRACE_SECONDS = 7 * 24 * 3600
"""How long the old keys may work after a rotation."""


@dataclass(frozen=True, slots=True)
class Rotation:
    """The body of `POST /projects/rotate-key`."""

    publishable_key: str
    grace_period_seconds: int

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Rotation:
        """Raises InvalidFields."""
        problems: dict[str, str] = {}
        publishable_key = publishable_key_in(body, problems)
        grace = body.get("gracePeriodSeconds", 0)
        if isinstance(grace, bool) or not isinstance(grace, int) or not 0 <= grace <= MAXIMUM_GRACE_SECONDS:
            problems["gracePeriodSeconds"] = f"whole seconds from 0 to {MAXIMUM_GRACE_SECONDS}"
        if problems:
            raise InvalidFields(problems)
        return cls(publishable_key, grace)


@dataclass(frozen=True, slots=True)
class Revocation:
    """The body of `POST /projects/revoke-key`. A `key_id` of None names all keys of the project."""

    publishable_key: str
    key_id: str | None

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Revocation:
        """Raises InvalidFields."""
        problems: dict[str, str] = {}
        publishable_key = publishable_key_in(body, problems)
        named = body.get("keyId")
        if named is not None and not (isinstance(named, str) and is_key_id(named)):
            problems["keyId"] = "the id of a key, as GET /projects lists it"
        if problems:
            raise InvalidFields(problems)
        return cls(publishable_key, named)


async def rotate_key(context: Context, request: Request, developer: Developer) -> Response:
    """Creates a secret key. All older keys of the project stop at once, or after the grace period."""
    rotation = Rotation.from_json(await request.json())
    project = await project_of(context, developer, rotation.publishable_key)
    publishable_key, now = rotation.publishable_key, context.now()
    until = iso(context.now_seconds() + rotation.grace_period_seconds)
    new_key = await make_secret_key(context, project.mode)
    details = {
        "keyId": key_id(new_key.secret_hash),
        "secretKeyMasked": new_key.masked,
        "gracePeriodSeconds": rotation.grace_period_seconds,
    }
    audit = audit_log.record(project.platform_id, publishable_key, developer.user_id, "key.rotated", details, now)
    old_keys_end_at = now if rotation.grace_period_seconds == 0 else until
    try:
        old_hashes = await api_keys.rotate(context.db, publishable_key, new_key, old_keys_end_at, audit, now)
    except ConstraintFailed:
        raise NotFound() from None
    await checkpoints.reached("rotate-key:committed")
    await _forget(context, developer, project.mode, publishable_key, old_hashes)
    return json_response(
        {
            "success": True,
            "publishableKey": publishable_key,
            "secretKey": new_key.plain,
            "keyId": key_id(new_key.secret_hash),
            "mode": project.mode,
            "gracePeriodSeconds": rotation.grace_period_seconds,
            "previousKeysExpireAt": until,
        }
    )


async def revoke_key(context: Context, request: Request, developer: Developer) -> Response:
    """Revokes the named key, or all keys of the project, at once."""
    revocation = Revocation.from_json(await request.json())
    project = await project_of(context, developer, revocation.publishable_key)
    publishable_key, now = revocation.publishable_key, context.now()
    details = {"keyId": revocation.key_id or "all"}
    audit = audit_log.record(project.platform_id, publishable_key, developer.user_id, "key.revoked", details, now)
    revoked = await api_keys.revoke(context.db, publishable_key, revocation.key_id, audit, now)
    if revocation.key_id is not None and not revoked:
        raise NotFound("This project has no working key with that id. GET /projects lists its keys.")
    await checkpoints.reached("revoke-key:committed")
    await _forget(context, developer, project.mode, publishable_key, [key.secret_key_hash for key in revoked])
    revoked_json = [{"id": key_id(key.secret_key_hash), "secretKeyMasked": key.masked} for key in revoked]
    return json_response({"success": True, "publishableKey": publishable_key, "revoked": revoked_json})


async def _forget(
    context: Context, developer: Developer, mode: Mode, publishable_key: str, secret_key_hashes: Sequence[str]
) -> None:
    """Deletes the keys from the caches. Comes after the commit in D1."""
    await project_keys.forget(context, [publishable_key], secret_key_hashes)
    await shown_keys.drop(context.kv, developer.user_id, mode)
