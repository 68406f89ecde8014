"""Owns random text for identifiers. The prefixes and lengths are in `ids` of each vendor."""

import secrets
import string

# In the order of their ASCII codes, so that encoded numbers sort as the numbers do.
BASE62 = string.digits + string.ascii_uppercase + string.ascii_lowercase


def random_text(length: int) -> str:
    return "".join(secrets.choice(BASE62) for _ in range(length))


def base62(number: int, length: int) -> str:
    """The number in base 62, with leading zeros up to `length` characters."""
    text = ""
    for _ in range(length):
        number, digit = divmod(number, 62)
        text = BASE62[digit] + text
    return text
