"""Serves the real clerk-js from node_modules, at the paths of Clerk's Frontend API."""

from __future__ import annotations

import re

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from deploy.paths import NODE_MODULES
from devstack.clerk import errors

_FILE = re.compile(r"[A-Za-z0-9_.-]+\.js")


def routes() -> list[Route]:
    """`/npm/@clerk/clerk-js@6/dist/clerk.browser.js` and the files that it loads, relative to the instance's issuer."""
    return [Route("/npm/@clerk/{package}@{version}/dist/{file}", _serve)]


async def _serve(request: Request) -> Response:
    package, file = request.path_params["package"], request.path_params["file"]
    path = NODE_MODULES / "@clerk" / package / "dist" / file
    if package != "clerk-js" or not _FILE.fullmatch(file) or not path.is_file():
        raise errors.route_not_found()
    return FileResponse(path, media_type="text/javascript", headers={"Cache-Control": "public, max-age=300"})
