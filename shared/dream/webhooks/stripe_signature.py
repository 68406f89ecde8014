"""Stripe's webhook signatures: verifies that one of our secrets signed the body, a short time ago.

https://docs.stripe.com/webhooks#verify-manually. The verification of stripe-python is not used: it accepts timestamps from the
future, and for a body that is not text it raises an error that is not a refusal.
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
    """400: none of our secrets signed the body, the header is malformed, the signature is too old or too new,
    the body is not an event, or the secret is of the other mode."""

    error = "Invalid signature"
    code = "invalid_signature"
    message = "The signature does not match the body, or it is more than five minutes old. Check the signing secret and the clock."


@dataclass(frozen=True, slots=True)
class SigningSecret:
    """The secret of one webhook endpoint, and the mode of its events. `livemode` is None if it signs events of both modes."""

    secret: str
    livemode: bool | None

    def signs(self, livemode: bool) -> bool:
        """Whether this endpoint receives events of this mode."""
        return self.livemode is None or self.livemode == livemode


def verify(body: bytes, header: str | None, secrets: Sequence[SigningSecret], now_seconds: float) -> SigningSecret:
    """Returns the secret that signed the body. Raises InvalidSignature if none did.

    `now_seconds` is the real time, even if tests have moved the clock. A secret that is not set verifies nothing.
    """
    timestamp, signatures = _parsed(header or "")
    if abs(now_seconds - int(timestamp)) > TOLERANCE_SECONDS:
        raise InvalidSignature(reason="the timestamp is more than five minutes off")
    signed = timestamp.encode() + b"." + body
    for candidate in secrets:
        if not candidate.secret:
            continue
        expected = hmac.new(candidate.secret.encode(), signed, hashlib.sha256).hexdigest().encode()
        if any([hmac.compare_digest(expected, signature) for signature in signatures]):  # noqa: C419
            return candidate
    raise InvalidSignature(reason="none of our secrets signed it")


def verified_event(
    body: bytes, header: str | None, secrets: Sequence[SigningSecret], now_seconds: float
) -> StripeEvent:
    """The event in the body. Raises InvalidSignature unless a secret of the event's mode signed the body."""
    secret = verify(body, header, secrets, now_seconds)
    event = event_in(body)
    if not secret.signs(event.livemode):
        raise InvalidSignature(reason="signed by the other mode's secret")
    return event


def event_in(body: bytes) -> StripeEvent:
    """Parses the event of a verified body. Raises InvalidSignature if the body is not an event."""
    try:
        return StripeEvent.from_json(cast("dict[str, Any]", parse_json(body)))
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
        raise InvalidSignature(reason=f"not an event: {error!r}") from None


def _parsed(header: str) -> tuple[str, list[bytes]]:
    """The timestamp and the `v1` signatures of a header `t=…,v1=…,v1=…`. Signatures of other schemes are ignored."""
    pairs = [item.strip().partition("=") for item in header.split(",")]
    timestamps = [value for name, _, value in pairs if name == "t"]
    signatures = [value.encode() for name, _, value in pairs if name == "v1" and value.isascii()]
    if len(timestamps) != 1 or not _is_timestamp(timestamps[0]) or not signatures:
        raise InvalidSignature(reason="the header Stripe-Signature is malformed")
    return timestamps[0], signatures


def _is_timestamp(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 12
