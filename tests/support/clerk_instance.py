"""A minimal Clerk instance: an RSA key, its JWKS, session tokens as Clerk signs them, and forged ones."""

from __future__ import annotations

import base64
import functools
import hashlib
import hmac
import json
import time
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm


@functools.cache
def rsa_key(name: str, bits: int = 2048) -> rsa.RSAPrivateKey:
    """One key per name, made once."""
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


def base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Instance:
    """Signs tokens as one Clerk instance. `kid` is the id of its key."""

    def __init__(self, name: str, kid: str = "ins_key") -> None:
        self.issuer = f"https://{name}.clerk.accounts.dev"
        self.kid = kid
        self.private_key = rsa_key(name)

    @property
    def jwks_url(self) -> str:
        return f"{self.issuer}/.well-known/jwks.json"

    @property
    def pem(self) -> str:
        public = self.private_key.public_key()
        encoding, layout = serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        return public.public_bytes(encoding, layout).decode()

    def jwk(self, **changes: Any) -> dict[str, Any]:
        public: dict[str, Any] = RSAAlgorithm.to_jwk(self.private_key.public_key(), as_dict=True)
        return {**public, "use": "sig", "alg": "RS256", "kid": self.kid, **changes}

    def claims(self, **changes: Any) -> dict[str, Any]:
        """The claims of a session token, with changes. None removes a claim."""
        now = int(time.time())
        claims: dict[str, Any] = {
            "azp": "https://app.example",
            "exp": now + 60,
            "fva": [0, -1],
            "iat": now,
            "iss": self.issuer,
            "nbf": now - 10,
            "sid": "sess_1",
            "sts": "active",
            "sub": "user_1",
            "v": 2,
        }
        return {name: value for name, value in {**claims, **changes}.items() if value is not None}

    def token(self, headers: dict[str, Any] | None = None, **changes: Any) -> str:
        """A token signed with this instance's key. `headers` go over `alg`, `typ` and `kid`."""
        named = {"kid": self.kid, "typ": "JWT", **(headers or {})}
        return jwt.encode(self.claims(**changes), self.private_key, algorithm="RS256", headers=named)

    def token_with_header(self, header: dict[str, Any], **changes: Any) -> str:
        """A token with exactly this header, correctly signed."""
        signed = f"{base64url(json.dumps(header).encode())}.{base64url(json.dumps(self.claims(**changes)).encode())}"
        signature = RSAAlgorithm(RSAAlgorithm.SHA256).sign(signed.encode(), self.private_key)
        return f"{signed}.{base64url(signature)}"

    def unsigned_token(self, **changes: Any) -> str:
        """`alg: none`."""
        header = {"alg": "none", "typ": "JWT", "kid": self.kid}
        return f"{base64url(json.dumps(header).encode())}.{base64url(json.dumps(self.claims(**changes)).encode())}."

    def token_signed_with_public_key(self, **changes: Any) -> str:
        """HS256 with the PEM of the public key as the secret, made by hand: pyjwt refuses to."""
        header = {"alg": "HS256", "typ": "JWT", "kid": self.kid}
        signed = f"{base64url(json.dumps(header).encode())}.{base64url(json.dumps(self.claims(**changes)).encode())}"
        return f"{signed}.{base64url(hmac.new(self.pem.encode(), signed.encode(), hashlib.sha256).digest())}"
