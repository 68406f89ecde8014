"""Which texts may be email addresses. Only a message can show whether an address exists."""

from __future__ import annotations

import re

MAXIMUM_LENGTH = 254
"""RFC 5321, 4.5.3.1.3: a path has at most 256 characters, the angle brackets included."""

_SHAPE = re.compile(r"[^@\s]+@[^@\s.]+(?:\.[^@\s.]+)+")


def is_email(value: object) -> bool:
    """Whether the value is text of the form name@domain.tld, without spaces or control characters."""
    return (
        isinstance(value, str)
        and len(value) <= MAXIMUM_LENGTH
        and value.isprintable()
        and _SHAPE.fullmatch(value) is not None
    )
