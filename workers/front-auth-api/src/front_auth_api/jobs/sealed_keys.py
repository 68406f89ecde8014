"""Encrypts stored secret keys with the current encryption key: once a day, and as soon as there is a new encryption key.

A day after a run has finished, stored answers of idempotency keys have expired too. Then the old encryption key can be removed from
ENCRYPTION_KEYS.
"""

from __future__ import annotations

from dream.crypto import sealing
from dream.crypto.secret_keys import purpose_of, reveal
from dream.db import api_keys
from dream.runtime.bindings import Bound
from dream.runtime.context import Context
from front_auth_api.jobs.nightly import Slice, continue_run

NAME = "sealed_keys"
KEYS_PER_SLICE = 100


async def reseal(context: Context) -> None:
    """Continues the run of this date and this encryption key. It is not a `nightly.job`, so it begins at any hour."""
    await continue_run(context, NAME, f"{context.now()[:10]} {sealing.current_key_id(context)}", slice_)


async def slice_(context: Context, cursor: str) -> Slice:
    """The next secret keys in the order of their hashes. The cursor is the hash of the last key of the slice before."""
    keys = await api_keys.list_sealed(context.db, cursor, KEYS_PER_SLICE)
    statements: list[Bound] = []
    for key in keys:
        if key.sealed and not sealing.is_current(context, key.sealed):
            statements += await _reseal(context, key.secret_key_hash, key.sealed)
    if statements:
        await context.db.batch(statements)
    next_cursor = keys[-1].secret_key_hash if len(keys) == KEYS_PER_SLICE else None
    return Slice(next_cursor, len(keys), len(statements))


async def _reseal(context: Context, secret_key_hash: str, sealed: str) -> list[Bound]:
    """Empty if no configured encryption key decrypts the key. The key still works, but it cannot be shown again."""
    try:
        plain = await reveal(context, secret_key_hash, sealed)
    except sealing.SealBroken as error:
        context.log.error("a secret key can't be encrypted again", hash=secret_key_hash[:16], reason=str(error))
        return []
    resealed = await sealing.seal(context, plain, purpose=purpose_of(secret_key_hash))
    return [api_keys.reseal(secret_key_hash, sealed, resealed)]
