"""Clerk's webhook signatures, which svix makes: verifies that one of our secrets signed the body, a short time ago.

The package standardwebhooks verifies them, with the real clock. It raises many kinds of exceptions for malformed headers, stops at
the first signature that it cannot read, and signs a rounded timestamp. So this module passes only well-formed headers to it.
https://docs.svix.com/receiving/verifying-payloads/how-manual
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from standardwebhooks import Webhook

from dream.domain.json_text import parse_json
from dream.domain.timestamps import iso
from dream.http.request import Headers
from dream.webhooks.stripe_signature import InvalidSignature

MAXIMUM_ID_LENGTH = 255

_TIMESTAMP = re.compile(r"[0-9]{1,12}", re.ASCII)
_SIGNATURE = re.compile(r"v1,[A-Za-z0-9+/]{43}=", re.ASCII)
"""Version 1: an HMAC-SHA256 in base64. The header can list several signatures, and other versions too."""


@dataclass(frozen=True, slots=True)
class ClerkMessage:
    """A verified message. `id` is the same for every delivery. `signed_by` is the index of the secret that signed it.

    `data` is Clerk's object, as it was sent. `created_at` is ISO 8601 UTC.
    """

    id: str
    type: str
    data: Mapping[str, Any]
    created_at: str
    signed_by: int


def verified_message(body: bytes, headers: Headers, secrets: Sequence[str]) -> ClerkMessage:
    """The message in the body. Raises InvalidSignature unless one of the secrets signed the body."""
    message_id, signed_by = verify(body, headers, secrets)
    try:
        message = cast("dict[str, Any]", parse_json(body))
        kind, data, created_at = message["type"], message["data"], iso(message["timestamp"] / 1000)
    except (ValueError, KeyError, TypeError, OverflowError) as error:
        raise InvalidSignature(reason=f"the body is not a message: {error!r}") from None
    if not isinstance(kind, str) or not isinstance(data, dict):
        raise InvalidSignature(reason="type or data of the message is wrong")
    return ClerkMessage(message_id, kind, cast("dict[str, Any]", data), created_at, signed_by)


def verify(body: bytes, headers: Headers, secrets: Sequence[str]) -> tuple[str, int]:
    """Returns the id of the message, and the index of the secret that signed it. Raises InvalidSignature.

    A secret that is not set verifies nothing.
    """
    message_id = headers.get("svix-id") or ""
    timestamp = headers.get("svix-timestamp") or ""
    signatures = [item for item in (headers.get("svix-signature") or "").split(" ") if _SIGNATURE.fullmatch(item)]
    if not 0 < len(message_id) <= MAXIMUM_ID_LENGTH or not message_id.isascii() or not signatures:
        raise InvalidSignature(reason="a svix header is missing or malformed")
    if not _TIMESTAMP.fullmatch(timestamp):
        raise InvalidSignature(reason="the header svix-timestamp is malformed")
    expected = {
        "webhook-id": message_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(signatures),
    }
    reason = ""
    for index, secret in enumerate(secrets):
        try:
            Webhook(secret).verify(body, expected, json_parse=False)
        except Exception as error:
            reason = str(error) or type(error).__name__
        else:
            return message_id, index
    raise InvalidSignature(reason=f"none of our secrets signed it: {reason}")
