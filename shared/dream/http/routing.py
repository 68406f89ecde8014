"""The route table of a worker, and how a request finds its route."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from dream.errors import BadRequest, MethodNotAllowed, NotFound
from dream.http.request import Request
from dream.http.response import Response
from dream.runtime.context import Context

Credential = Callable[[Context, Request], Awaitable[Any]]
"""Verifies who calls. Returns a principal, which has a `rate_key`, or raises Unauthorized, Forbidden or PaymentRequired."""

Handler = Callable[[Context, Request, Any], Awaitable[Response]]
"""Answers a request. The last argument is the principal that the route's credential returned."""


@dataclass(frozen=True)
class Route:
    """One line of the table. `rate_limited=False` is for routes that count calls themselves or must always answer."""

    method: str
    path: str
    credential: Credential
    handler: Handler
    rate_limited: bool = True


class Router:
    """Finds the route for a method and a path. A segment that begins with a colon is a parameter; every other one is literal."""

    def __init__(self, routes: Sequence[Route]) -> None:
        self._literal: dict[str, dict[str, Route]] = {}
        self._patterns: list[tuple[list[str], dict[str, Route]]] = []
        for route in routes:
            self._methods_of(route.path)[route.method] = route

    def _methods_of(self, path: str) -> dict[str, Route]:
        if "/:" not in path:
            return self._literal.setdefault(path, {})
        segments = path.split("/")
        for known, methods in self._patterns:
            if known == segments:
                return methods
        methods: dict[str, Route] = {}
        self._patterns.append((segments, methods))
        return methods

    def match(self, method: str, path: str) -> tuple[Route, Mapping[str, str]]:
        """The route and its path parameters. Raises NotFound, or MethodNotAllowed with the methods of this path."""
        methods = self._literal.get(path)
        params: Mapping[str, str] = {}
        if methods is None:
            methods, params = self._match_pattern(path)
        route = methods.get("GET" if method == "HEAD" else method)
        if route is None:
            raise MethodNotAllowed(", ".join(sorted(methods)) + ", OPTIONS")
        return route, params

    def _match_pattern(self, path: str) -> tuple[dict[str, Route], Mapping[str, str]]:
        segments = path.split("/")
        for pattern, methods in self._patterns:
            if len(pattern) != len(segments):
                continue
            if all(part.startswith(":") or part == segment for part, segment in zip(pattern, segments, strict=True)):
                return methods, {
                    part[1:]: _decoded(segment)
                    for part, segment in zip(pattern, segments, strict=True)
                    if part.startswith(":")
                }
        raise NotFound("This path does not exist. Check it against the API reference.")


def _decoded(segment: str) -> str:
    try:
        value = unquote(segment, errors="strict")
    except UnicodeDecodeError as error:
        raise BadRequest("The path is malformed. Percent-encode its segments as UTF-8.") from error
    if not value:
        raise NotFound("This path does not exist. Check it against the API reference.")
    return value
