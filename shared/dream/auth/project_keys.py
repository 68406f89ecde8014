"""Publishable and secret keys: from the request header to the project.

A key is looked up in three places: in the memory of the isolate, in KV, and in D1. A record is trusted for 5 s in the isolate, and
for 50 s after it was read from D1, wherever it is stored. So a revoked key, or the live key of a platform that stopped paying, is
refused in time: the API promises 10 s in one location and 60 s worldwide.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from dream.auth.principal import ProjectCaller
from dream.db import api_keys
from dream.domain.keys import hash_secret, is_well_formed
from dream.domain.project import Project
from dream.domain.timestamps import iso
from dream.errors import BadRequest, PaymentRequired, Unauthorized
from dream.http.request import Request
from dream.kv import key_records
from dream.runtime.context import Context
from dream.runtime.isolate_cache import IsolateCache

ISOLATE_TTL_SECONDS = 5.0
RECORD_TTL_SECONDS = 50.0


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """What D1 says about one key.

    `expires_at` is set on a rotated secret key (ISO 8601 UTC). `read_at` is when D1 was asked (seconds since the epoch).
    """

    project: Project
    expires_at: str | None
    read_at: float

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> KeyRecord:
        return cls(Project.from_json(record["project"]), record["expiresAt"], record["readAt"])

    def to_json(self) -> dict[str, Any]:
        return {"project": self.project.to_json(), "expiresAt": self.expires_at, "readAt": self.read_at}

    def is_unpaid(self, now: str) -> bool:
        """Whether this is a live key of a platform that has not paid, and whose grace time is over."""
        until = self.project.live_keys_until
        return self.project.mode == "live" and (until is None or until <= now)

    def require_usable(self, now: str) -> None:
        """Raises Unauthorized for a rotated key whose grace time is over, and PaymentRequired for a live key that is unpaid."""
        if self.expires_at is not None and self.expires_at <= now:
            raise Unauthorized("This API key is not valid. Copy the key from the dashboard.", code="invalid_api_key")
        if self.is_unpaid(now):
            raise PaymentRequired(
                "Live keys are paused, because the developer's dream-api subscription has ended. Subscribe in the dashboard."
            )


_isolate_records: IsolateCache[KeyRecord] = IsolateCache(size=5_000, ttl_seconds=ISOLATE_TTL_SECONDS)


def bearer(request: Request) -> str | None:
    """The key or token in the header `Authorization: Bearer …`. None if there is no such header; Unauthorized if it is malformed."""
    header = request.headers.get("authorization")
    if header is None:
        return None
    scheme, _, value = header.partition(" ")
    if scheme.lower() != "bearer" or not value.strip():
        raise Unauthorized("The Authorization header must read: Bearer <key or token>.")
    return value.strip()


async def secret_key(context: Context, request: Request) -> ProjectCaller:
    """The credential of routes that only the developer's backend may call: a secret key."""
    key = bearer(request)
    if key is None:
        raise Unauthorized("Send a secret key: Authorization: Bearer sk_….")
    if not key.startswith("sk_"):
        raise Unauthorized("This route needs a secret key, which starts with sk_.", code="invalid_api_key")
    return await caller_of_secret_key(context, key)


async def any_project_key(context: Context, request: Request) -> ProjectCaller:
    """The credential of routes that accept a secret key or a publishable key."""
    key = bearer(request)
    if key is not None and key.startswith("sk_"):
        return await caller_of_secret_key(context, key)
    publishable_key = request.headers.get("x-publishable-key")
    if publishable_key is None:
        raise Unauthorized("Send a secret key in Authorization, or a publishable key in X-Publishable-Key.")
    return replace(await caller_of_publishable_key(context, publishable_key), address=request.address)


