"""The principals that credentials are settled into. Handlers take these and never read `Authorization`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, cast

from dream.domain.keys import Mode

ProjectType: TypeAlias = Literal["saas", "store"]


@dataclass(frozen=True, slots=True)
class Project:
    """The project that a key names, as cached. `live_keys_until` is the platform's payment state."""

    publishable_key: str
    platform_id: str
    name: str
    project_type: ProjectType
    mode: Mode
    live_keys_until: str | None

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Project:
        """Of a D1 row, or of a cached record with the same names."""
        return cls(
            publishable_key=row["publishableKey"],
            platform_id=row["platformId"],
            name=row["name"],
            project_type=cast("ProjectType", row["projectType"]),
            mode=cast("Mode", row["mode"]),
            live_keys_until=row["liveKeysUntil"],
        )

    def to_json(self) -> dict[str, Any]:
        return {
            "publishableKey": self.publishable_key,
            "platformId": self.platform_id,
            "name": self.name,
            "projectType": self.project_type,
            "mode": self.mode,
            "liveKeysUntil": self.live_keys_until,
        }


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
