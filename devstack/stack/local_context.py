"""Owns a `Context` under CPython, for programs that seal secret keys as the workers do. It has no storage and no network."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, cast

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from dream.runtime.context import Context
from dream.runtime.logs import Log
from dream.runtime.settings import Settings

NONCE_BYTES = 12


class OpenSslCryptography:
    """AES-GCM with the nonce before the ciphertext, as the workers do with WebCrypto."""

    async def encrypt(self, key: bytes, plaintext: bytes, associated_data: bytes) -> bytes:
        nonce = os.urandom(NONCE_BYTES)
        return nonce + AESGCM(key).encrypt(nonce, plaintext, associated_data)

    async def decrypt(self, key: bytes, sealed: bytes, associated_data: bytes) -> bytes:
        try:
            return AESGCM(key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], associated_data)
        except InvalidTag as error:
            raise ValueError("the text was sealed with another key or for another purpose") from error


def sealing_context(settings: Mapping[str, str]) -> Context:
    """A context that can seal and open secret keys. Every other binding is None."""
    nothing = cast(Any, None)
    return Context(
        db=nothing,
        kv=nothing,
        images=nothing,
        rate_limiter=nothing,
        fetch=nothing,
        cryptography=OpenSslCryptography(),
        settings=Settings(settings.get, required=()),
        wait_until=nothing,
        deliver_effects=nothing,
        log=Log("devstack", "-"),
        request_id="-",
    )
