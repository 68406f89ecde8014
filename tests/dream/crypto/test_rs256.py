"""RS256 signatures verify exactly as in the cryptography library, and weak keys are refused."""

from __future__ import annotations

import base64
import json
import textwrap
from typing import Any, cast

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from jwt import InvalidKeyError, InvalidSignatureError, PyJWS

from dream.crypto.rs256 import RS256, RsaPublicKey, UnusableKey, base64url_decode
from tests.support.clerk_instance import Instance, rsa_key

MESSAGE = b"header.payload"


@pytest.fixture(scope="module")
def private_key() -> rsa.RSAPrivateKey:
    return rsa_key("developers")


@pytest.fixture(scope="module")
def key() -> RsaPublicKey:
    return RsaPublicKey.from_jwk(Instance("developers").jwk())


def sign(private_key: rsa.RSAPrivateKey, algorithm: hashes.HashAlgorithm | None = None) -> bytes:
    return private_key.sign(MESSAGE, padding.PKCS1v15(), algorithm or hashes.SHA256())


def test_a_signature_made_by_another_library_verifies(private_key: rsa.RSAPrivateKey, key: RsaPublicKey) -> None:
    assert key.verifies(MESSAGE, sign(private_key))
    assert not key.verifies(MESSAGE + b".", sign(private_key))


@pytest.mark.parametrize("bits", [2049, 3072, 4096])
def test_keys_of_other_sizes_verify(bits: int) -> None:
    private_key = rsa_key(f"bits {bits}", bits)
    public = private_key.public_key().public_numbers()
    assert RsaPublicKey.of(public.n, public.e).verifies(MESSAGE, sign(private_key))


def test_every_flipped_byte_of_a_signature_breaks_it(private_key: rsa.RSAPrivateKey, key: RsaPublicKey) -> None:
    signature = sign(private_key)
    for index in range(0, len(signature), 17):
        flipped = signature[:index] + bytes([signature[index] ^ 1]) + signature[index + 1 :]
        assert not key.verifies(MESSAGE, flipped)


def test_the_same_number_spelled_otherwise_is_no_signature(private_key: rsa.RSAPrivateKey, key: RsaPublicKey) -> None:
    signature = sign(private_key)
    size = len(signature)
    number = int.from_bytes(signature, "big")
    assert not key.verifies(MESSAGE, b"\x00" + signature)
    assert not key.verifies(MESSAGE, signature[1:])
    assert not key.verifies(MESSAGE, b"")
    assert not key.verifies(MESSAGE, (number + key.modulus).to_bytes(size + 1, "big")[-size:])
    assert not key.verifies(MESSAGE, key.modulus.to_bytes(size, "big"))


def test_other_hashes_and_paddings_do_not_verify(private_key: rsa.RSAPrivateKey, key: RsaPublicKey) -> None:
    assert not key.verifies(MESSAGE, sign(private_key, hashes.SHA512()))
    pss = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH)
    assert not key.verifies(MESSAGE, private_key.sign(MESSAGE, pss, hashes.SHA256()))


def test_short_padding_with_rubbish_behind_it_does_not_verify(
    private_key: rsa.RSAPrivateKey, key: RsaPublicKey
) -> None:
    """Bleichenbacher's forgery of 2006, which works on verifiers that parse the padding. The test makes it with the private key."""
    numbers = private_key.private_numbers()
    good = pow(int.from_bytes(sign(private_key), "big"), key_exponent(private_key), key.modulus)
    size = (key.modulus.bit_length() + 7) // 8
    digest_info = good.to_bytes(size, "big")[-51:]
    block = b"\x00\x01" + b"\xff" * 8 + b"\x00" + digest_info + b"\x11" * (size - 11 - len(digest_info))
    forged = pow(int.from_bytes(block, "big"), numbers.d, key.modulus)
    assert not key.verifies(MESSAGE, forged.to_bytes(size, "big"))


def key_exponent(private_key: rsa.RSAPrivateKey) -> int:
    return private_key.public_key().public_numbers().e


