"""Owns the templates and the filters they use."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, select_autoescape
from starlette.responses import HTMLResponse

from devstack.stripe import money

_FOLDER = Path(__file__).resolve().parent.parent / "templates"
_SECURITY = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Frame-Options": "DENY"}


def _day(moment: int | float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%-d %B %Y")


def _minute(moment: int | float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


_environment = Environment(
    loader=FileSystemLoader(_FOLDER), autoescape=select_autoescape(), trim_blocks=True, lstrip_blocks=True
)
_FILTERS = {"money": money.written, "day": _day, "minute": _minute}
vars(_environment)["filters"].update(_FILTERS)


def page(template: str, status: int = 200, **values: Any) -> HTMLResponse:
    return HTMLResponse(_environment.get_template(template).render(**values), status, _SECURITY)
