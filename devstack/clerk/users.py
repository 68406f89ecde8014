"""Owns the users of an instance, stored as the Backend API shows them. It does not know sessions."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from devstack.clerk import errors, metadata
from devstack.clerk.config import Instance
from devstack.clerk.ids import new_id
from devstack.clerk.passwords import Passwords
from devstack.clerk.store import ClerkStore, Document, EmailTaken
from devstack.clerk.webhooks import Webhooks
from devstack.kit.clock import Clock

KIND = "user"
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+")

_TEXT_FIELDS = ("first_name", "last_name", "username", "external_id", "locale")
_FLAG_FIELDS = ("delete_self_enabled", "create_organization_enabled", "bypass_client_trust")
_PASSWORD_FIELDS = ("password", "skip_password_checks", "sign_out_of_other_sessions")
# Accepted without effect: the stand-in has no phones, wallets, second factors, pictures or legal consent.
IGNORED_FIELDS = (
    "backup_codes",
    "create_organizations_limit",
    "created_at",
    "legal_accepted_at",
    "notify_primary_email_address_changed",
    "password_digest",
    "password_hasher",
    "phone_number",
    "primary_phone_number_id",
    "primary_web3_wallet_id",
    "profile_image_id",
    "skip_legal_checks",
    "skip_user_requirement",
    "totp_secret",
    "web3_wallet",
)
_CREATE_AND_UPDATE_FIELDS = (*_TEXT_FIELDS, *_FLAG_FIELDS, *_PASSWORD_FIELDS, *IGNORED_FIELDS)
CREATE_FIELDS = (
    *_CREATE_AND_UPDATE_FIELDS,
    *metadata.NAMES,
    "email_address",
    "skip_password_requirement",
    "banned",
    "locked",
)
# Since API version 2026-05-12, metadata has its own endpoint and is refused here.
UPDATE_FIELDS = (*_CREATE_AND_UPDATE_FIELDS, "primary_email_address_id")

_SORTABLE = (
    "created_at",
    "updated_at",
    "email_address",
    "first_name",
    "last_name",
    "username",
    "last_sign_in_at",
    "last_active_at",
)


@dataclass(frozen=True)
class Filter:
    """The filters of GET /users. An empty one does not filter."""

    email_addresses: Sequence[str] = ()
    user_ids: Sequence[str] = ()
    external_ids: Sequence[str] = ()
    usernames: Sequence[str] = ()
    email_address_query: str = ""
    query: str = ""


class Users:
    """Creates, finds, updates and deletes users. Each change sends a webhook."""

    def __init__(self, store: ClerkStore, clock: Clock, passwords: Passwords, webhooks: Webhooks) -> None:
        self._store = store
        self._clock = clock
        self._passwords = passwords
        self._webhooks = webhooks

    def create(
        self, instance: Instance, fields: Mapping[str, Any], *, verified_by: str = "admin", user_id: str | None = None
    ) -> Document:
        """Creates a user with the fields of POST /users. Raises ClerkError 422.

        `verified_by` is the strategy that verified the email address. `user_id` is for demo data; by default the id is new.
        """
        _refuse_unknown(fields, CREATE_FIELDS)
        addresses = _addresses(fields.get("email_address"))
        password = fields.get("password")
        missing = [] if addresses else ["email_address"]
        if not password and not fields.get("skip_password_requirement"):
            missing.append("password")
        if missing:
            raise errors.ClerkError(
                422,
                "form_data_missing",
                "missing data",
                f"{missing} data doesn't match user requirements set for this instance".replace("'", '"'),
                meta={"param_names": missing},
            )
        if password:
            self._passwords.check_rules(password, skip_checks=bool(fields.get("skip_password_checks")))
        now = self._clock.milliseconds()
        user_id = user_id or new_id("user")
        emails = [_email_address(address, verified_by, now) for address in addresses]
        user = _blank(user_id, now) | {
            "email_addresses": emails,
            "primary_email_address_id": emails[0]["id"],
            "password_enabled": bool(password),
            "banned": bool(fields.get("banned")),
            "locked": bool(fields.get("locked")),
        }
        _apply(user, fields)
        for name in metadata.NAMES:
            if fields.get(name) is not None:
                user[name] = metadata.checked(name, fields[name])
        with self._store.transaction():
            for address in addresses:
                self._claim(instance, address, user_id)
            if password:
                self._passwords.set(instance.name, user_id, password)
            self._save(instance, user)
            self._webhooks.emit(instance, "user.created", user)
        return user

    def get(self, instance: Instance, user_id: str) -> Document:
        """The user. Raises ClerkError 404."""
        user = self._store.get(KIND, instance.name, user_id)
        if user is None:
            raise errors.not_found("user", user_id)
        return user

    def find(self, instance: Instance, user_id: str) -> Document | None:
        return self._store.get(KIND, instance.name, user_id)

    def find_by_email(self, instance: Instance, address: str) -> Document | None:
        user_id = self._store.user_id_by_email(instance.name, address)
        return self.find(instance, user_id) if user_id else None

    def list(
        self, instance: Instance, wanted: Filter, *, limit: int = 10, offset: int = 0, order_by: str = "-created_at"
    ) -> list[Document]:
        """One page of users. Raises ClerkError 422 for an unknown `order_by`."""
        found = [user for user in self._store.all(KIND, instance.name) if _matches(user, wanted)]
        key = order_by.lstrip("+-")
        if key not in _SORTABLE:
            raise errors.param_value_invalid("order_by")
        found.sort(key=lambda user: _sort_key(user, key), reverse=order_by.startswith("-"))
        return found[offset : offset + limit]

    def count(self, instance: Instance, wanted: Filter) -> int:
        return sum(_matches(user, wanted) for user in self._store.all(KIND, instance.name))

    def update(
        self, instance: Instance, user_id: str, fields: Mapping[str, Any], *, metadata_too: bool = False
    ) -> Document:
        """PATCH /users/{id}. Raises ClerkError 404 or 422.

        With `metadata_too`, as before API version 2026-05-12, given metadata replaces the old; else it is refused.
        """
        user = self.get(instance, user_id)
        _refuse_unknown(fields, (*UPDATE_FIELDS, *metadata.NAMES) if metadata_too else UPDATE_FIELDS)
        for name in metadata.NAMES:
            if fields.get(name) is not None:
                user[name] = metadata.checked(name, fields[name])
        if fields.get("password"):
            self._passwords.check_rules(fields["password"], skip_checks=bool(fields.get("skip_password_checks")))
        primary = fields.get("primary_email_address_id")
        if primary is not None:
            if all(email["id"] != primary for email in user["email_addresses"]):
                raise errors.not_found("email address", str(primary))
            user["primary_email_address_id"] = primary
        _apply(user, fields)
        with self._store.transaction():
            if fields.get("password"):
                self._passwords.set(instance.name, user_id, fields["password"])
                user["password_enabled"] = True
            return self._changed(instance, user)

    def merge_metadata(self, instance: Instance, user_id: str, fields: Mapping[str, Any]) -> Document:
        """PATCH /users/{id}/metadata: merges each given kind of metadata. Raises ClerkError 404 or 422."""
        user = self.get(instance, user_id)
        _refuse_unknown(fields, metadata.NAMES)
        for name, value in fields.items():
            new = metadata.checked(name, value)
            user[name] = metadata.checked(name, metadata.merge(user[name], new))
        return self._changed(instance, user)

    def replace_metadata(self, instance: Instance, user_id: str, fields: Mapping[str, Any]) -> Document:
        """PUT /users/{id}/metadata: replaces each given kind of metadata. The other kinds stay. Raises ClerkError 404 or 422."""
        user = self.get(instance, user_id)
        _refuse_unknown(fields, metadata.NAMES)
        for name, value in fields.items():
            user[name] = metadata.checked(name, value)
        return self._changed(instance, user)

    def set_restriction(self, instance: Instance, user_id: str, name: str, value: bool) -> Document:
        """Sets `banned` or `locked`."""
        user = self.get(instance, user_id)
        user[name] = value
        return self._changed(instance, user)

    def record_sign_in(self, instance: Instance, user_id: str) -> None:
        """Stores the time of a sign-in. As at Clerk, no event is sent for that alone."""
        user = self.get(instance, user_id)
        user["last_sign_in_at"] = user["last_active_at"] = self._clock.milliseconds()
        self._save(instance, user)

    def delete(self, instance: Instance, user_id: str) -> Document:
        """Deletes a user. The caller must end the user's sessions first. Raises ClerkError 404."""
        user = self.get(instance, user_id)
        deleted = {"id": user_id, "object": "user", "deleted": True}
        if user["external_id"]:
            deleted["external_id"] = user["external_id"]
        with self._store.transaction():
            self._store.delete(KIND, instance.name, user_id)
            self._store.release_emails(instance.name, user_id)
            self._passwords.delete(instance.name, user_id)
            self._webhooks.emit(instance, "user.deleted", deleted)
        return deleted

    def _changed(self, instance: Instance, user: Document) -> Document:
        user["updated_at"] = self._clock.milliseconds()
        with self._store.transaction():
            self._save(instance, user)
            self._webhooks.emit(instance, "user.updated", user)
        return user

    def _save(self, instance: Instance, user: Document) -> None:
        self._store.put(KIND, instance.name, user["id"], user)

    def _claim(self, instance: Instance, address: str, user_id: str) -> None:
        try:
            self._store.claim_email(instance.name, address, user_id)
        except EmailTaken as error:
            raise errors.identifier_exists() from error


