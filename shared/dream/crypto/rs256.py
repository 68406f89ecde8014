"""RS256 for PyJWT: RSASSA-PKCS1-v1_5 with SHA-256 (RFC 8017, section 8.2.2), with Python integers. It verifies and never signs.

PyJWT has RS256 only if the package `cryptography` is installed, and Workers cannot install it. So this module runs both in Workers
and in tests. A public key has its own type, so that its text can never be used as the secret of another algorithm.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from jwt import InvalidKeyError
from jwt.algorithms import Algorithm

PUBLIC_EXPONENT = 65537
MINIMUM_BITS = 2048
MAXIMUM_BITS = 4096

# The DER of a DigestInfo for SHA-256, without the digest at its end (RFC 8017, section 9.2, note 1).
_DIGEST_INFO = bytes.fromhex("3031300d060960864801650304020105000420")
# The DER of the AlgorithmIdentifier rsaEncryption with NULL parameters (RFC 3279, section 2.3.1).
_RSA_ENCRYPTION = bytes.fromhex("300d06092a864886f70d0101010500")
_PEM = re.compile(r"-----BEGIN PUBLIC KEY-----([A-Za-z0-9+/=\s]+)-----END PUBLIC KEY-----", re.ASCII)
_BASE64URL = re.compile(r"[A-Za-z0-9_-]*", re.ASCII)


class UnusableKey(ValueError):
    """The key cannot be used to verify RS256 signatures."""


@dataclass(frozen=True, slots=True)
class RsaPublicKey:
    """An RSA public key. It holds the modulus only, because the exponent is always 65537."""

    modulus: int

    @classmethod
    def of(cls, modulus: int, exponent: int) -> RsaPublicKey:
        """Raises UnusableKey if the exponent is not 65537, or if the modulus has fewer than 2048 or more than 4096 bits."""
        if exponent != PUBLIC_EXPONENT or not MINIMUM_BITS <= modulus.bit_length() <= MAXIMUM_BITS:
            raise UnusableKey(f"exponent {exponent}, {modulus.bit_length()} bits")
        return cls(modulus)

    @classmethod
    def from_jwk(cls, jwk: Mapping[str, Any]) -> RsaPublicKey:
        """Reads a JWK (RFC 7517). Raises UnusableKey if the key is not for RS256 signatures."""
        if jwk.get("kty") != "RSA" or jwk.get("use", "sig") != "sig" or jwk.get("alg", "RS256") != "RS256":
            raise UnusableKey("not a key for RS256 signatures")
        try:
            modulus, exponent = (int.from_bytes(base64url_decode(jwk[name]), "big") for name in ("n", "e"))
        except (KeyError, TypeError, ValueError) as error:
            raise UnusableKey("the JWK has no n and e") from error
        return cls.of(modulus, exponent)

    @classmethod
    def from_pem(cls, pem: str) -> RsaPublicKey:
        """Reads a PEM with a SubjectPublicKeyInfo. A literal `\\n` counts as a line break. Raises UnusableKey."""
        found = _PEM.fullmatch(pem.replace("\\n", "\n").strip())
        if found is None:
            raise UnusableKey("not a PEM public key")
        try:
            return cls.of(*_modulus_and_exponent(base64.b64decode("".join(found[1].split()), validate=True)))
        except (binascii.Error, IndexError) as error:
            raise UnusableKey("not a PEM public key") from error

    def verifies(self, message: bytes, signature: bytes) -> bool:
        """Whether this key signed the message. The whole padded block is compared; it is never parsed."""
        size = (self.modulus.bit_length() + 7) // 8
        number = int.from_bytes(signature, "big")
        if len(signature) != size or number >= self.modulus:
            return False
        digest = hashlib.sha256(message).digest()
        padding = b"\xff" * (size - len(_DIGEST_INFO) - len(digest) - 3)
        expected = b"\x00\x01" + padding + b"\x00" + _DIGEST_INFO + digest
        return pow(number, PUBLIC_EXPONENT, self.modulus) == int.from_bytes(expected, "big")


class RS256(Algorithm):
    """RS256 as an algorithm of PyJWT. Register it with a PyJWS that has no other algorithm."""

    def prepare_key(self, key: object) -> RsaPublicKey:
        """Raises InvalidKeyError if the key is not an RsaPublicKey. A text is never read as a key."""
        if not isinstance(key, RsaPublicKey):
            raise InvalidKeyError("not an RsaPublicKey")
        return key

    def verify(self, msg: bytes, key: RsaPublicKey, sig: bytes) -> bool:
        return key.verifies(msg, sig)

    def sign(self, msg: bytes, key: RsaPublicKey) -> NoReturn:
        raise NotImplementedError("Workers hold no private key.")

    @staticmethod
    def from_jwk(jwk: str | dict[str, Any]) -> RsaPublicKey:
        """Reads a JWK that is parsed already. Raises UnusableKey."""
        if isinstance(jwk, str):
            raise UnusableKey("a JWK in text")
        return RsaPublicKey.from_jwk(jwk)

    @staticmethod
    def to_jwk(key_obj: RsaPublicKey, as_dict: bool = False) -> NoReturn:
        raise NotImplementedError("Workers publish no key.")


def base64url_decode(text: str) -> bytes:
    """Decodes base64url without padding (RFC 7515, section 2). Raises ValueError unless the text is the only spelling of its value."""
    if _BASE64URL.fullmatch(text) is None:
        raise ValueError("not base64url")
    decoded = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if base64.urlsafe_b64encode(decoded).rstrip(b"=") != text.encode():
        raise ValueError("not the canonical base64url")
    return decoded


def _modulus_and_exponent(spki: bytes) -> tuple[int, int]:
    outer, rest = _der(spki, 0x30)
    if rest or not outer.startswith(_RSA_ENCRYPTION):
        raise UnusableKey("not an RSA public key")
    bits, rest = _der(outer[len(_RSA_ENCRYPTION) :], 0x03)
    if rest or bits[:1] != b"\x00":
        raise UnusableKey("the bit string is not whole bytes")
    numbers, rest = _der(bits[1:], 0x30)
    if rest:
        raise UnusableKey("unexpected bytes at the end")
    modulus, rest = _der(numbers, 0x02)
    exponent, rest = _der(rest, 0x02)
    return int.from_bytes(modulus, "big"), int.from_bytes(exponent, "big")


def _der(data: bytes, tag: int) -> tuple[bytes, bytes]:
    """The contents of the first DER element, which must have this tag, and the bytes after it."""
    if data[0] != tag:
        raise UnusableKey(f"expected DER tag {tag:#x}, found {data[0]:#x}")
    length, start = data[1], 2
    if length & 0x80:
        start += length & 0x7F
        length = int.from_bytes(data[2:start], "big")
    if len(data) < start + length:
        raise UnusableKey("the DER ends too early")
    return data[start : start + length], data[start + length :]
