"""`GET /health`: says that the worker runs. With `?deep=1` it also tries each binding."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable

from dream.errors import Unavailable
from dream.http.request import Request
from dream.http.response import Response, json_response
from dream.http.routing import Handler
from dream.runtime.context import Context


def health_of(worker: str) -> Handler:
    """The handler of `/health` for the worker of this name."""

    async def health(context: Context, request: Request, principal: object) -> Response:
        answer = {"status": "ok", "worker": worker, "version": context.settings.version}
        if request.query_string and request.query.get("deep") == "1":
            checks = await _checks(context)
            if not all(outcome == "ok" for outcome in checks.values()):
                raise Unavailable(
                    "A binding does not answer. See `checks`.",
                    code="unhealthy",
                    worker=worker,
                    checks=checks,
                )
            return json_response({**answer, "checks": checks})
        return json_response(answer)

    return health


async def _checks(context: Context) -> dict[str, str]:
    probes = {
        "d1": context.db.probe(),
        "kv": context.kv.probe(),
        "r2": context.images.get("health/none"),
        "rateLimiter": context.rate_limiter.allows("health"),
    }
    outcomes = await asyncio.gather(*(_outcome(probe) for probe in probes.values()))
    return dict(zip(probes, outcomes, strict=True))


async def _outcome(probe: Awaitable[object]) -> str:
    try:
        await probe
    except Exception:
        return "failed"
    return "ok"
