"""Publishable and secret keys: from the header to the project, by way of the isolate's memory, KV and D1.

A record is trusted for 5 s in the isolate and for 50 s after it was read from D1, wherever it lies; so a key that is revoked, or
a platform that stops paying, is refused within the bounds that API users are promised (10 s in one location, 60 s worldwide).
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
    """What is known of one key: its project, until when it works, and when D1 said so (seconds since the epoch)."""

    project: Project
    expires_at: str | None
    read_at: float

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> KeyRecord:
        return cls(Project.from_json(record["project"]), record["expiresAt"], record["readAt"])

    def to_json(self) -> dict[str, Any]:
        return {"project": self.project.to_json(), "expiresAt": self.expires_at, "readAt": self.read_at}

    def is_unpaid(self, now: str) -> bool:
        """Whether this is a live key of a platform that has not paid, its grace time included."""
        until = self.project.live_keys_until
        return self.project.mode == "live" and (until is None or until <= now)

    def require_usable(self, now: str) -> None:
        """Raises Unauthorized after the grace time of a rotated key, PaymentRequired for a live key of an unpaid platform."""
        if self.expires_at is not None and self.expires_at <= now:
            raise Unauthorized("This API key is not valid.", code="invalid_api_key")
        if self.is_unpaid(now):
            raise PaymentRequired("The developer's dream-api subscription has ended; live keys are paused.")


_isolate_records: IsolateCache[KeyRecord] = IsolateCache(size=5_000, ttl_seconds=ISOLATE_TTL_SECONDS)


def bearer(request: Request) -> str | None:
    """What follows `Bearer ` in the Authorization header; None when there is no such header."""
    header = request.headers.get("authorization")
    if header is None:
        return None
    scheme, _, value = header.partition(" ")
    if scheme.lower() != "bearer" or not value.strip():
        raise Unauthorized("The Authorization header must read: Bearer <key or token>.")
    return value.strip()


async def secret_key(context: Context, request: Request) -> ProjectCaller:
    """The credential of routes for the developer's backend."""
    key = bearer(request)
    if key is None:
        raise Unauthorized("A secret key is needed: Authorization: Bearer sk_….")
    if not key.startswith("sk_"):
        raise Unauthorized("This route takes a secret key.", code="invalid_api_key")
    return await caller_of_secret_key(context, key)


async def any_project_key(context: Context, request: Request) -> ProjectCaller:
    """The credential of routes that a secret key or a publishable key may call."""
    key = bearer(request)
    if key is not None and key.startswith("sk_"):
        return await caller_of_secret_key(context, key)
    publishable_key = request.headers.get("x-publishable-key")
    if publishable_key is None:
        raise Unauthorized("A secret key, or a publishable key in X-Publishable-Key, is needed.")
    return replace(await caller_of_publishable_key(context, publishable_key), address=request.address)


async def caller_of_secret_key(context: Context, key: str) -> ProjectCaller:
    """Raises Unauthorized for a key that is unknown, revoked or mistyped, PaymentRequired for an unpaid live one."""
    if not is_well_formed(key, "sk"):
        raise Unauthorized("This API key is not valid.", code="invalid_api_key")
    secret_hash = hash_secret(key)
    record = await _record(context, key_records.secret_key_name(secret_hash), secret_hash)
    return ProjectCaller(record.project, secret_hash)


async def caller_of_publishable_key(context: Context, key: str) -> ProjectCaller:
    """Raises Unauthorized for a key that is unknown or mistyped, PaymentRequired for an unpaid live one."""
    if not is_well_formed(key, "pk"):
        raise Unauthorized("This publishable key is not valid.", code="invalid_api_key")
    record = await _record(context, key_records.publishable_key_name(key), key)
    return ProjectCaller(record.project, None)


def require_same_project(caller: ProjectCaller, request: Request) -> None:
    """A secret key beside a publishable key of another project is a mistake worth naming."""
    named = request.headers.get("x-publishable-key")
    if named is not None and named != caller.project.publishable_key:
        raise BadRequest("The secret key and X-Publishable-Key are of different projects.", code="key_mismatch")


async def require_still_usable(context: Context, publishable_key: str, secret_key_hash: str | None) -> None:
    """Ask D1 itself, whatever is cached. Raises as settling the credential would."""
    if secret_key_hash is None:
        name, looked_up_by = key_records.publishable_key_name(publishable_key), publishable_key
    else:
        name, looked_up_by = key_records.secret_key_name(secret_key_hash), secret_key_hash
    _isolate_records.drop(name)
    await key_records.drop(context.kv, [name])
    record = await _from_d1(context, name, looked_up_by, context.now_seconds())
    record.require_usable(context.now())


async def forget(context: Context, publishable_keys: Sequence[str], secret_key_hashes: Sequence[str]) -> None:
    """Drop these keys from this isolate and from KV. Whoever changes a key, a project or a payment state calls this after D1."""
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
        # What is remembered must not hold up somebody who has just paid.
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
        raise Unauthorized("This API key is not valid.", code="invalid_api_key")
    record = KeyRecord(found.project, found.expires_at, now)
    context.wait_until(key_records.write(context.kv, cache_name, record.to_json()))
    return record
