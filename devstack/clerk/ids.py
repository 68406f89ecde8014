"""Clerk-shaped identifiers: a prefix and a K-sortable 27-character base-62 tail."""

from __future__ import annotations

import secrets
import time

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_KSUID_EPOCH = 1_400_000_000
_LENGTH = 27


def new_id(prefix: str) -> str:
    """For example `user_2xhFjEI5X2qWRvtV13BzSj8H6Dk`: 32 bits of time, then 128 random bits, as KSUIDs are."""
    number = (int(time.time()) - _KSUID_EPOCH) << 128 | secrets.randbits(128)
    tail = ""
    for _ in range(_LENGTH):
        number, digit = divmod(number, 62)
        tail = _ALPHABET[digit] + tail
    return f"{prefix}_{tail}"
