"""Owns Clerk's identifiers: a prefix and 27 characters that sort by time (KSUID)."""

import secrets
import time

from devstack.kit.ids import base62

_KSUID_EPOCH = 1_400_000_000
_LENGTH = 27


def new_id(prefix: str) -> str:
    """For example `user_2xhFjEI5X2qWRvtV13BzSj8H6Dk`: 32 bits of time and 128 random bits, in base 62."""
    number = (int(time.time()) - _KSUID_EPOCH) << 128 | secrets.randbits(128)
    return f"{prefix}_{base62(number, _LENGTH)}"
