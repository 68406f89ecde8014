"""The floor of the runtime: a constant answer, and nothing read from the request."""

from typing import Any

import js
from workers import WorkerEntrypoint

HEADERS = js.Headers.new()
HEADERS.set("content-type", "application/json")


class Default(WorkerEntrypoint):
    async def fetch(self, request: Any) -> Any:
        return js.Response.new('{"status":"ok"}', headers=HEADERS)
