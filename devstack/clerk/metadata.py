"""Owns Clerk's rules for user metadata: how an update is merged, and the size limit."""

from __future__ import annotations

import json
from typing import Any, cast

from devstack.clerk import errors

Metadata = dict[str, Any]

NAMES = ("public_metadata", "private_metadata", "unsafe_metadata")
LIMIT_BYTES = 8192


def merge(old: Metadata, new: Metadata) -> Metadata:
    """Merges `new` into `old`, also in nested objects. A null removes its key. An array replaces the old one."""
    merged = dict(old)
    for key, value in new.items():
        if value is None:
            merged.pop(key, None)
        elif isinstance(value, dict):
            below = merged.get(key)
            merged[key] = merge(cast(Metadata, below) if isinstance(below, dict) else {}, cast(Metadata, value))
        else:
            merged[key] = value
    return merged


def checked(name: str, value: Any) -> Metadata:
    """The value, if it is an object of at most LIMIT_BYTES. Raises ClerkError 422."""
    if not isinstance(value, dict):
        raise errors.param_value_invalid(name, f"{name} must be a JSON object.")
    if len(json.dumps(value, separators=(",", ":")).encode()) > LIMIT_BYTES:
        raise errors.param_too_large(name, LIMIT_BYTES)
    return cast(Metadata, value)
