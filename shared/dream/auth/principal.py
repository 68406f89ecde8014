"""The principals: who calls, as a credential has verified it. Handlers take a principal and never read `Authorization`."""

from __future__ import annotations

from dataclasses import dataclass

from dream.domain.project import Project


@dataclass(frozen=True, slots=True)
class ProjectCaller:
    """A caller with a key of a project. `secret_key_hash` is set if it was a secret key, which gives all rights on the project."""

    project: Project
    secret_key_hash: str | None
    address: str | None = None

    @property
    def rate_key(self) -> str:
        """Every visitor's browser has the publishable key, so such callers are limited per project and address."""
        visitor = "" if self.address is None else f":{self.address}"
        return f"project:{self.project.publishable_key}{visitor}"

    @property
    def idempotency_scope(self) -> str:
        return self.project.publishable_key


@dataclass(frozen=True, slots=True)
class TokenFacts:
    """The claims of an end user's verified token that decide on membership. `issued_at` is ISO 8601 UTC."""

    claimed: str | None
    """The publishable key of the project that the token names, or None."""
    issued_at: str
    email: str | None = None


@dataclass(frozen=True, slots=True)
class EndUserCaller:
    """One end user of a project, named by the developer's backend or proved by a token."""

    project: Project
    user_id: str
    secret_key_hash: str | None
    plan_hint: str | None = None
    """The header `X-User-Plan`. It counts only with a secret key."""
    email: str | None = None
    token: TokenFacts | None = None
    """None if a backend named the user in `X-User-Id`, which proves nothing about the user."""

    @property
    def rate_key(self) -> str:
        return f"user:{self.project.publishable_key}:{self.user_id}"

    @property
    def idempotency_scope(self) -> str:
        """With a secret key, Idempotency-Keys are shared by the whole project. Without one, each end user has their own."""
        publishable_key = self.project.publishable_key
        return publishable_key if self.secret_key_hash is not None else f"{publishable_key}:{self.user_id}"


@dataclass(frozen=True, slots=True)
class Developer:
    """A developer who is signed in to the dashboard: a user of the developers' Clerk instance."""

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
