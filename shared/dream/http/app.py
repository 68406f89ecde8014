"""The way of one request: preflight, route, credential, rate limit, handler. This is also where every error becomes an answer.

`App` knows no bindings and no runtime: `dream.cloudflare` runs it in a Worker, and the tests run it in their own process.
"""

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
    """The name and the routes of one worker. With `any_origin`, browsers on every website may read its responses (CORS)."""

    def __init__(self, name: str, routes: Sequence[Route], *, any_origin: bool) -> None:
        self.name = name
        self._router = Router(routes)
        self._any_origin = any_origin
        self.content_type = JSON
        self._cors: Cors | None = None
        self._base_headers: Mapping[str, str] | None = None

    def cors(self, context: Context) -> Cors:
        """Which origins may read responses. Built at the first request, because the settings are not known before."""
        if self._cors is None:
            settings = context.settings
            self._cors = AnyOrigin() if self._any_origin else ListedOrigins(settings.allowed_origins)
        return self._cors

    def base_headers(self, context: Context) -> Mapping[str, str]:
        """The headers that every response of this worker starts from. A response's own headers override them."""
        if self._base_headers is None:
            self._base_headers = {**SECURITY_HEADERS, "Content-Type": self.content_type, **self.cors(context).always}
        return self._base_headers

    async def answer(self, context: Context, request: Request) -> Response:
        """The response to any request. Never raises: every error becomes a response here."""
        try:
            response = await self._dispatch(context, request)
        except ApiError as error:
            response = render_error(error, context)
        except Exception as error:
            if isinstance(error, ConstraintFailed):
                context.log.error("a constraint that no handler expects refused a batch", detail=error.detail)
            else:
                context.log.exception("unexpected error", error)
            response = render_error(ApiError(), context)
        if not self._any_origin:
            allowed = self.cors(context).headers_for(request.headers.get("origin"))
            response = response.with_headers(allowed) if allowed else response
        return response

    async def _dispatch(self, context: Context, request: Request) -> Response:
        """Finds the route, verifies the credential, limits the rate, and calls the handler."""
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
    """The response for an error, in the one error shape. `reason` is logged here and nowhere else."""
    if error.status >= 500 or error.reason:
        context.log.warning("request refused", status=error.status, code=error.code, reason=error.reason)
    body = {**error.to_json(), "requestId": context.request_id}
    return json_response(body, error.status, error.headers)
