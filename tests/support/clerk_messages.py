"""Clerk's webhook messages to the workers, signed as an instance signs them."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any

import httpx

from tests.support.clerk_controls import InstanceName
from tests.support.signing import sign_as_clerk
from tests.support.stack import Stack


def message_of(
    stack: Stack, worker: str, instance: InstanceName, message_id: str, kind: str, data: Mapping[str, Any]
) -> httpx.Request:
    """The request of one delivery to a worker, signed with the webhook secret of the instance."""
    message = {"type": kind, "data": data, "object": "event", "timestamp": int(time.time()) * 1000}
    body = json.dumps(message).encode()
    headers = sign_as_clerk(body, stack.configuration.clerk_secrets(instance)[1], message_id)
    return stack.http(worker).build_request("POST", "/webhook/clerk", content=body, headers=headers)
