"""New secret keys, and stored ones shown again. A key is hashed for look-ups, sealed for display, and masked everywhere else."""

from __future__ import annotations

import os
from dataclasses import dataclass

from dream.crypto import sealing
from dream.domain.keys import Mode, hash_secret, make_key, mask
from dream.runtime.context import Context


@dataclass(frozen=True, slots=True)
class NewSecretKey:
    """A secret key that is not stored yet. `plain` goes into one answer and nowhere else."""

    plain: str
    secret_hash: str
    masked: str
    sealed: str


async def make_secret_key(context: Context, mode: Mode) -> NewSecretKey:
    plain = make_key("sk", mode, os.urandom)
    secret_hash = hash_secret(plain)
    return NewSecretKey(
        plain, secret_hash, mask(plain), await sealing.seal(context, plain, purpose=purpose_of(secret_hash))
    )


async def reveal(context: Context, secret_key_hash: str, sealed: str) -> str:
    """The plain key of a stored secret key. Raises sealing.SealBroken."""
    return await sealing.open_sealed(context, sealed, purpose=purpose_of(secret_key_hash))


def purpose_of(secret_hash: str) -> str:
    """What a secret key is sealed for: its own hash, so that it cannot be moved to another row."""
    return f"secret_key:{secret_hash}"
