"""Secret keys as they are made and shown again: hashed for look-up, sealed for display, masked for everything else."""

from __future__ import annotations

import os
from dataclasses import dataclass

from dream.crypto import sealing
from dream.domain.keys import Mode, hash_secret, make_key, mask
from dream.runtime.bindings import Row
from dream.runtime.context import Context


@dataclass(frozen=True, slots=True)
class NewSecretKey:
    """A secret key that no row holds yet. `plain` goes into one answer and nowhere else."""

    plain: str
    secret_hash: str
    masked: str
    sealed: str


async def make_secret_key(context: Context, mode: Mode) -> NewSecretKey:
    plain = make_key("sk", mode, os.urandom)
    secret_hash = hash_secret(plain)
    return NewSecretKey(
        plain, secret_hash, mask(plain), await sealing.seal(context, plain, purpose=_purpose(secret_hash))
    )


async def reveal(context: Context, row: Row) -> str:
    """The plain key of a row with `secretKeyHash` and `secretKeyEncrypted`. Raises vault.SealBroken."""
    return await sealing.open_sealed(context, row["secretKeyEncrypted"], purpose=_purpose(row["secretKeyHash"]))


def _purpose(secret_hash: str) -> str:
    return f"secret_key:{secret_hash}"
