"""Owns the passwords of users: Clerk's rules for them, and their scrypt hashes in the store."""

from __future__ import annotations

import hashlib
import hmac
import secrets

from devstack.clerk import errors
from devstack.clerk.store import ClerkStore

_KIND = "password"

# Clerk looks passwords up in a database of breached passwords. These few are enough to test the refusal.
_BREACHED = frozenset(("password", "password1", "password123", "12345678", "123456789", "qwerty123", "iloveyou"))


class Passwords:
    """Stores and compares one hash for each user."""

    def __init__(self, store: ClerkStore) -> None:
        self._store = store

    def check_rules(self, password: str, *, skip_checks: bool = False) -> None:
        """Raises ClerkError 422 for a password that Clerk refuses, unless `skip_checks`."""
        if skip_checks:
            return
        if len(password) < 8:
            raise errors.password_too_short()
        if password.lower() in _BREACHED:
            raise errors.ClerkError(
                422,
                "form_password_pwned",
                "Password has been found in an online data breach. "
                "For account safety, please use a different password.",
                meta={"param_name": "password"},
            )

    def set(self, instance: str, user_id: str, password: str) -> None:
        salt = secrets.token_bytes(16)
        self._store.put(_KIND, instance, user_id, {"salt": salt.hex(), "hash": _hash(password, salt).hex()})

    def matches(self, instance: str, user_id: str, password: str) -> bool:
        stored = self._store.get(_KIND, instance, user_id)
        if stored is None:
            return False
        return hmac.compare_digest(_hash(password, bytes.fromhex(stored["salt"])), bytes.fromhex(stored["hash"]))

    def delete(self, instance: str, user_id: str) -> None:
        self._store.delete(_KIND, instance, user_id)


def _hash(password: str, salt: bytes) -> bytes:
    return hashlib.scrypt(password.encode(), salt=salt, n=1024, r=8, p=1)
