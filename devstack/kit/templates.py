"""Owns the settings with which both stand-ins render their templates."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Undefined


def templates(
    folder: Path,
    filters: Mapping[str, Callable[..., Any]] | None = None,
    *,
    undefined: type[Undefined] = StrictUndefined,
) -> Environment:
    """The templates in a folder. Values are escaped for HTML. `undefined` is Jinja's class for a missing value."""
    made = Environment(
        loader=FileSystemLoader(folder), autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=undefined
    )
    vars(made)["filters"].update(filters or {})
    return made
