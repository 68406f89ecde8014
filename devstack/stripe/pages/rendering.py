"""Renders the templates of the pages, with their filters and HTTP headers."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jinja2 import Undefined
from starlette.responses import HTMLResponse

from devstack.kit.templates import templates
from devstack.stripe import money

_FOLDER = Path(__file__).resolve().parent.parent / "templates"
_SECURITY = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Frame-Options": "DENY"}


def _day(moment: int | float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%-d %B %Y")


def _minute(moment: int | float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


_FILTERS = {"money": money.formatted, "day": _day, "minute": _minute}
_TEMPLATES = templates(_FOLDER, _FILTERS, undefined=Undefined)


def page(template: str, status: int = 200, **values: Any) -> HTMLResponse:
    return HTMLResponse(_TEMPLATES.get_template(template).render(**values), status, _SECURITY)
