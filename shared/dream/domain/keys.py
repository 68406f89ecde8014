"""Publishable and secret keys: creates, checks, hashes and masks them.

A key is `{pk|sk}_{test|live}_`, then 32 random base62 characters (190 bits), then 6 characters: the CRC-32 of all before them, in
base62. The checksum lets this code and secret scanners tell a real key from a typo without a lookup.
"""

from __future__ import annotations

import hashlib
import re
import zlib
from collections.abc import Callable
from typing import Literal, TypeAlias, get_args

Mode: TypeAlias = Literal["test", "live"]
KeyKind: TypeAlias = Literal["pk", "sk"]
KeyStatus: TypeAlias = Literal["active", "revoked"]
"""`api_keys.status`."""
DashboardKeyStatus: TypeAlias = Literal["active", "expired", "revoked"]
"""What the dashboard shows of a key: a rotated one whose grace time is over is `expired`."""
ProjectKeyStatus: TypeAlias = Literal["active", "grace"]
"""What the list of projects shows of a key that still works: a rotated one in its grace time is `grace`."""

MODES: tuple[Mode, ...] = get_args(Mode)

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_RANDOM_LENGTH = 32
_CHECKSUM_LENGTH = 6
_KEY_ID_LENGTH = 16
_KEY_ID = re.compile(r"[0-9a-f]{16}", re.ASCII)
_SHAPE = re.compile(r"(pk|sk)_(test|live)_[0-9A-Za-z]{38}", re.ASCII)

RandomBytes: TypeAlias = Callable[[int], bytes]


def make_key(kind: KeyKind, mode: Mode, random_bytes: RandomBytes) -> str:
    """A new key. `random_bytes(n)` returns n bytes of cryptographic randomness."""
    body = f"{kind}_{mode}_{_random_base62(_RANDOM_LENGTH, random_bytes)}"
    return body + _checksum(body)


def make_id(prefix: str, random_bytes: RandomBytes, length: int = 20) -> str:
    """A new identifier such as `plt_…`. It cannot be guessed, but it is not a credential."""
    return f"{prefix}_{_random_base62(length, random_bytes)}"


def is_well_formed(key: str, kind: KeyKind) -> bool:
    """Whether `key` has this kind, the right shape and the right checksum. Says nothing about whether the key exists."""
    return (
        key.startswith(kind)
        and _SHAPE.fullmatch(key) is not None
        and _checksum(key[:-_CHECKSUM_LENGTH]) == key[-_CHECKSUM_LENGTH:]
    )


def mode_of(key: str) -> Mode:
    """The mode in the prefix of a well-formed key."""
    return "live" if key[3:8] == "live_" else "test"


def hash_secret(secret: str) -> str:
    """SHA-256 in hex. It is safe for keys and tokens of high entropy, not for passwords."""
    return hashlib.sha256(secret.encode()).hexdigest()


def mask(secret_key: str) -> str:
    """The part of a secret key that may be shown: its prefix and its last four characters."""
    return f"{secret_key[:8]}…{secret_key[-4:]}"


def key_id(secret_key_hash: str) -> str:
    """The id by which a developer names one of their secret keys: the beginning of its hash."""
    return secret_key_hash[:_KEY_ID_LENGTH]


def is_key_id(text: str) -> bool:
    return _KEY_ID.fullmatch(text) is not None


def _random_base62(length: int, random_bytes: RandomBytes) -> str:
    characters: list[str] = []
    while len(characters) < length:
        # 248 is the largest multiple of 62 up to 256. Larger bytes would make some characters more likely.
        characters.extend(_ALPHABET[byte % 62] for byte in random_bytes(length) if byte < 248)
    return "".join(characters[:length])


def _checksum(text: str) -> str:
    value = zlib.crc32(text.encode())
    digits = ""
    for _ in range(_CHECKSUM_LENGTH):
        value, digit = divmod(value, 62)
        digits = _ALPHABET[digit] + digits
    return digits