def test_a_pem_and_a_jwk_are_the_same_key(key: RsaPublicKey) -> None:
    pem = Instance("developers").pem
    assert RsaPublicKey.from_pem(pem) == key
    assert RsaPublicKey.from_pem(pem.replace("\n", "\\n")) == key
    assert RsaPublicKey.from_pem(textwrap.indent(pem, "  ")) == key


@pytest.mark.parametrize(
    "changes",
    [
        {"kty": "oct", "k": "c2VjcmV0"},
        {"use": "enc"},
        {"alg": "HS256"},
        {"alg": "PS256"},
        {"n": 5},
        {"e": "AQ"},
        {"n": "!"},
    ],
)
def test_a_jwk_for_anything_else_is_unusable(changes: dict[str, object]) -> None:
    with pytest.raises(UnusableKey):
        RsaPublicKey.from_jwk(Instance("developers").jwk(**changes))


def test_weak_keys_are_unusable() -> None:
    with pytest.raises(UnusableKey):
        RsaPublicKey.of((1 << 1023) + 1, 65537)
    with pytest.raises(UnusableKey):
        RsaPublicKey.of((1 << 2047) + 1, 3)
    with pytest.raises(UnusableKey):
        RsaPublicKey.of((1 << 8191) + 1, 65537)


def test_a_pem_of_anything_else_is_unusable() -> None:
    curve = ec.generate_private_key(ec.SECP256R1()).public_key()
    layout = serialization.PublicFormat.SubjectPublicKeyInfo
    elliptic = curve.public_bytes(serialization.Encoding.PEM, layout).decode()
    cut_short = base64.b64encode(base64.b64decode("".join(Instance("developers").pem.split("\n")[1:-2]))[:100]).decode()
    for pem in (
        elliptic,
        "",
        "-----BEGIN PUBLIC KEY-----\nAA\n-----END PUBLIC KEY-----",
        f"-----BEGIN PUBLIC KEY-----\n{cut_short}\n-----END PUBLIC KEY-----",
    ):
        with pytest.raises(UnusableKey):
            RsaPublicKey.from_pem(pem)


def jws() -> PyJWS:
    signatures = PyJWS(algorithms=[])
    signatures.register_algorithm("RS256", RS256())
    return signatures


def test_pyjwt_verifies_with_it_and_knows_no_other_algorithm(private_key: rsa.RSAPrivateKey, key: RsaPublicKey) -> None:
    assert jws().get_algorithms() == ["RS256"]
    token = PyJWS().encode(b"payload", private_key, algorithm="RS256")
    assert jws().decode(token, cast("Any", key), algorithms=["RS256"]) == b"payload"
    tampered = f"{token[:-8]}{'A' * 8}"
    with pytest.raises(InvalidSignatureError):
        jws().decode(tampered, cast("Any", key), algorithms=["RS256"])


def test_only_our_own_type_is_a_key(private_key: rsa.RSAPrivateKey) -> None:
    token = PyJWS().encode(b"payload", private_key, algorithm="RS256")
    pem = Instance("developers").pem
    for other in (pem, pem.encode(), private_key.public_key()):
        with pytest.raises(InvalidKeyError):
            jws().decode(token, cast("Any", other), algorithms=["RS256"])


def test_it_neither_signs_nor_publishes(key: RsaPublicKey) -> None:
    with pytest.raises(NotImplementedError):
        jws().encode(b"payload", cast("Any", key), algorithm="RS256")
    with pytest.raises(NotImplementedError):
        RS256.to_jwk(key)
    with pytest.raises(UnusableKey):
        RS256.from_jwk(json.dumps(Instance("developers").jwk()))


def test_base64url_has_one_spelling_per_value() -> None:
    assert base64url_decode("AQ") == b"\x01"
    for other in ("AR", "AQ==", "A Q", "AQ\n", "A", "+/", "ÄQ"):
        with pytest.raises(ValueError, match=r"base64|padded|multiple of 4|data characters"):
            base64url_decode(other)
