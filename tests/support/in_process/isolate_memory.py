"""Clears the caches in the workers' modules. Here the four workers share these caches; in production they do not."""

from __future__ import annotations

import sys
from functools import cache
from types import ModuleType

from dream.auth.jwks import KeySets
from dream.runtime.isolate_cache import IsolateCache

PACKAGES = ("dream", "api_multi", "oauth_api", "front_auth_api", "sign_up")


def forget_everything() -> None:
    """Clears all caches, as in a new isolate."""
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
