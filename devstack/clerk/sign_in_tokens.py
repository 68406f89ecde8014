"""Owns sign-in tokens: tickets that a server creates, and with which a browser signs in once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jwt

from devstack.clerk import errors
from devstack.clerk.config import Instance
from devstack.clerk.ids import new_id
from devstack.clerk.keys import Keys
from devstack.clerk.store import ClerkStore, Document
from devstack.clerk.users import Users
from devstack.kit.clock import Clock

_KIND = "signInToken"
_DEFAULT_SECONDS = 30 * 24 * 3600


class SignInTokens:
    """The ticket is a JWT that the instance signs. The store has its status: `pending`, `accepted` or `revoked`."""

    def __init__(self, store: ClerkStore, clock: Clock, keys: Keys, users: Users) -> None:
        self._store = store
        self._clock = clock
        self._keys = keys
        self._users = users

    def create(self, instance: Instance, fields: Mapping[str, Any]) -> Document:
        """POST /sign_in_tokens. Raises ClerkError 404 for an unknown user, 422 for a wrong field."""
        for name in fields:
            if name not in ("user_id", "expires_in_seconds"):
                raise errors.param_unknown(name)
        if not fields.get("user_id"):
            raise errors.param_missing("user_id")
        seconds = fields.get("expires_in_seconds") or _DEFAULT_SECONDS
        if not isinstance(seconds, int) or seconds < 1:
            raise errors.param_value_invalid("expires_in_seconds")
        user = self._users.get(instance, str(fields["user_id"]))
        now = self._clock.milliseconds()
        id = new_id("sit")
        claims = {
            "eid": id,
            "exp": now // 1000 + seconds,
            "iss": instance.issuer,
            "rurl": instance.hosted_url("v1/tickets/accept"),
            "sid": instance.id,
            "st": "sign_in_token",
        }
        ticket = self._keys.sign(instance, claims)
        document: Document = {
            "object": "sign_in_token",
            "id": id,
            "user_id": user["id"],
            "token": ticket,
            "status": "pending",
            "url": f"{instance.hosted_url('sign-in')}?__clerk_ticket={ticket}",
            "created_at": now,
            "updated_at": now,
        }
        self._store.put(_KIND, instance.name, id, document, owner=user["id"])
        return document

    def revoke(self, instance: Instance, id: str) -> Document:
        document = self._store.get(_KIND, instance.name, id)
        if document is None:
            raise errors.not_found("sign in token", id)
        if document["status"] != "pending":
            raise errors.ClerkError(
                400,
                "sign_in_token_cannot_be_revoked_code",
                "sign in token cannot be revoked",
                "Only pending sign in tokens can be revoked.",
            )
        return self._set_status(instance, document, "revoked")

    def consume(self, instance: Instance, ticket: str) -> Document:
        """Accepts the ticket and returns its user. Raises ClerkError 400 if it is invalid, used, revoked or expired."""
        try:
            claims = self._keys.decode(instance, ticket)
        except jwt.InvalidTokenError as error:
            raise errors.ticket_invalid() from error
        document = self._store.get(_KIND, instance.name, str(claims.get("eid")))
        if document is None or claims.get("st") != "sign_in_token":
            raise errors.ticket_invalid()
        if document["status"] == "accepted":
            raise errors.ticket_already_used()
        if document["status"] == "revoked":
            raise errors.ticket_revoked()
        if claims["exp"] <= self._clock.seconds():
            raise errors.ticket_expired()
        user = self._users.find(instance, document["user_id"])
        if user is None:
            raise errors.ticket_invalid()
        self._set_status(instance, document, "accepted")
        return user

    def _set_status(self, instance: Instance, document: Document, status: str) -> Document:
        changed = document | {"status": status, "updated_at": self._clock.milliseconds()}
        self._store.put(_KIND, instance.name, document["id"], changed, owner=document["user_id"])
        return changed
