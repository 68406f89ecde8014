"""What the workers' modules remember between requests. The four workers share it here, as they never do in production."""

from __future__ import annotations

import sys
from functools import cache
from types import ModuleType

from dream.auth.jwks import KeySets
from dream.runtime.isolate_cache import IsolateCache

PACKAGES = ("dream", "api_multi", "oauth_api", "front_auth_api", "sign_up")


def forget_everything() -> None:
    """As a fresh isolate begins."""
    for module, name in _remembering():
        memory = getattr(module, name)
        if isinstance(memory, IsolateCache):
            memory.clear()
        else:
            setattr(module, name, KeySets())


@cache
def _remembering() -> tuple[tuple[ModuleType, str], ...]:
    """Every module variable that holds a cache. All workers are imported before the first call."""
    modules = [module for name, module in sys.modules.items() if name.partition(".")[0] in PACKAGES]
    return tuple(
        (module, name)
        for module in modules
        for name, value in vars(module).items()
        if isinstance(value, IsolateCache | KeySets)
    )
