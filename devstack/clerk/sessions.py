"""Owns browsers, clients and sessions. It signs no tokens."""

from __future__ import annotations

import secrets
from typing import Any

from devstack.clerk import errors, users
from devstack.clerk.config import Instance
from devstack.clerk.ids import new_id
from devstack.clerk.store import ClerkStore, Document
from devstack.clerk.users import Users
from devstack.clerk.webhooks import Webhooks
from devstack.kit.clock import Clock

_SESSION = "session"
_CLIENT = "client"
_BROWSER = "browser"
_LIFETIME_MS = 7 * 24 * 3600 * 1000
_ABANDON_MS = 30 * 24 * 3600 * 1000


class Sessions:
    """A client belongs to one browser and has at most one live (active or pending) session, as is Clerk's default."""

    def __init__(self, store: ClerkStore, clock: Clock, users: Users, webhooks: Webhooks) -> None:
        self._store = store
        self._clock = clock
        self._users = users
        self._webhooks = webhooks

    # A token identifies a browser: it is in `__clerk_db_jwt` in development, in the `__client` cookie in production.

    def new_browser(self, instance: Instance) -> str:
        token = ("dvb_" if instance.is_development else "cli_") + secrets.token_urlsafe(24)
        self._store.put(_BROWSER, instance.name, token, {"client_id": None})
        return token

    def knows_browser(self, instance: Instance, token: str) -> bool:
        return self._store.get(_BROWSER, instance.name, token) is not None

    def client_of(self, instance: Instance, token: str) -> Document | None:
        """The browser's client, or None if it has not started a sign-in or sign-up yet."""
        browser = self._store.get(_BROWSER, instance.name, token)
        if browser is None or browser["client_id"] is None:
            return None
        return self._store.get(_CLIENT, instance.name, browser["client_id"])

    def ensure_client(self, instance: Instance, token: str) -> Document:
        """The browser's client. It is created if there is none."""
        existing = self.client_of(instance, token)
        if existing is not None:
            return existing
        now = self._clock.milliseconds()
        client: Document = {
            "id": new_id("client"),
            "session_ids": [],
            "last_active_session_id": None,
            "last_strategy": None,
            "sign_in": None,
            "sign_up": None,
            "created_at": now,
            "updated_at": now,
        }
        self.save_client(instance, client)
        self._store.put(_BROWSER, instance.name, token, {"client_id": client["id"]})
        return client

    def save_client(self, instance: Instance, client: Document) -> None:
        client["updated_at"] = self._clock.milliseconds()
        self._store.put(_CLIENT, instance.name, client["id"], client)

    def delete_client(self, instance: Instance, client: Document) -> None:
        """Deletes a client and ends its sessions."""
        for session in self.live_of_client(instance, client):
            self.end(instance, session, "removed")
        self._store.delete(_CLIENT, instance.name, client["id"])

    def create(self, instance: Instance, user_id: str, *, client: Document | None = None) -> Document:
        """Creates an active session, in the browser of `client` if there is one. Raises ClerkError 404 for an unknown user."""
        self._users.get(instance, user_id)
        now = self._clock.milliseconds()
        session = {
            "object": "session",
            "id": new_id("sess"),
            "client_id": client["id"] if client else new_id("client"),
            "user_id": user_id,
            "status": "active",
            "actor": None,
            "last_active_organization_id": None,
            "last_active_at": now,
            "expire_at": now + _LIFETIME_MS,
            "abandon_at": now + _ABANDON_MS,
            "created_at": now,
            "updated_at": now,
            "tasks": None,
        }
        with self._store.transaction():
            self._users.record_sign_in(instance, user_id)
            self._save(instance, session)
            if client is not None:
                client["session_ids"] = [*client["session_ids"], session["id"]]
                client["last_active_session_id"] = session["id"]
                self.save_client(instance, client)
            self._webhooks.emit(instance, "session.created", session)
        return session

    def get(self, instance: Instance, session_id: str) -> Document:
        """The session with its current status. Raises ClerkError 404."""
        session = self._store.get(_SESSION, instance.name, session_id)
        if session is None:
            raise errors.session_not_found(session_id)
        return self._as_of_now(session)

    def of_user(self, instance: Instance, user_id: str, *, status: str | None = None) -> list[Document]:
        """The user's sessions, newest first."""
        found = [self._as_of_now(item) for item in self._store.all(_SESSION, instance.name, owner=user_id)]
        return [item for item in reversed(found) if status is None or item["status"] == status]

    def all(self, instance: Instance) -> list[Document]:
        return [self._as_of_now(item) for item in reversed(self._store.all(_SESSION, instance.name))]

    def live_of_client(self, instance: Instance, client: Document) -> list[Document]:
        stored = [self._store.get(_SESSION, instance.name, id) for id in client["session_ids"]]
        sessions = [self._as_of_now(session) for session in stored if session is not None]
        return [session for session in sessions if session["status"] in ("active", "pending")]

    def end(self, instance: Instance, session: Document, status: str) -> Document:
        """Ends a session and sends `session.{status}`. `status` is `revoked` (by a server), `removed` (by a sign-out) or `ended`."""
        session = session | {"status": status, "updated_at": self._clock.milliseconds()}
        with self._store.transaction():
            self._save(instance, session)
            self._webhooks.emit(instance, f"session.{status}", session)
        return session

    def set_status(self, instance: Instance, session: Document, status: str) -> Document:
        """Sets any status, for tests. With `pending`, tokens have the claim `sts: pending`."""
        session = session | {"status": status}
        self._save(instance, session)
        return session

    def touch(self, instance: Instance, session: Document) -> Document:
        session = session | {"last_active_at": self._clock.milliseconds()}
        self._save(instance, session)
        return session

    def end_all_of(self, instance: Instance, user_id: str) -> None:
        """Revokes all live sessions of a user. Call it before the user is deleted or banned."""
        for session in self.of_user(instance, user_id):
            if session["status"] in ("active", "pending"):
                self.end(instance, session, "revoked")

    def to_browser(self, instance: Instance, session: Document, token: str) -> dict[str, Any]:
        """A session as the Frontend API shows it in the client: with its user and the given token."""
        user = self._users.get(instance, session["user_id"])
        return {key: value for key, value in session.items() if key not in ("user_id", "client_id")} | {
            "user": users.for_browser(user),
            "public_user_data": {
                "first_name": user["first_name"],
                "last_name": user["last_name"],
                "image_url": user["image_url"],
                "has_image": user["has_image"],
                "identifier": users.primary_email(user),
                "user_id": user["id"],
                "profile_image_url": user["profile_image_url"],
            },
            "factor_verification_age": self.factor_age(session),
            "last_active_token": {"object": "token", "jwt": token},
        }

    def factor_age(self, session: Document) -> list[int]:
        """The claim `fva`: minutes since the first factor was verified, and -1, because there is no second factor."""
        return [max(0, (self._clock.milliseconds() - session["created_at"]) // 60000), -1]

    def _as_of_now(self, session: Document) -> Document:
        if session["status"] == "active" and self._clock.milliseconds() >= session["expire_at"]:
            return session | {"status": "expired"}
        return session

    def _save(self, instance: Instance, session: Document) -> None:
        self._store.put(_SESSION, instance.name, session["id"], session, owner=session["user_id"])
