"""Encryption of secrets that must be shown again. To seal is to encrypt with AES-GCM; to open is to decrypt.

The encryption keys are the Worker secret ENCRYPTION_KEYS. A sealed text names its key, so that keys can be rotated. The purpose of a
text is part of the encryption: a text that was sealed for one row does not open for another row.
"""

from __future__ import annotations

import base64
import binascii

from dream.runtime.context import Context

_FORMAT = "v1"


class SealBroken(Exception):
    """No key of ENCRYPTION_KEYS opens this text for this purpose."""


async def seal(context: Context, plaintext: str, *, purpose: str) -> str:
    """Encrypts with the first of ENCRYPTION_KEYS. Returns `v1.{key id}.{base64url}`."""
    key_id = current_key_id(context)
    sealed = await context.cryptography.encrypt(_keys(context)[key_id], plaintext.encode(), purpose.encode())
    return f"{_FORMAT}.{key_id}.{base64.urlsafe_b64encode(sealed).decode()}"


async def open_sealed(context: Context, sealed: str, *, purpose: str) -> str:
    """Decrypts and returns the plain text. Raises SealBroken."""
    try:
        version, key_id, body = sealed.split(".")
        key = _keys(context)[key_id]
        if version != _FORMAT:
            raise SealBroken(f"unknown format {version}")
        return (await context.cryptography.decrypt(key, base64.urlsafe_b64decode(body), purpose.encode())).decode()
    except (ValueError, KeyError, binascii.Error) as error:
        raise SealBroken("no key of ENCRYPTION_KEYS opens it") from error


def current_key_id(context: Context) -> str:
    """The id of the key that seals new texts: the first of ENCRYPTION_KEYS."""
    return next(iter(_keys(context)))


def is_current(context: Context, sealed: str) -> bool:
    """Whether the text is sealed with the key that seals new texts."""
    return sealed.split(".")[1:2] == [current_key_id(context)]


def _keys(context: Context) -> dict[str, bytes]:
    """Parses ENCRYPTION_KEYS, which reads `id:base64,id:base64`. The first key seals; each of them opens."""
    pairs = (entry.strip().partition(":") for entry in context.settings.text("ENCRYPTION_KEYS").split(","))
    return {key_id: base64.b64decode(encoded) for key_id, _, encoded in pairs}
