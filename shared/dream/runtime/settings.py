"""The settings of a worker: its variables and secrets. If a required one is missing, the log names it at the first request."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from dream.domain.keys import Mode

ClerkName: TypeAlias = Literal["DEVELOPERS", "END_USERS_TEST", "END_USERS_LIVE"]


class ConfigurationError(Exception):
    """The worker lacks settings that it requires."""

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__(
            f"missing settings: {', '.join(names)}. Set them in wrangler.toml, or with `wrangler secret put`."
        )


@dataclass(frozen=True)
class ClerkInstance:
    """One Clerk instance: who issues its tokens, and how to call its Backend API. A setting that is not set is empty."""

    name: ClerkName
    issuer: str
    publishable_key: str
    secret_key: str
    webhook_secret: str
    jwt_key: str
    authorized_parties: frozenset[str]

    @property
    def jwks_url(self) -> str:
        """Where the instance publishes the keys that verify its tokens."""
        return f"{self.issuer}/.well-known/jwks.json"


class Settings:
    """Typed access to the environment. `read` returns the text of a variable or a secret, or None.

    Raises ConfigurationError if one of the `required` settings is missing or empty.
    """

    def __init__(self, read: Callable[[str], str | None], required: Sequence[str]) -> None:
        missing = [name for name in required if not read(name)]
        if missing:
            raise ConfigurationError(missing)
        self._read = read
        self._clerk: dict[ClerkName, ClerkInstance] = {}
        self.version = self.text("VERSION") or "unknown"
        self.frontend_url = self.text("FRONTEND_URL").rstrip("/")
        self.api_multi_url = self.text("API_MULTI_URL").rstrip("/")
        self.oauth_api_url = self.text("OAUTH_API_URL").rstrip("/")
        self.sign_up_url = self.text("SIGN_UP_URL").rstrip("/")
        self.allowed_origins = _origins(f"{self.frontend_url},{self.text('CORS_ORIGINS')}")
        self.rate_limit_per_minute = int(self.text("RATE_LIMIT_PER_MINUTE") or "100")
        self.shows_round_trips = self.text("DEBUG_ROUND_TRIPS") == "1"
        self.stripe_api_base = self.text("STRIPE_API_BASE") or "https://api.stripe.com"
        self.stripe_connect_base = self.text("STRIPE_CONNECT_BASE") or "https://connect.stripe.com"
        self.clerk_api_base = (self.text("CLERK_API_BASE") or "https://api.clerk.com/v1").rstrip("/")
        self.platform_price_id = self.text("PLATFORM_PRICE_ID")
        self.platform_stripe_mode: Mode = "test" if self.text("PLATFORM_STRIPE_MODE") == "test" else "live"

    def text(self, name: str) -> str:
        """The text of a setting; empty if it is not set."""
        return self._read(name) or ""

    def stripe_secret_key(self, mode: Mode) -> str:
        return self.text(f"STRIPE_SECRET_KEY_{mode.upper()}")

    def stripe_client_id(self, mode: Mode) -> str:
        return self.text(f"STRIPE_CLIENT_ID_{mode.upper()}")

    def clerk(self, name: ClerkName) -> ClerkInstance:
        """A Clerk instance. It is read once per isolate, because every request with a token needs it."""
        instance = self._clerk.get(name)
        if instance is None:
            instance = self._clerk[name] = self._clerk_instance(name)
        return instance

    def _clerk_instance(self, name: ClerkName) -> ClerkInstance:
        prefix = f"CLERK_{name}"
        return ClerkInstance(
            name=name,
            issuer=self.text(f"{prefix}_ISSUER").rstrip("/"),
            publishable_key=self.text(f"{prefix}_PUBLISHABLE_KEY"),
            secret_key=self.text(f"{prefix}_SECRET_KEY"),
            webhook_secret=self.text(f"{prefix}_WEBHOOK_SECRET"),
            jwt_key=self.text(f"{prefix}_JWT_KEY"),
            authorized_parties=_origins(self.text(f"{prefix}_AUTHORIZED_PARTIES")),
        )

    def end_users(self, mode: Mode) -> ClerkInstance:
        """The Clerk instance of the end users of all projects in this mode."""
        return self.clerk("END_USERS_TEST" if mode == "test" else "END_USERS_LIVE")


def _origins(listed: str) -> frozenset[str]:
    return frozenset(origin.strip().rstrip("/") for origin in listed.split(",") if origin.strip())
