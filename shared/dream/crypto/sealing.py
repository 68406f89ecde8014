"""Sealing of what must be shown again: AES-GCM under a key that is a Worker secret, named in each sealed text so that it can be
rotated. The purpose is bound in: what was sealed for one row does not open in another.
"""

from __future__ import annotations

import base64
import binascii

from dream.runtime.context import Context

_FORMAT = "v1"


class SealBroken(Exception):
    """A sealed text that no key of ours opens for this purpose."""


async def seal(context: Context, plaintext: str, *, purpose: str) -> str:
    """`v1.{key id}.{base64url}`, under the first of ENCRYPTION_KEYS."""
    key_id = current_key_id(context)
    sealed = await context.cryptography.encrypt(_keys(context)[key_id], plaintext.encode(), purpose.encode())
    return f"{_FORMAT}.{key_id}.{base64.urlsafe_b64encode(sealed).decode()}"


async def open_sealed(context: Context, sealed: str, *, purpose: str) -> str:
    """The plain text. Raises SealBroken."""
    try:
        version, key_id, body = sealed.split(".")
        key = _keys(context)[key_id]
        if version != _FORMAT:
            raise SealBroken(f"format {version}")
        return (await context.cryptography.decrypt(key, base64.urlsafe_b64decode(body), purpose.encode())).decode()
    except (ValueError, KeyError, binascii.Error) as error:
        raise SealBroken("not sealed by a key that is configured") from error


def current_key_id(context: Context) -> str:
    """The name of the key that seals now."""
    return next(iter(_keys(context)))


def is_current(context: Context, sealed: str) -> bool:
    """Whether the text is sealed under the key that seals now."""
    return sealed.split(".")[1:2] == [current_key_id(context)]


def _keys(context: Context) -> dict[str, bytes]:
    """ENCRYPTION_KEYS, `id:base64,id:base64`: the first one seals, all of them open."""
    pairs = (entry.strip().partition(":") for entry in context.settings.text("ENCRYPTION_KEYS").split(","))
    return {key_id: base64.b64decode(encoded) for key_id, _, encoded in pairs}
