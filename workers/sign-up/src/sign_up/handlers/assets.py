"""`GET /assets/:name`: the script and the style sheet of the pages. Names have a hash of the content, so browsers cache for ever."""

from __future__ import annotations

from dream.auth.principal import Nobody
from dream.errors import NotFound
from dream.http.request import Request
from dream.http.response import Response
from dream.runtime.context import Context
from sign_up.pages.assets import ASSETS


async def serve(context: Context, request: Request, visitor: Nobody) -> Response:
    """Raises NotFound."""
    asset = ASSETS.get(request.params["name"])
    if asset is None:
        raise NotFound()
    headers = {"Cache-Control": "public, max-age=31536000, immutable"}
    return Response(200, asset.text, asset.content_type, headers)
