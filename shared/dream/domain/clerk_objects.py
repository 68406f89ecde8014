"""Clerk's objects as frozen values: what the product reads of them. Moments are ISO 8601 UTC."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dream.domain.timestamps import iso


@dataclass(frozen=True, slots=True)
class ClerkUser:
    """A user. `email` is the primary email address; `email_verified` says whether Clerk has verified it."""

    id: str
    email: str | None
    email_verified: bool
    first_name: str | None
    last_name: str | None
    public_metadata: Mapping[str, Any]
    created_at: str
    updated_at: str

    @classmethod
    def from_clerk(cls, user: Mapping[str, Any]) -> ClerkUser:
        """Reads a user of the Backend API, or the `data` of a `user.created` or `user.updated` webhook."""
        primary = _primary_email(user["email_addresses"], user["primary_email_address_id"])
        return cls(
            id=user["id"],
            email=None if primary is None else primary["email_address"],
            email_verified=primary is not None and _is_verified(primary),
            first_name=user["first_name"] or None,
            last_name=user["last_name"] or None,
            public_metadata=user["public_metadata"] or {},
            created_at=iso(user["created_at"] / 1000),
            updated_at=iso(user["updated_at"] / 1000),
        )

    @property
    def publishable_key(self) -> str | None:
        """The publishable key of the project in the user's public metadata, or None."""
        publishable_key = self.public_metadata.get("publishableKey")
        return publishable_key if isinstance(publishable_key, str) else None


def _primary_email(addresses: Sequence[Mapping[str, Any]], primary_id: str | None) -> Mapping[str, Any] | None:
    return next((address for address in addresses if address["id"] == primary_id), None)


def _is_verified(address: Mapping[str, Any]) -> bool:
    verification = address["verification"]
    return verification is not None and verification["status"] == "verified"
