"""Owns the secrets of a local stack: created once and stored in its folder. They are valid in this stack only."""

from __future__ import annotations

import base64
import json
import secrets
from dataclasses import asdict, dataclass, replace
from pathlib import Path

FILE_NAME = "secrets.json"


def _token(prefix: str) -> str:
    return prefix + secrets.token_hex(16)


def _svix_secret() -> str:
    return "whsec_" + base64.b64encode(secrets.token_bytes(24)).decode()


def new_encryption_key() -> str:
    """A new entry of ENCRYPTION_KEYS: an id and 256 random bits."""
    return f"{secrets.token_hex(4)}:{base64.b64encode(secrets.token_bytes(32)).decode()}"


@dataclass(frozen=True)
class Secrets:
    """Keys of the kind that a developer copies from the dashboards of Stripe and Clerk, and the workers' own secrets."""

    stripe_test: str
    stripe_live: str
    stripe_client_test: str
    stripe_client_live: str
    stripe_platform_account: str
    stripe_webhook_platform: str
    stripe_webhook_connect_test: str
    stripe_webhook_connect_live: str
    clerk_developers: str
    clerk_developers_webhook: str
    clerk_end_users_test: str
    clerk_end_users_test_webhook: str
    clerk_end_users_live: str
    clerk_end_users_live_webhook: str
    encryption_keys: str
    signing_secret: str

    @classmethod
    def make(cls) -> Secrets:
        return cls(
            stripe_test=_token("sk_test_"),
            stripe_live=_token("sk_live_"),
            stripe_client_test=_token("ca_test"),
            stripe_client_live=_token("ca_live"),
            stripe_platform_account="acct_" + secrets.token_hex(8),
            stripe_webhook_platform=_token("whsec_"),
            stripe_webhook_connect_test=_token("whsec_"),
            stripe_webhook_connect_live=_token("whsec_"),
            clerk_developers=_token("sk_test_"),
            clerk_developers_webhook=_svix_secret(),
            clerk_end_users_test=_token("sk_test_"),
            clerk_end_users_test_webhook=_svix_secret(),
            clerk_end_users_live=_token("sk_live_"),
            clerk_end_users_live_webhook=_svix_secret(),
            encryption_keys=new_encryption_key(),
            signing_secret=secrets.token_urlsafe(32),
        )

    @classmethod
    def of_stack(cls, folder: Path) -> Secrets:
        """The secrets of the stack in `folder`. The first call creates them."""
        file = folder / FILE_NAME
        if file.exists():
            return cls(**json.loads(file.read_text()))
        made = cls.make()
        made.write(folder)
        return made

    def write(self, folder: Path) -> None:
        file = folder / FILE_NAME
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch(mode=0o600)
        file.write_text(json.dumps(asdict(self), indent=2))

    def with_new_encryption_key(self) -> Secrets:
        """The same secrets with a new encryption key in front. The new key seals; the older keys still open."""
        return replace(self, encryption_keys=f"{new_encryption_key()},{self.encryption_keys}")
