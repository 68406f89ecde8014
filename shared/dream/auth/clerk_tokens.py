"""Clerk session tokens: from the text of a JWT to verified claims, in small steps. Each step can refuse the token.

PyJWT splits the token and verifies the signature. This module decides the rest: which key, which issuer, which authorized party,
and what time it is. It follows https://clerk.com/docs/guides/sessions/manual-jwt-verification and RFC 8725. The claims say who the
user is; `developer` and `end_user` decide what the user may do.
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
"""The limit of the first segment, in characters. That segment is decoded before the signature is verified."""
SKEW_SECONDS = 5.0
"""How far the clock of Clerk may differ from ours."""
MAXIMUM_AGE_SECONDS = 30 * 24 * 3600.0
"""An older token is refused, even if its JWT template allows a longer life: a deleted user is remembered for this long."""
MAXIMUM_USER_ID_LENGTH = 128
LATEST_SECONDS = 1e12

_COMPACT = re.compile(r"([A-Za-z0-9_-]+)\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+", re.ASCII)
"""A JWS in compact serialization (RFC 7515, section 7.1). PyJWT also accepts padding, which gives one token several spellings."""

_jws = PyJWS(algorithms=[])
_jws.register_algorithm("RS256", RS256())

_key_sets = KeySets()
# A verified token is remembered until it expires, but never longer than a key set is trusted.
_verified: IsolateCache[Claims] = IsolateCache(size=5_000, ttl_seconds=KEYS_TTL_SECONDS)


@dataclass(frozen=True, slots=True)
class Claims:
    """The claims of a verified token. `expires_at` and `not_before` are seconds since the epoch."""

    user_id: str
    session_id: str | None
    email: str | None
    publishable_key: str | None
    """The project in the user's metadata."""
    is_impersonated: bool
    not_before: float
    expires_at: float

    def require_current(self, now_seconds: float) -> None:
        """Raises Unauthorized if the token has expired or is not valid yet. SKEW_SECONDS is allowed on both sides."""
        if now_seconds >= min(self.expires_at, self.not_before + MAXIMUM_AGE_SECONDS) + SKEW_SECONDS:
            raise Unauthorized("The session token has expired. Get a new one from Clerk.", code="token_expired")
        if now_seconds < self.not_before - SKEW_SECONDS:
            raise _invalid("not valid yet")


async def verified_claims(context: Context, instance: ClerkInstance, token: str) -> Claims:
    """Verifies a token of this instance and returns its claims.

    Raises Unauthorized if the token is not valid, and Unavailable if the keys of the instance cannot be fetched.
    """
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
    """The claims, if this isolate has verified the token before; otherwise None. Raises Unauthorized if the token has expired."""
    if len(token) > MAXIMUM_LENGTH or not token.isascii():
        raise _invalid("too long, or not ASCII")
    claims = _verified.get(_cache_key(instance, token))
    if claims is not None:
        claims.require_current(context.now_seconds())
    return claims


def _cache_key(instance: ClerkInstance, token: str) -> str:
    return f"{instance.name}:{hashlib.sha256(token.encode()).hexdigest()}"


def _header(token: str) -> Mapping[str, Any]:
    """The header, which is not verified yet. PyJWT parses it again; this parser limits the depth of its nesting first."""
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
        raise _invalid("it has critical header parameters (crit)")


def _verified_payload(token: str, key: RsaPublicKey) -> bytes:
    """The bytes that the key signed. Raises Unauthorized."""
    try:
        return _jws.decode(token, cast("Any", key), algorithms=["RS256"])
    except PyJWTError as error:
        raise _invalid(str(error)) from None


def _check_issuer(payload: Mapping[str, Any], instance: ClerkInstance) -> None:
    if not instance.issuer or payload.get("iss") != instance.issuer:
        raise _invalid("issued by another Clerk instance")
    if instance.authorized_parties and _text(payload.get("azp")) not in instance.authorized_parties:
        raise _invalid("azp is not an authorized party")


def _claims(payload: Mapping[str, Any]) -> Claims:
    user_id = _text(payload.get("sub"))
    if not user_id or len(user_id) > MAXIMUM_USER_ID_LENGTH or not user_id.isascii():
        raise _invalid("sub is not a user id")
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
    """A JWT template puts the key at the top level; a customized session token puts it into `metadata` or `publicMetadata`."""
    for holder in (payload, payload.get("metadata"), payload.get("publicMetadata")):
        if isinstance(holder, dict):
            publishable_key = _text(cast("dict[str, Any]", holder).get("publishableKey"))
            if publishable_key:
                return publishable_key
    return None


def _seconds(payload: Mapping[str, Any], name: str) -> float:
    value = payload.get(name)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= LATEST_SECONDS:
        raise _invalid(f"{name} is not a time")
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
    return Unauthorized(
        "The session token is not valid. Sign in again to get a new one.", code="invalid_token", reason=reason
    )
