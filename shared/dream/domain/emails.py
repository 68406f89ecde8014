"""What passes for an email address. Whether somebody reads it, only a message can tell."""

from __future__ import annotations

import re

MAXIMUM_LENGTH = 254
"""RFC 5321, 4.5.3.1.3: a path of 256 with its angle brackets."""

_SHAPE = re.compile(r"[^@\s]+@[^@\s.]+(?:\.[^@\s.]+)+")


def is_email(value: object) -> bool:
    """Something, an @ and a domain with a dot, without spaces or control characters."""
    return (
        isinstance(value, str)
        and len(value) <= MAXIMUM_LENGTH
        and value.isprintable()
        and _SHAPE.fullmatch(value) is not None
    )
