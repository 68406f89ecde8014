"""Owns the RSA signing keys of each instance: creates, stores and rotates them, and publishes them as a JWKS."""

from __future__ import annotations

import base64
from functools import lru_cache
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from devstack.clerk.config import Instance
from devstack.clerk.ids import new_id
from devstack.clerk.store import ClerkStore, Document

_KIND = "signingKey"


class Keys:
    """Signs with the newest key of an instance. Tokens of all its published keys verify."""

    def __init__(self, store: ClerkStore) -> None:
        self._store = store

    def ensure(self, instance: Instance) -> None:
        """Creates a key if the instance has none."""
        if not self._store.all(_KIND, instance.name):
            self._make(instance)

    def rotate(self, instance: Instance, *, keep_old: bool) -> str:
        """Creates a new signing key and returns its `kid`. If not `keep_old`, deletes the old keys from the JWKS."""
        if not keep_old:
            for document in self._store.all(_KIND, instance.name):
                self._store.delete(_KIND, instance.name, document["kid"])
        return self._make(instance)["kid"]

    def sign(self, instance: Instance, claims: dict[str, Any], headers: dict[str, Any] | None = None) -> str:
        """A JWT, signed with RS256. `headers` may replace `kid`."""
        current = self._current(instance)
        return jwt.encode(
            claims,
            _private(current),
            algorithm="RS256",
            headers={"cat": "cl_B7d4PD111AAA", "kid": current["kid"], "typ": "JWT", **(headers or {})},
        )

    def decode(self, instance: Instance, token: str) -> dict[str, Any]:
        """The claims of a token that this instance signed, also an expired one. Raises jwt.InvalidTokenError."""
        kid = jwt.get_unverified_header(token).get("kid")
        for document in self._store.all(_KIND, instance.name):
            if document["kid"] == kid:
                return jwt.decode(
                    token,
                    _private(document).public_key(),
                    algorithms=["RS256"],
                    options={"verify_exp": False, "verify_nbf": False, "verify_iat": False, "verify_aud": False},
                )
        raise jwt.InvalidTokenError("no key of this instance signed the token")

    def jwks(self, instance: Instance) -> dict[str, Any]:
        return {"keys": [_jwk(document) for document in self._store.all(_KIND, instance.name)]}

    def public_pem(self, instance: Instance) -> str:
        """The newest public key as PEM. Clerk's dashboard calls it the JWKS public key."""
        public = _private(self._current(instance)).public_key()
        return public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()

    def current_kid(self, instance: Instance) -> str:
        return self._current(instance)["kid"]

    def _current(self, instance: Instance) -> Document:
        return self._store.all(_KIND, instance.name)[-1]

    def _make(self, instance: Instance) -> Document:
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        document = {"kid": new_id("ins"), "privateKeyPem": pem.decode()}
        self._store.put(_KIND, instance.name, document["kid"], document)
        return document


def _private(document: Document) -> rsa.RSAPrivateKey:
    return _parse(document["privateKeyPem"])


@lru_cache(maxsize=32)
def _parse(pem: str) -> rsa.RSAPrivateKey:
    key = serialization.load_pem_private_key(pem.encode(), password=None)
    assert isinstance(key, rsa.RSAPrivateKey)
    return key


def _jwk(document: Document) -> dict[str, Any]:
    numbers = _private(document).public_key().public_numbers()
    return {
        "use": "sig",
        "kty": "RSA",
        "kid": document["kid"],
        "alg": "RS256",
        "n": _base64url(numbers.n),
        "e": _base64url(numbers.e),
    }


def _base64url(number: int) -> str:
    raw = number.to_bytes((number.bit_length() + 7) // 8, "big")
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