async def caller_of_secret_key(context: Context, key: str) -> ProjectCaller:
    """Raises Unauthorized if the key is unknown, revoked or mistyped, and PaymentRequired if it is an unpaid live key."""
    if not is_well_formed(key, "sk"):
        raise Unauthorized("This API key is not valid. Copy the key from the dashboard.", code="invalid_api_key")
    secret_hash = hash_secret(key)
    record = await _record(context, key_records.secret_key_name(secret_hash), secret_hash)
    return ProjectCaller(record.project, secret_hash)


async def caller_of_publishable_key(context: Context, key: str) -> ProjectCaller:
    """Raises Unauthorized if the key is unknown or mistyped, and PaymentRequired if it is an unpaid live key."""
    if not is_well_formed(key, "pk"):
        raise Unauthorized(
            "This publishable key is not valid. Copy the key from the dashboard.", code="invalid_api_key"
        )
    record = await _record(context, key_records.publishable_key_name(key), key)
    return ProjectCaller(record.project, None)


def require_same_project(caller: ProjectCaller, request: Request) -> None:
    """Raises BadRequest if the request also has a publishable key, and that key belongs to another project."""
    publishable_key = request.headers.get("x-publishable-key")
    if publishable_key is not None and publishable_key != caller.project.publishable_key:
        raise BadRequest(
            "The secret key and X-Publishable-Key belong to different projects. Send keys of one project.",
            code="key_mismatch",
        )


async def require_still_usable(context: Context, publishable_key: str, secret_key_hash: str | None) -> None:
    """Reads the key from D1, even if it is cached. Raises Unauthorized or PaymentRequired as the credential does."""
    if secret_key_hash is None:
        name, looked_up_by = key_records.publishable_key_name(publishable_key), publishable_key
    else:
        name, looked_up_by = key_records.secret_key_name(secret_key_hash), secret_key_hash
    _isolate_records.drop(name)
    await key_records.drop(context.kv, [name])
    record = await _from_d1(context, name, looked_up_by, context.now_seconds())
    record.require_usable(context.now())


async def forget(context: Context, publishable_keys: Sequence[str], secret_key_hashes: Sequence[str]) -> None:
    """Removes these keys from the memory of this isolate and from KV.

    Call it after D1 was changed, whenever a key, a project or the payment state of a platform changes.
    """
    names = [key_records.publishable_key_name(key) for key in publishable_keys]
    names += [key_records.secret_key_name(secret_hash) for secret_hash in secret_key_hashes]
    for name in names:
        _isolate_records.drop(name)
    await key_records.drop(context.kv, names)


async def _record(context: Context, cache_name: str, looked_up_by: str) -> KeyRecord:
    now = context.now_seconds()
    record = _isolate_records.get(cache_name)
    if record is None:
        record = await _from_kv(context, cache_name, now) or await _from_d1(context, cache_name, looked_up_by, now)
        _isolate_records.put(cache_name, record, record.read_at + RECORD_TTL_SECONDS - now)
    moment = iso(now)
    if record.is_unpaid(moment) and record.read_at < now:
        # A cached record must not keep out a developer who has just paid.
        record = await _from_d1(context, cache_name, looked_up_by, now)
        _isolate_records.put(cache_name, record)
    record.require_usable(moment)
    return record


async def _from_kv(context: Context, cache_name: str, now: float) -> KeyRecord | None:
    found = await key_records.read(context.kv, cache_name)
    if found is None:
        return None
    record = KeyRecord.from_json(found)
    return record if 0 <= now - record.read_at < RECORD_TTL_SECONDS else None


async def _from_d1(context: Context, cache_name: str, looked_up_by: str, now: float) -> KeyRecord:
    if looked_up_by.startswith("pk_"):
        found = await api_keys.find_by_publishable_key(context.db, looked_up_by)
    else:
        found = await api_keys.use_by_secret_key_hash(context.db, looked_up_by, iso(now))
    if found is None:
        raise Unauthorized("This API key is not valid. Copy the key from the dashboard.", code="invalid_api_key")
    record = KeyRecord(found.project, found.expires_at, now)
    context.wait_until(key_records.write(context.kv, cache_name, record.to_json()))
    return record
