"""The key set of each Clerk instance, kept by the isolate: which key a `kid` names, and when the set may be asked for again.

A set belongs to one instance and is never looked up by `kid` alone, for a `kid` is only a label that anybody may choose.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, cast

from dream.crypto.rs256 import RS256, RsaPublicKey, UnusableKey
from dream.errors import Unauthorized, Unavailable
from dream.runtime.bindings import VendorUnreachable
from dream.runtime.context import Context
from dream.runtime.settings import ClerkInstance

TTL_SECONDS = 300.0
COOL_DOWN_SECONDS = 60.0
"""A set that was just fetched is not fetched again for a `kid` that it lacks: anybody can send those."""
FAILURE_COOL_DOWN_SECONDS = 2.0
TIMEOUT_SECONDS = 5.0
MAXIMUM_KEYS = 20


@dataclass(slots=True)
class _KeySet:
    keys: dict[str, RsaPublicKey] = field(default_factory=dict[str, RsaPublicKey])
    fetched_at: float = float("-inf")
    asked_at: float = float("-inf")
    failed: bool = False

    def is_cooling_down(self, now: float) -> bool:
        return now - self.asked_at < (FAILURE_COOL_DOWN_SECONDS if self.failed else COOL_DOWN_SECONDS)


class KeySets:
    """One key set per instance; there are as many as the settings name. `clock` returns seconds."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._sets: dict[tuple[str, str], _KeySet] = {}
        self._configured: dict[str, RsaPublicKey] = {}

    async def key(self, context: Context, instance: ClerkInstance, kid: str | None) -> RsaPublicKey:
        """The instance's key of that id; with a configured PEM, that key whatever the id.

        Raises Unauthorized for an id that the instance does not have, Unavailable when its keys can't be had.
        """
        if instance.jwt_key:
            return self._from_settings(instance)
        if not instance.issuer:
            raise Unavailable(reason=f"CLERK_{instance.name}_ISSUER is not set")
        if kid is None:
            raise _unknown_key("no kid")
        key_set = self._sets.setdefault((instance.name, instance.issuer), _KeySet())
        now = self._clock()
        is_fresh = now - key_set.fetched_at < TTL_SECONDS
        if is_fresh and kid in key_set.keys:
            return key_set.keys[kid]
        if key_set.is_cooling_down(now):
            if key_set.failed:
                raise Unavailable(code="token_keys_unavailable", reason="the key set could not be had just now")
            if is_fresh:
                raise _unknown_key("unknown kid")
        await self._refresh(context, instance, key_set)
        if kid not in key_set.keys:
            raise _unknown_key("unknown kid")
        return key_set.keys[kid]

    async def _refresh(self, context: Context, instance: ClerkInstance, key_set: _KeySet) -> None:
        key_set.asked_at = self._clock()
        try:
            key_set.keys = await _fetched(context, instance)
        except Unavailable:
            key_set.failed = True
            raise
        key_set.failed = False
        key_set.fetched_at = self._clock()

    def _from_settings(self, instance: ClerkInstance) -> RsaPublicKey:
        key = self._configured.get(instance.jwt_key)
        if key is None:
            try:
                key = RsaPublicKey.from_pem(instance.jwt_key)
            except UnusableKey as error:
                raise Unavailable(reason=f"CLERK_{instance.name}_JWT_KEY: {error}") from error
            self._configured[instance.jwt_key] = key
        return key


async def _fetched(context: Context, instance: ClerkInstance) -> dict[str, RsaPublicKey]:
    """The instance's keys that RS256 tokens may be signed with, by id. Raises Unavailable."""
    try:
        answer = await context.fetch("GET", instance.jwks_url, timeout_seconds=TIMEOUT_SECONDS)
    except VendorUnreachable as error:
        raise _unavailable(instance, str(error)) from None
    if answer.status != 200:
        raise _unavailable(instance, f"status {answer.status}")
    try:
        listed: Any = json.loads(answer.body)["keys"]
        return dict(_usable(cast("list[dict[str, Any]]", listed)))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise _unavailable(instance, f"not a key set: {error!r}") from None


def _usable(listed: list[dict[str, Any]]) -> Iterator[tuple[str, RsaPublicKey]]:
    for jwk in listed[:MAXIMUM_KEYS]:
        kid = jwk.get("kid")
        try:
            key = RS256.from_jwk(jwk)
        except UnusableKey:
            continue
        if isinstance(kid, str):
            yield kid, key


def _unknown_key(reason: str) -> Unauthorized:
    return Unauthorized("The session token is not valid.", code="invalid_token", reason=reason)


def _unavailable(instance: ClerkInstance, reason: str) -> Unavailable:
    return Unavailable(code="token_keys_unavailable", reason=f"JWKS of {instance.name}: {reason}")
