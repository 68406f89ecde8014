"""AES-GCM of WebCrypto."""

from __future__ import annotations

import os
from collections.abc import Awaitable
from typing import Any

import js
from pyodide.ffi import JsException, to_js

from dream.cloudflare.values import js_object


class WebCrypto:
    """Encrypts and decrypts with AES-GCM. The nonce (12 bytes) goes before the ciphertext."""

    async def encrypt(self, key: bytes, plaintext: bytes, associated_data: bytes) -> bytes:
        nonce = os.urandom(12)
        sealed = await js.crypto.subtle.encrypt(_aes_gcm(nonce, associated_data), await _aes_key(key), to_js(plaintext))
        return nonce + sealed.to_bytes()

    async def decrypt(self, key: bytes, sealed: bytes, associated_data: bytes) -> bytes:
        try:
            opened = await js.crypto.subtle.decrypt(
                _aes_gcm(sealed[:12], associated_data), await _aes_key(key), to_js(sealed[12:])
            )
        except (OSError, JsException):
            raise ValueError("this key did not encrypt these bytes") from None
        return opened.to_bytes()


def _aes_gcm(nonce: bytes, associated_data: bytes) -> Any:
    return js_object({"name": "AES-GCM", "iv": to_js(nonce), "additionalData": to_js(associated_data)})


def _aes_key(key: bytes) -> Awaitable[Any]:
    return js.crypto.subtle.importKey("raw", to_js(key), "AES-GCM", False, to_js(["encrypt", "decrypt"]))