def primary_email(user: Document) -> str | None:
    """The user's primary email address, or None."""
    for email in user["email_addresses"]:
        if email["id"] == user["primary_email_address_id"]:
            return email["email_address"]
    return None


def for_browser(user: Document) -> Document:
    """The user as the Frontend API shows it: without private metadata."""
    shown = {key: value for key, value in user.items() if key != "private_metadata"}
    return shown | {"organization_memberships": [], "enterprise_accounts": [], "identifier": primary_email(user)}


def _blank(user_id: str, now_ms: int) -> Document:
    return {
        "id": user_id,
        "object": "user",
        "username": None,
        "first_name": None,
        "last_name": None,
        "locale": None,
        "image_url": f"https://img.clerk.com/{user_id}",
        "has_image": False,
        "primary_email_address_id": None,
        "primary_phone_number_id": None,
        "primary_web3_wallet_id": None,
        "password_enabled": False,
        "two_factor_enabled": False,
        "totp_enabled": False,
        "backup_code_enabled": False,
        "email_addresses": [],
        "phone_numbers": [],
        "web3_wallets": [],
        "passkeys": [],
        "external_accounts": [],
        "saml_accounts": [],
        "enterprise_accounts": [],
        "public_metadata": {},
        "private_metadata": {},
        "unsafe_metadata": {},
        "external_id": None,
        "last_sign_in_at": None,
        "banned": False,
        "locked": False,
        "lockout_expires_in_seconds": None,
        "verification_attempts_remaining": 100,
        "created_at": now_ms,
        "updated_at": now_ms,
        "delete_self_enabled": True,
        "create_organization_enabled": False,
        "last_active_at": None,
        "mfa_enabled_at": None,
        "mfa_disabled_at": None,
        "legal_accepted_at": None,
        "bypass_client_trust": False,
        "profile_image_url": f"https://img.clerk.com/{user_id}",
    }


