"""Renders the templates of the pages, with their HTTP headers."""

from pathlib import Path
from typing import Any

from starlette.responses import HTMLResponse

from devstack.kit.templates import templates

_TEMPLATES = templates(Path(__file__).resolve().parent.parent / "templates")
_SECURITY = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Frame-Options": "DENY"}


def page(template: str, status: int = 200, **values: Any) -> HTMLResponse:
    return HTMLResponse(_TEMPLATES.get_template(template).render(**values), status, _SECURITY)
