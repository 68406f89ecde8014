"""One request's way: preflight, route, credential, rate limit, handler, and the one place where errors become answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dream.errors import ApiError, ConstraintFailed, RateLimited, Unauthorized
from dream.http.cors import AnyOrigin, Cors, ListedOrigins
from dream.http.request import Request
from dream.http.response import JSON, Response, json_response
from dream.http.routing import Route, Router
from dream.runtime.context import Context

SECURITY_HEADERS: Mapping[str, str] = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "Referrer-Policy": "no-referrer",
    "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


class App:
    """A worker's name and routes. `any_origin` says whether browsers of every origin may read its answers."""

    def __init__(self, name: str, routes: Sequence[Route], *, any_origin: bool) -> None:
        self.name = name
        self._router = Router(routes)
        self._any_origin = any_origin
        self.content_type = JSON
        self._cors: Cors | None = None
        self._base_headers: Mapping[str, str] | None = None

    def cors(self, context: Context) -> Cors:
        if self._cors is None:
            settings = context.settings
            self._cors = AnyOrigin() if self._any_origin else ListedOrigins(settings.allowed_origins)
        return self._cors

    def base_headers(self, context: Context) -> Mapping[str, str]:
        """What every answer of this worker carries; an answer's own headers override them."""
        if self._base_headers is None:
            self._base_headers = {**SECURITY_HEADERS, "Content-Type": self.content_type, **self.cors(context).always}
        return self._base_headers

    async def answer(self, context: Context, request: Request) -> Response:
        """The answer to any request. Never raises."""
        try:
            response = await self._route(context, request)
        except ApiError as error:
            response = render_error(error, context)
        except Exception as error:
            if isinstance(error, ConstraintFailed):
                context.log.error("constraint failed", detail=error.detail)
            else:
                context.log.exception("unhandled error", error)
            response = render_error(ApiError(), context)
        if not self._any_origin:
            allowed = self.cors(context).headers_for(request.headers.get("origin"))
            response = response.with_headers(allowed) if allowed else response
        return response

    async def _route(self, context: Context, request: Request) -> Response:
        if request.method == "OPTIONS":
            return Response(204, None, headers=self.cors(context).preflight(request.headers.get("origin")))
        route, request.params = self._router.match(request.method, request.path)
        try:
            principal = await route.credential(context, request)
        except Unauthorized:
            await _limit(context, f"address:{request.address}")
            raise
        if route.rate_limited:
            await _limit(context, principal.rate_key)
        return await route.handler(context, request, principal)


async def _limit(context: Context, key: str) -> None:
    if not await context.rate_limiter.allows(key):
        raise RateLimited()


def render_error(error: ApiError, context: Context) -> Response:
    """The one error shape. What only the log may know is logged here, and only here."""
    if error.status >= 500 or error.reason:
        context.log.warning("refused", status=error.status, code=error.code, reason=error.reason)
    body = {**error.to_json(), "requestId": context.request_id}
    return json_response(body, error.status, error.headers)