def _email_address(address: str, verified_by: str, now_ms: int) -> Document:
    return {
        "id": new_id("idn"),
        "object": "email_address",
        "email_address": address,
        "reserved": False,
        "verification": {
            "object": f"verification_{verified_by}",
            "status": "verified",
            "strategy": verified_by,
            "attempts": None,
            "expire_at": None,
        },
        "linked_to": [],
        "matches_sso_connection": False,
        "created_at": now_ms,
        "updated_at": now_ms,
    }


def _apply(user: Document, fields: Mapping[str, Any]) -> None:
    for name in _TEXT_FIELDS:
        if name in fields:
            if fields[name] is not None and not isinstance(fields[name], str):
                raise errors.param_value_invalid(name)
            user[name] = fields[name] or None
    for name in _FLAG_FIELDS:
        if fields.get(name) is not None:
            user[name] = bool(fields[name])


def _addresses(value: Any) -> list[str]:
    if value is None:
        return []
    items = cast("list[Any]", value) if isinstance(value, list) else [None]
    if not all(isinstance(item, str) for item in items):
        raise errors.param_type_invalid("email_address", "array")
    addresses = [str(item).strip().lower() for item in items]
    for address in addresses:
        if not _EMAIL.fullmatch(address):
            raise errors.param_format_invalid("email_address", "email_address must be a valid email address.")
    return addresses


def _refuse_unknown(fields: Mapping[str, Any], known: Sequence[str]) -> None:
    for name in fields:
        if name not in known:
            raise errors.param_unknown(name)


def _matches(user: Document, wanted: Filter) -> bool:
    addresses = {email["email_address"] for email in user["email_addresses"]}
    text = " ".join([user["id"], *addresses, *(user[name] or "" for name in ("username", "first_name", "last_name"))])
    return all(
        (
            not wanted.email_addresses or bool(addresses & {address.lower() for address in wanted.email_addresses}),
            not wanted.user_ids or user["id"] in wanted.user_ids,
            not wanted.external_ids or user["external_id"] in wanted.external_ids,
            not wanted.usernames or user["username"] in wanted.usernames,
            any(wanted.email_address_query.lower() in address for address in addresses)
            or not wanted.email_address_query,
            wanted.query.lower() in text.lower(),
        )
    )


def _sort_key(user: Document, key: str) -> tuple[bool, Any]:
    value = primary_email(user) if key == "email_address" else user[key]
    return (value is not None, value if value is not None else 0)
