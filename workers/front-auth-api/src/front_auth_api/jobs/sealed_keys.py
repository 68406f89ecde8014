"""Secret keys that are sealed under an earlier encryption key are sealed anew, as soon as there is a new one and once a date.

When a run has finished, and a day later when kept answers have lapsed too, the earlier key may be taken out of ENCRYPTION_KEYS.
"""

from __future__ import annotations

from dream.crypto import sealing
from dream.crypto.secret_keys import reveal
from dream.db import api_keys
from dream.runtime.bindings import Bound, Row
from dream.runtime.context import Context
from front_auth_api.jobs.nightly import Slice, go_on

NAME = "sealed_keys"
KEYS_PER_SLICE = 100


async def reseal(context: Context) -> None:
    """Goes on with the run of this date and this encryption key."""
    await go_on(context, NAME, f"{context.now()[:10]} {sealing.current_key_id(context)}", slice_)


async def slice_(context: Context, cursor: str) -> Slice:
    """The next keys in the order of their hashes."""
    rows = await api_keys.list_sealed(context.db, cursor, KEYS_PER_SLICE)
    outdated = [
        row for row in rows if row["secretKeyEncrypted"] and not sealing.is_current(context, row["secretKeyEncrypted"])
    ]
    bound = [statement for row in outdated if (statement := await _resealed(context, row)) is not None]
    if bound:
        await context.db.batch(bound)
    behind = rows[-1]["secretKeyHash"] if len(rows) == KEYS_PER_SLICE else None
    return Slice(behind, len(rows), len(bound))


async def _resealed(context: Context, row: Row) -> Bound | None:
    """None for a key that no configured encryption key opens: it works as before, but can't be shown again."""
    secret_key_hash: str = row["secretKeyHash"]
    try:
        plain = await reveal(context, row)
    except sealing.SealBroken as error:
        context.log.error("a secret key can't be resealed", hash=secret_key_hash[:16], reason=str(error))
        return None
    sealed = await sealing.seal(context, plain, purpose=f"secret_key:{secret_key_hash}")
    return api_keys.reseal(secret_key_hash, row["secretKeyEncrypted"], sealed)
