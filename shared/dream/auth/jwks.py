"""The key set (JWKS) of each Clerk instance, as the isolate remembers it: which key a `kid` names, and when to fetch the set again.

Every look-up names the instance. A `kid` alone is not enough: it is a label that the sender of a token chooses.
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
"""A set is not fetched again so soon for a `kid` that it lacks, because anybody can send any `kid`."""
FAILURE_COOL_DOWN_SECONDS = 2.0
"""A set is not fetched again so soon after a fetch that failed."""
TIMEOUT_SECONDS = 5.0
MAXIMUM_KEYS = 20


@dataclass(slots=True)
class _KeySet:
    keys: dict[str, RsaPublicKey] = field(default_factory=dict[str, RsaPublicKey])
    fetched_at: float = float("-inf")
    tried_at: float = float("-inf")
    failed: bool = False

    def is_cooling_down(self, now: float) -> bool:
        return now - self.tried_at < (FAILURE_COOL_DOWN_SECONDS if self.failed else COOL_DOWN_SECONDS)


class KeySets:
    """One key set for each Clerk instance of the settings. `clock` returns seconds since the epoch."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._sets: dict[tuple[str, str], _KeySet] = {}
        self._configured: dict[str, RsaPublicKey] = {}

    async def key(self, context: Context, instance: ClerkInstance, kid: str | None) -> RsaPublicKey:
        """The instance's key with this id. If the settings have a PEM key, it is that key for every id.

        Raises Unauthorized if the instance has no such key, and Unavailable if its keys cannot be fetched.
        """
        if instance.jwt_key:
            return self._from_settings(instance)
        if not instance.issuer:
            raise Unavailable(reason=f"the setting CLERK_{instance.name}_ISSUER is not set")
        if kid is None:
            raise _unknown_key("the token has no kid")
        key_set = self._sets.setdefault((instance.name, instance.issuer), _KeySet())
        now = self._clock()
        is_fresh = now - key_set.fetched_at < TTL_SECONDS
        if is_fresh and kid in key_set.keys:
            return key_set.keys[kid]
        if key_set.is_cooling_down(now):
            if key_set.failed:
                raise Unavailable(code="token_keys_unavailable", reason="the last fetch of the key set failed")
            if is_fresh:
                raise _unknown_key("the key set has no such kid")
        await self._refresh(context, instance, key_set)
        if kid not in key_set.keys:
            raise _unknown_key("the key set has no such kid")
        return key_set.keys[kid]

    async def _refresh(self, context: Context, instance: ClerkInstance, key_set: _KeySet) -> None:
        key_set.tried_at = self._clock()
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
    """Fetches the keys of the instance that may sign RS256 tokens, by id. Raises Unavailable."""
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
    return Unauthorized(
        "The session token is not valid. Sign in again to get a new one.", code="invalid_token", reason=reason
    )


def _unavailable(instance: ClerkInstance, reason: str) -> Unavailable:
    return Unavailable(code="token_keys_unavailable", reason=f"JWKS of {instance.name}: {reason}")
