"""Stripe's webhook signatures: which of our secrets, if any, signed these very bytes just now.

https://docs.stripe.com/webhooks#verify-manually. Ours and not the SDK's, which accepts timestamps from the future, and raises
what is no refusal for bytes that are not text.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

from dream.domain.json_text import parse_json
from dream.domain.stripe.event import StripeEvent
from dream.errors import BadRequest

TOLERANCE_SECONDS = 300


class InvalidSignature(BadRequest):
    """400: not signed by a secret that we know, or not now. Nothing was read of the body."""

    error = "Invalid signature"
    code = "invalid_signature"
    message = "The signature does not match the body, or its time is off by more than five minutes."


@dataclass(frozen=True, slots=True)
class SigningSecret:
    """The secret of one webhook endpoint. `livemode` is the mode that it stands for; None for either."""

    secret: str
    livemode: bool | None

    def stands_for(self, livemode: bool) -> bool:
        return self.livemode is None or self.livemode == livemode


def verify(body: bytes, header: str | None, secrets: Sequence[SigningSecret], now_seconds: float) -> SigningSecret:
    """The secret that signed the body. `now_seconds` is the real time. Raises InvalidSignature.

    A secret that is not set verifies nothing.
    """
    timestamp, signatures = _parsed(header or "")
    if abs(now_seconds - int(timestamp)) > TOLERANCE_SECONDS:
        raise InvalidSignature(reason="timestamp outside the tolerance")
    signed = timestamp.encode() + b"." + body
    for candidate in secrets:
        if not candidate.secret:
            continue
        expected = hmac.new(candidate.secret.encode(), signed, hashlib.sha256).hexdigest().encode()
        if any([hmac.compare_digest(expected, signature) for signature in signatures]):  # noqa: C419
            return candidate
    raise InvalidSignature(reason="no secret of ours signed it")


def verified_event(
    body: bytes, header: str | None, secrets: Sequence[SigningSecret], now_seconds: float
) -> StripeEvent:
    """The event in the body, signed by a secret that stands for its mode. Raises InvalidSignature."""
    secret = verify(body, header, secrets, now_seconds)
    event = event_in(body)
    if not secret.stands_for(event.livemode):
        raise InvalidSignature(reason="signed by the other mode's secret")
    return event


def event_in(body: bytes) -> StripeEvent:
    """The event in a body that was verified. Raises InvalidSignature for anything else that a secret of ours signed."""
    try:
        return StripeEvent.from_json(cast("dict[str, Any]", parse_json(body)))
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
        raise InvalidSignature(reason=f"not an event: {error!r}") from None


def _parsed(header: str) -> tuple[str, list[bytes]]:
    """The timestamp and the `v1` signatures of `t=…,v1=…,v1=…`; other schemes are left aside."""
    pairs = [item.strip().partition("=") for item in header.split(",")]
    timestamps = [value for name, _, value in pairs if name == "t"]
    signatures = [value.encode() for name, _, value in pairs if name == "v1" and value.isascii()]
    if len(timestamps) != 1 or not _is_timestamp(timestamps[0]) or not signatures:
        raise InvalidSignature(reason="malformed header")
    return timestamps[0], signatures


def _is_timestamp(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 12
