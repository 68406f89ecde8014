"""Values that cross the border between Python and JavaScript."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import js
from pyodide.ffi import jsnull, to_js


def js_object(value: Mapping[str, Any]) -> Any:
    """A JavaScript object with the same members."""
    return to_js(value, dict_converter=js.Object.fromEntries)


def text_or_none(value: Any) -> str | None:
    """A JavaScript value as text; None for null and undefined."""
    return None if value is None or value is jsnull else str(value)
