"""Which websites may read responses: the CORS protocol of the Fetch standard. Cookies are never allowed across origins."""

from __future__ import annotations

from collections.abc import Mapping

ALLOWED_HEADERS = (
    "Authorization, Content-Type, Idempotency-Key, X-Publishable-Key, X-Clerk-Token, X-User-Id, X-User-Plan"
)
EXPOSED_HEADERS = "X-Request-Id, Idempotent-Replayed, Retry-After"
ALLOWED_METHODS = "GET, POST, PUT, PATCH, DELETE, OPTIONS"

_PREFLIGHT = {
    "Access-Control-Allow-Methods": ALLOWED_METHODS,
    "Access-Control-Allow-Headers": ALLOWED_HEADERS,
    "Access-Control-Max-Age": "86400",
}


class AnyOrigin:
    """Every website may read responses. This is safe, because the credential is a key or a token and never a cookie."""

    always: Mapping[str, str] = {"Access-Control-Allow-Origin": "*", "Access-Control-Expose-Headers": EXPOSED_HEADERS}

    def headers_for(self, origin: str | None) -> Mapping[str, str]:
        return {}

    def preflight(self, origin: str | None) -> Mapping[str, str]:
        return _PREFLIGHT


class ListedOrigins:
    """Only the listed origins may read responses."""

    always: Mapping[str, str] = {"Vary": "Origin", "Access-Control-Expose-Headers": EXPOSED_HEADERS}

    def __init__(self, origins: frozenset[str]) -> None:
        self._origins = origins

    def headers_for(self, origin: str | None) -> Mapping[str, str]:
        return {"Access-Control-Allow-Origin": origin} if origin is not None and origin in self._origins else {}

    def preflight(self, origin: str | None) -> Mapping[str, str]:
        return _PREFLIGHT if self.headers_for(origin) else {}


Cors = AnyOrigin | ListedOrigins
