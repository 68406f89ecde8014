"""The script and the style sheet of the pages, read from `static/`. Pages have no inline script or style.

wrangler uploads the two files because of `rules` in wrangler.toml; the runtime mounts them beside the Python modules.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_STATIC = Path(__file__).parent.parent / "static"


@dataclass(frozen=True, slots=True)
class Asset:
    """One file. Its name has the hash of its text, so browsers may cache it for ever."""

    name: str
    text: str
    content_type: str

    @property
    def path(self) -> str:
        return f"/assets/{self.name}"


def _asset(file_name: str, content_type: str) -> Asset:
    text = (_STATIC / file_name).read_text(encoding="utf-8")
    stem, _, extension = file_name.partition(".")
    return Asset(f"{stem}.{hashlib.sha256(text.encode()).hexdigest()[:12]}.{extension}", text, content_type)


SCRIPT = _asset("session.js", "text/javascript; charset=utf-8")
STYLE = _asset("page.css", "text/css; charset=utf-8")

ASSETS: Mapping[str, Asset] = {asset.name: asset for asset in (SCRIPT, STYLE)}
