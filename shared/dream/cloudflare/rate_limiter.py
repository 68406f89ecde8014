"""The Rate Limiting binding."""

from __future__ import annotations

from typing import Any

from pyodide.ffi import JsException


class RateLimitBinding:
    """Counts calls per key. If the binding itself fails, the call is allowed: a limit on abuse must not stop the product."""

    def __init__(self, binding: Any) -> None:
        self._binding = binding

    async def allows(self, key: str) -> bool:
        try:
            return bool((await self._binding.limit(key=key)).success)
        except JsException:
            return True
