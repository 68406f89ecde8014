"""Clerk's webhook messages, signed as Svix signs them: https://docs.svix.com/receiving/verifying-payloads/how-manual"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from typing import Any

import httpx

from tests.support.clerk_controls import InstanceName
from tests.support.stack import Stack


def message_of(
    stack: Stack, worker: str, instance: InstanceName, message_id: str, kind: str, data: Mapping[str, Any]
) -> httpx.Request:
    """The request of one delivery to a worker, signed with the webhook secret of the instance."""
    now = int(time.time())
    body = json.dumps({"type": kind, "data": data, "object": "event", "timestamp": now * 1000}).encode()
    key = base64.b64decode(stack.configuration.clerk_secrets(instance)[1].removeprefix("whsec_"))
    signature = base64.b64encode(hmac.new(key, f"{message_id}.{now}.".encode() + body, hashlib.sha256).digest())
    headers = {
        "Content-Type": "application/json",
        "svix-id": message_id,
        "svix-timestamp": str(now),
        "svix-signature": f"v1,{signature.decode()}",
    }
    return stack.http(worker).build_request("POST", "/webhook/clerk", content=body, headers=headers)
