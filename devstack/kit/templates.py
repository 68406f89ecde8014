"""Owns how a stand-in's pages are rendered from its templates."""

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
    """The templates of a folder. Values are escaped; `undefined` says what a missing one does."""
    made = Environment(
        loader=FileSystemLoader(folder), autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=undefined
    )
    vars(made)["filters"].update(filters or {})
    return made
