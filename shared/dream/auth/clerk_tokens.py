"""Clerk session tokens: from the text of a JWT to verified claims, in small steps that each refuse.

PyJWT takes the token apart and verifies the signature. The policy is ours: which key, which issuer, which party, and our clock.
Checks follow https://clerk.com/docs/guides/sessions/manual-jwt-verification and RFC 8725. Claims say who the user is;
`developer` and `end_user` decide what the user may do.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from jwt import PyJWS, PyJWTError

from dream.auth.jwks import TTL_SECONDS as KEYS_TTL_SECONDS
from dream.auth.jwks import KeySets
from dream.crypto.rs256 import RS256, RsaPublicKey, base64url_decode
from dream.domain.json_text import parse_json
from dream.errors import Unauthorized
from dream.runtime.context import Context
from dream.runtime.isolate_cache import IsolateCache
from dream.runtime.settings import ClerkInstance

MAXIMUM_LENGTH = 8 * 1024
MAXIMUM_HEADER_LENGTH = 1024
"""Of the first segment, which is decoded before the signature is known."""
SKEW_SECONDS = 5.0
MAXIMUM_AGE_SECONDS = 30 * 24 * 3600.0
"""A token is refused when it is older, however long its JWT template lets it live: deletions are remembered for this long."""
MAXIMUM_USER_ID_LENGTH = 128
LATEST_SECONDS = 1e12

_COMPACT = re.compile(r"([A-Za-z0-9_-]+)\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+", re.ASCII)
"""A JWS in the compact serialization (RFC 7515, section 7.1). PyJWT also accepts padding; then one token has several spellings."""

_jws = PyJWS(algorithms=[])
_jws.register_algorithm("RS256", RS256())

_key_sets = KeySets()
# A verified token is remembered until it expires, but no longer than a key set is trusted.
_verified: IsolateCache[Claims] = IsolateCache(size=5_000, ttl_seconds=KEYS_TTL_SECONDS)


@dataclass(frozen=True, slots=True)
class Claims:
    """What a verified token says. `expires_at` and `not_before` are seconds since the epoch."""

    user_id: str
    session_id: str | None
    email: str | None
    publishable_key: str | None
    """The project that the user's metadata name."""
    is_impersonated: bool
    not_before: float
    expires_at: float

    def require_current(self, now_seconds: float) -> None:
        """Raises Unauthorized before and after the token's time, give or take the skew."""
        if now_seconds >= min(self.expires_at, self.not_before + MAXIMUM_AGE_SECONDS) + SKEW_SECONDS:
            raise Unauthorized("The session token has expired.", code="token_expired")
        if now_seconds < self.not_before - SKEW_SECONDS:
            raise _invalid("not valid yet")


async def verified_claims(context: Context, instance: ClerkInstance, token: str) -> Claims:
    """The claims of a token of this instance. Raises Unauthorized, or Unavailable when the instance's keys can't be had."""
    claims = remembered_claims(context, instance, token)
    if claims is not None:
        return claims
    header = _header(token)
    _check_header(header)
    key = await _key_sets.key(context, instance, _text(header.get("kid")))
    payload = _json_object(_verified_payload(token, key))
    _check_issuer(payload, instance)
    claims = _claims(payload)
    now = context.now_seconds()
    claims.require_current(now)
    _verified.put(_cache_key(instance, token), claims, claims.expires_at - now)
    return claims


def remembered_claims(context: Context, instance: ClerkInstance, token: str) -> Claims | None:
    """The claims, if this isolate has verified the token before; costs one hash. Raises Unauthorized when it has expired."""
    if len(token) > MAXIMUM_LENGTH or not token.isascii():
        raise _invalid("too long, or not ASCII")
    claims = _verified.get(_cache_key(instance, token))
    if claims is not None:
        claims.require_current(context.now_seconds())
    return claims


def _cache_key(instance: ClerkInstance, token: str) -> str:
    return f"{instance.name}:{hashlib.sha256(token.encode()).hexdigest()}"


def _header(token: str) -> Mapping[str, Any]:
    """The header, which nothing vouches for yet. PyJWT parses it again; this parser bounds its nesting first."""
    compact = _COMPACT.fullmatch(token)
    if compact is None:
        raise _invalid("not three segments of base64url")
    if len(compact[1]) > MAXIMUM_HEADER_LENGTH:
        raise _invalid("the header is too long")
    try:
        return _json_object(base64url_decode(compact[1]))
    except ValueError as error:
        raise _invalid(str(error)) from None


def _check_header(header: Mapping[str, Any]) -> None:
    if header.get("alg") != "RS256":
        raise _invalid("not RS256")
    if header.get("typ", "JWT") != "JWT":
        raise _invalid("not a JWT")
    if "crit" in header:
        raise _invalid("critical header parameters that are not understood")


def _verified_payload(token: str, key: RsaPublicKey) -> bytes:
    """The bytes that the key signed. Raises Unauthorized."""
    try:
        return _jws.decode(token, cast("Any", key), algorithms=["RS256"])
    except PyJWTError as error:
        raise _invalid(str(error)) from None


def _check_issuer(payload: Mapping[str, Any], instance: ClerkInstance) -> None:
    if not instance.issuer or payload.get("iss") != instance.issuer:
        raise _invalid("another issuer")
    if instance.authorized_parties and _text(payload.get("azp")) not in instance.authorized_parties:
        raise _invalid("not an authorized party")


def _claims(payload: Mapping[str, Any]) -> Claims:
    user_id = _text(payload.get("sub"))
    if not user_id or len(user_id) > MAXIMUM_USER_ID_LENGTH or not user_id.isascii():
        raise _invalid("no sub")
    if payload.get("sts") == "pending":
        raise _invalid("the session is pending")
    return Claims(
        user_id=user_id,
        session_id=_text(payload.get("sid")),
        email=_text(payload.get("email")),
        publishable_key=_publishable_key(payload),
        is_impersonated="act" in payload,
        not_before=max(_seconds(payload, "nbf"), _seconds(payload, "iat")),
        expires_at=_seconds(payload, "exp"),
    )


def _publishable_key(payload: Mapping[str, Any]) -> str | None:
    """Top level for a JWT template, `metadata` or `publicMetadata` for a customised session token."""
    for holder in (payload, payload.get("metadata"), payload.get("publicMetadata")):
        if isinstance(holder, dict):
            named = _text(cast("dict[str, Any]", holder).get("publishableKey"))
            if named:
                return named
    return None


def _seconds(payload: Mapping[str, Any], name: str) -> float:
    value = payload.get(name)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= LATEST_SECONDS:
        raise _invalid(f"no {name}")
    return value


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _json_object(text: bytes) -> Mapping[str, Any]:
    try:
        value = parse_json(text)
    except ValueError:
        raise _invalid("a segment is not JSON") from None
    if not isinstance(value, dict):
        raise _invalid("a segment is not an object")
    return cast("dict[str, Any]", value)


def _invalid(reason: str) -> Unauthorized:
    return Unauthorized("The session token is not valid.", code="invalid_token", reason=reason)
