"""Signs webhook bodies as Stripe and as Clerk (by Svix) do. The one place where tests sign."""

from __future__ import annotations

import base64
import hashlib
import hmac
import time

JSON = {"Content-Type": "application/json"}


def sign_as_stripe(body: bytes, secret: str, timestamp: int | None = None) -> dict[str, str]:
    """The headers of a delivery by Stripe. `timestamp` is in seconds since the epoch; without it, now.

    Source: https://docs.stripe.com/webhooks#verify-manually
    """
    at = int(time.time()) if timestamp is None else timestamp
    signature = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return {**JSON, "Stripe-Signature": f"t={at},v1={signature}"}


def sign_as_clerk(body: bytes, secret: str, message_id: str, timestamp: int | None = None) -> dict[str, str]:
    """The headers of a delivery by Clerk, whose webhooks Svix sends. `secret` begins with `whsec_`.

    Source: https://docs.svix.com/receiving/verifying-payloads/how-manual
    """
    at = int(time.time()) if timestamp is None else timestamp
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signature = hmac.new(key, f"{message_id}.{at}.".encode() + body, hashlib.sha256).digest()
    return {
        **JSON,
        "svix-id": message_id,
        "svix-timestamp": str(at),
        "svix-signature": f"v1,{base64.b64encode(signature).decode()}",
    }
