"""Clerk's webhook signatures, made the svix way: whether one of these secrets signed these very bytes just now.

https://docs.svix.com/receiving/verifying-payloads/how-manual
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from dream.domain.json_text import parse_json
from dream.domain.timestamps import iso
from dream.http.request import Headers
from dream.webhooks.stripe_signature import TOLERANCE_SECONDS, InvalidSignature

MAXIMUM_ID_LENGTH = 255


@dataclass(frozen=True, slots=True)
class ClerkMessage:
    """A verified message. `id` is the same for every delivery of it; `signed_by` is the index of the secret that signed it.

    `data` is Clerk's object as sent, `created_at` ISO 8601 UTC.
    """

    id: str
    type: str
    data: Mapping[str, Any]
    created_at: str
    signed_by: int


def verified_message(body: bytes, headers: Headers, secrets: Sequence[str], now_seconds: float) -> ClerkMessage:
    """The message in the body. `now_seconds` is the real time. Raises InvalidSignature."""
    message_id, signed_by = verify(body, headers, secrets, now_seconds)
    try:
        message = cast("dict[str, Any]", parse_json(body))
        kind, data, created_at = message["type"], message["data"], iso(message["timestamp"] / 1000)
    except (ValueError, KeyError, TypeError, OverflowError) as error:
        raise InvalidSignature(reason=f"not a message: {error!r}") from None
    if not isinstance(kind, str) or not isinstance(data, dict):
        raise InvalidSignature(reason="not a message")
    return ClerkMessage(message_id, kind, cast("dict[str, Any]", data), created_at, signed_by)


def verify(body: bytes, headers: Headers, secrets: Sequence[str], now_seconds: float) -> tuple[str, int]:
    """The message's id, and the index of the secret that signed it. Raises InvalidSignature.

    A secret that is not set verifies nothing.
    """
    message_id = headers.get("svix-id") or ""
    timestamp = headers.get("svix-timestamp") or ""
    signatures = _signatures(headers.get("svix-signature") or "")
    if not 0 < len(message_id) <= MAXIMUM_ID_LENGTH or not message_id.isascii() or not signatures:
        raise InvalidSignature(reason="missing headers")
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12):
        raise InvalidSignature(reason="malformed timestamp")
    if abs(now_seconds - int(timestamp)) > TOLERANCE_SECONDS:
        raise InvalidSignature(reason="timestamp outside the tolerance")
    signed = f"{message_id}.{timestamp}.".encode() + body
    for index, secret in enumerate(secrets):
        key = _key(secret)
        if key is None:
            continue
        expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest())
        if any([hmac.compare_digest(expected, signature) for signature in signatures]):  # noqa: C419
            return message_id, index
    raise InvalidSignature(reason="no secret of ours signed it")


def _signatures(header: str) -> list[bytes]:
    """The `v1` signatures of `v1,… v1,…`."""
    pairs = (item.partition(",") for item in header.split(" "))
    return [value.encode() for version, _, value in pairs if version == "v1" and value and value.isascii()]


def _key(secret: str) -> bytes | None:
    """What follows `whsec_`, decoded; None for a secret that is not set or not one."""
    try:
        return base64.b64decode(secret.removeprefix("whsec_"), validate=True) or None
    except (binascii.Error, ValueError):
        return None
