"""Main module of each worker in local runs: the worker's own `entry`, plus routes for tests under `/_devstack/`.

It replaces the clock by one that tests can move, and adds actions to the checkpoints, so that tests can stop a request there.
In production the main module is `entry`, which has none of this.
"""

from __future__ import annotations

import asyncio
import json
import time
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, urlsplit

from workers import Response

import entry
from dream.runtime import checkpoints
from dream.runtime import clock as product_clock

PREFIX = "/_devstack/"

clock = {"offset": 0.0}
armed: dict[str, str] = {}
reached: list[str] = []


def _now() -> float:
    return time.time() + clock["offset"]


async def _checkpoint(name: str) -> None:
    """Does the action that a test set for this checkpoint: `hang` until the worker is killed, or `fail`."""
    reached.append(name)
    del reached[:-100]
    action = armed.get(name)
    if action == "hang":
        await asyncio.sleep(3600)
    if action == "fail":
        raise RuntimeError(f"a test made the checkpoint {name} fail")


product_clock.read = _now
checkpoints.reached = _checkpoint


class Default(entry.Default):
    """The worker, with the routes for tests."""

    async def fetch(self, request: Any) -> Any:
        address: str = request.url
        if PREFIX not in address:
            return await super().fetch(request)
        url = urlsplit(address)
        body: dict[str, Any] = json.loads(await request.text() or "{}") if str(request.method) == "POST" else {}
        return await self._devstack(url.path.removeprefix(PREFIX), body, parse_qs(url.query))

    async def _devstack(self, action: str, body: dict[str, Any], query: dict[str, list[str]]) -> Any:
        if action == "health":
            return Response.json({"status": "ok"})
        if action == "clock":
            clock["offset"] = float(body.get("offsetSeconds", clock["offset"]))
            return Response.json({"offsetSeconds": clock["offset"], "now": _now()})
        if action == "checkpoints":
            if "armed" in body:
                armed.clear()
                armed.update(body["armed"])
                reached.clear()
            return Response.json({"armed": armed, "reached": reached})
        if action == "scheduled":
            cron = query.get("cron", ["* * * * *"])[0]
            await self.scheduled(SimpleNamespace(cron=cron, scheduledTime=_now() * 1000, type="scheduled"))
            return Response.json({"status": "ok", "cron": cron})
        return Response.json({"error": "Not found", "message": f"No local route {PREFIX}{action}"}, status=404)
