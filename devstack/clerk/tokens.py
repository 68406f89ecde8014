"""Owns the claims of session tokens (version 2) and of tokens from JWT templates.

Claims: https://clerk.com/docs/guides/sessions/session-tokens
"""

from __future__ import annotations

import secrets
from typing import Any

from devstack.clerk import errors, shortcodes
from devstack.clerk.config import Instance
from devstack.clerk.jwt_templates import JwtTemplates
from devstack.clerk.keys import Keys
from devstack.clerk.sessions import Sessions
from devstack.clerk.store import Document
from devstack.clerk.users import Users
from devstack.kit.clock import Clock

SESSION_TOKEN_SECONDS = 60
_NOT_BEFORE_SKEW_SECONDS = 10


class Tokens:
    """Makes tokens. It stores nothing."""

    def __init__(self, clock: Clock, keys: Keys, users: Users, sessions: Sessions, templates: JwtTemplates) -> None:
        self._clock = clock
        self._keys = keys
        self._users = users
        self._sessions = sessions
        self._templates = templates

    def session_token(
        self, instance: Instance, session: Document, *, azp: str | None, seconds: int | None = None
    ) -> str:
        """A session token. `azp` is the `Origin` of the request, None if a server asks. `seconds` is its lifetime."""
        return self._keys.sign(instance, self.session_claims(instance, session, azp=azp, seconds=seconds))

    def session_claims(
        self, instance: Instance, session: Document, *, azp: str | None, seconds: int | None = None
    ) -> dict[str, Any]:
        user = self._users.get(instance, session["user_id"])
        custom = shortcodes.render(instance.session_claims, shortcodes.facts_about(user, session))
        own = self._registered(instance, user, azp, seconds or SESSION_TOKEN_SECONDS, _NOT_BEFORE_SKEW_SECONDS)
        own |= {
            "fva": self._sessions.factor_age(session),
            "sid": session["id"],
            "sts": "pending" if session["status"] == "pending" else "active",
            "v": 2,
        }
        if session["actor"]:
            own["act"] = session["actor"]
        return {**custom, **own}

    def template_token(
        self, instance: Instance, session: Document, name: str, *, azp: str | None, seconds: int | None = None
    ) -> str:
        """A token from a JWT template. It has no `sid`. Raises ClerkError 404 for an unknown template."""
        return self._keys.sign(instance, self.template_claims(instance, session, name, azp=azp, seconds=seconds))

    def template_claims(
        self, instance: Instance, session: Document, name: str, *, azp: str | None, seconds: int | None = None
    ) -> dict[str, Any]:
        template = self._templates.find_by_name(instance, name)
        if template is None:
            raise errors.template_not_found("name", name)
        user = self._users.get(instance, session["user_id"])
        custom = shortcodes.render(template["claims"], shortcodes.facts_about(user, session))
        own = self._registered(instance, user, azp, seconds or template["lifetime"], template["allowed_clock_skew"])
        return {**custom, **own}

    def _registered(
        self, instance: Instance, user: Document, azp: str | None, seconds: int, skew_seconds: int
    ) -> dict[str, Any]:
        now = self._clock.seconds()
        claims: dict[str, Any] = {"azp": azp} if azp else {}
        return claims | {
            "exp": now + seconds,
            "iat": now,
            "iss": instance.issuer,
            "jti": secrets.token_hex(10),
            "nbf": now - skew_seconds,
            "sub": user["id"],
        }
