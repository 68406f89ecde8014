"""The principals that credentials are settled into. Handlers take these and never read `Authorization`."""

from __future__ import annotations

from dataclasses import dataclass

from dream.domain.project import Project


@dataclass(frozen=True, slots=True)
class ProjectCaller:
    """Somebody who names a project. `secret_key_hash` is set when a secret key proved full rights over it."""

    project: Project
    secret_key_hash: str | None
    address: str | None = None

    @property
    def rate_key(self) -> str:
        """A publishable key is in every visitor's browser, so such callers are told apart by their address."""
        visitor = "" if self.address is None else f":{self.address}"
        return f"project:{self.project.publishable_key}{visitor}"

    @property
    def idempotency_scope(self) -> str:
        return self.project.publishable_key


@dataclass(frozen=True, slots=True)
class TokenFacts:
    """What an end user's verified token says beside who they are. `issued_at` is ISO 8601 UTC."""

    claimed: str | None
    """The project that the token names."""
    issued_at: str
    email: str | None = None


@dataclass(frozen=True, slots=True)
class EndUserCaller:
    """One end user of a project, named by the developer's backend or proved by a token."""

    project: Project
    user_id: str
    secret_key_hash: str | None
    plan_hint: str | None = None
    """`X-User-Plan`, which only a secret key may give."""
    email: str | None = None
    token: TokenFacts | None = None
    """None when a backend named the user in `X-User-Id`, which proves nothing."""

    @property
    def rate_key(self) -> str:
        return f"user:{self.project.publishable_key}:{self.user_id}"

    @property
    def idempotency_scope(self) -> str:
        """A secret key speaks for the whole project; a token for one end user, whose keys are then their own."""
        publishable_key = self.project.publishable_key
        return publishable_key if self.secret_key_hash is not None else f"{publishable_key}:{self.user_id}"


@dataclass(frozen=True, slots=True)
class Developer:
    """A developer at the dashboard: a user of the developers' Clerk instance."""

    user_id: str
    email: str | None
    session_id: str | None

    @property
    def rate_key(self) -> str:
        return f"developer:{self.user_id}"

    @property
    def idempotency_scope(self) -> str:
        return f"developer:{self.user_id}"


@dataclass(frozen=True, slots=True)
class Nobody:
    """A caller without a credential."""

    address: str

    @property
    def rate_key(self) -> str:
        return f"address:{self.address}"
