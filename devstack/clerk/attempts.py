"""Owns sign-in and sign-up, with a password or a ticket, and the attempt objects that clerk-js reads.

Email addresses are verified at once: the stand-in sends no codes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from devstack.clerk import errors
from devstack.clerk.config import Instance
from devstack.clerk.ids import new_id
from devstack.clerk.stand_in import StandIn
from devstack.clerk.store import Document
from devstack.clerk.users import primary_email


def sign_in(stand_in: StandIn, instance: Instance, client: Document, fields: Mapping[str, str]) -> Document:
    """Starts a sign-in. Completes it if there is a ticket or a password; else stores it in the client for `attempt_password`.

    Raises ClerkError 400, 403 or 422.
    """
    _refuse_second_session(stand_in, instance, client)
    strategy = fields.get("strategy", "")
    if strategy == "ticket" or fields.get("ticket"):
        user = stand_in.sign_in_tokens.consume(instance, fields.get("ticket", ""))
        return _complete_sign_in(stand_in, instance, client, _new_sign_in(user), user, "ticket")
    if not fields.get("identifier"):
        raise errors.param_missing("identifier")
    user = stand_in.users.find_by_email(instance, fields["identifier"].strip())
    if user is None:
        raise errors.identifier_not_found()
    attempt = _new_sign_in(user)
    if fields.get("password"):
        return attempt_password(stand_in, instance, client, attempt, fields["password"])
    client["sign_in"] = attempt
    stand_in.sessions.save_client(instance, client)
    return attempt


def attempt_password(
    stand_in: StandIn, instance: Instance, client: Document, attempt: Document, password: str
) -> Document:
    """Completes a started sign-in with its password. Raises ClerkError 403 or 422."""
    user = stand_in.users.find_by_email(instance, attempt["identifier"])
    if user is None:
        raise errors.identifier_not_found()
    if not stand_in.passwords.matches(instance.name, user["id"], password):
        raise errors.password_incorrect()
    return _complete_sign_in(stand_in, instance, client, attempt, user, "password")


def sign_up(stand_in: StandIn, instance: Instance, client: Document, fields: Mapping[str, str]) -> Document:
    """Creates the user and the session. Returns the completed attempt. Raises ClerkError 400 or 422."""
    _refuse_second_session(stand_in, instance, client)
    wanted: dict[str, Any] = {
        name: fields[name] for name in ("first_name", "last_name", "username", "password") if fields.get(name)
    }
    address = fields.get("email_address", "").strip()
    wanted["email_address"] = [address] if address else []
    user = stand_in.users.create(instance, wanted, verified_by="email_code")
    session = stand_in.sessions.create(instance, user["id"], client=client)
    attempt: Document = {
        "object": "sign_up_attempt",
        "id": new_id("sua"),
        "status": "complete",
        "required_fields": ["email_address", "password"],
        "optional_fields": ["first_name", "last_name"],
        "missing_fields": [],
        "unverified_fields": [],
        "verifications": {
            "email_address": {"status": "verified", "strategy": "email_code", "next_action": ""},
            "phone_number": None,
            "web3_wallet": None,
            "external_account": None,
        },
        "username": user["username"],
        "email_address": address.lower(),
        "phone_number": None,
        "web3_wallet": None,
        "has_password": True,
        "first_name": user["first_name"],
        "last_name": user["last_name"],
        "unsafe_metadata": {},
        "public_metadata": {},
        "custom_action": False,
        "external_id": None,
        "created_session_id": session["id"],
        "created_user_id": user["id"],
        "abandon_at": session["created_at"] + 24 * 3600 * 1000,
        "legal_accepted_at": None,
    }
    client["sign_up"] = None
    client["last_strategy"] = "password"
    stand_in.sessions.save_client(instance, client)
    return attempt


def _refuse_second_session(stand_in: StandIn, instance: Instance, client: Document) -> None:
    if stand_in.sessions.live_of_client(instance, client):
        raise errors.session_exists()


def _new_sign_in(user: Document) -> Document:
    return {
        "object": "sign_in_attempt",
        "id": new_id("sia"),
        "status": "needs_first_factor",
        "supported_identifiers": ["email_address"],
        "supported_first_factors": [{"strategy": "password"}, {"strategy": "ticket"}],
        "supported_second_factors": None,
        "first_factor_verification": None,
        "second_factor_verification": None,
        "identifier": primary_email(user),
        "user_data": {
            "first_name": user["first_name"],
            "last_name": user["last_name"],
            "image_url": user["image_url"],
            "has_image": user["has_image"],
        },
        "created_session_id": None,
        "abandon_at": None,
    }


def _complete_sign_in(
    stand_in: StandIn, instance: Instance, client: Document, attempt: Document, user: Document, strategy: str
) -> Document:
    if user["banned"]:
        raise errors.user_banned()
    if user["locked"]:
        raise errors.user_locked()
    session = stand_in.sessions.create(instance, user["id"], client=client)
    client["sign_in"] = None
    client["last_strategy"] = strategy
    stand_in.sessions.save_client(instance, client)
    return attempt | {
        "status": "complete",
        "first_factor_verification": {"status": "verified", "strategy": strategy, "attempts": 1, "expire_at": None},
        "created_session_id": session["id"],
    }
