"""Owns the configuration of the Stripe stand-in: keys, client ids, webhook endpoints, and URLs that get the clock's offset."""

import json
from dataclasses import dataclass
from pathlib import Path

import stripe

from devstack.stripe.jsontypes import Json

API_VERSION = stripe.api_version
MODES = ("test", "live")


@dataclass(frozen=True)
class WebhookEndpoint:
    """A URL that receives events: those of connected accounts if `connect`, else those of the platform's own account.

    `livemode` None means both modes.
    """

    url: str
    secret: str
    connect: bool
    livemode: bool | None
    api_version: str

    @classmethod
    def from_json(cls, raw: Json) -> "WebhookEndpoint":
        return cls(
            url=raw["url"],
            secret=raw["secret"],
            connect=bool(raw.get("connect", False)),
            livemode=raw.get("livemode"),
            api_version=raw.get("apiVersion") or API_VERSION,
        )

    def receives(self, *, connected: bool, livemode: bool) -> bool:
        return self.connect == connected and self.livemode in (None, livemode)


@dataclass(frozen=True)
class Config:
    """The whole configuration. `keys` and `client_ids` are by mode."""

    keys: dict[str, str]
    client_ids: dict[str, str]
    redirect_uris: tuple[str, ...]
    public_url: str
    platform_account: str
    platform_name: str
    webhook_endpoints: tuple[WebhookEndpoint, ...]
    clock_subscribers: tuple[str, ...]
    retry_base_seconds: float
    retry_attempts: int

    @classmethod
    def from_json(cls, raw: Json) -> "Config":
        return cls(
            keys=dict(raw["keys"]),
            client_ids=dict(raw.get("clientIds", {})),
            redirect_uris=tuple(raw.get("redirectUris", ())),
            public_url=str(raw["publicUrl"]).rstrip("/"),
            platform_account=raw["platformAccount"],
            platform_name=raw.get("platformName", "dream-api"),
            webhook_endpoints=tuple(WebhookEndpoint.from_json(e) for e in raw.get("webhookEndpoints", ())),
            clock_subscribers=tuple(raw.get("clockSubscribers", ())),
            retry_base_seconds=float(raw.get("retryBaseSeconds", 1.0)),
            retry_attempts=int(raw.get("retryAttempts", 10)),
        )

    @classmethod
    def from_file(cls, path: Path) -> "Config":
        return cls.from_json(json.loads(path.read_text()))

    def livemode_of_key(self, key: str) -> bool | None:
        """Whether one of the platform's secret keys is live. None if the key is not one of them."""
        return next((mode == "live" for mode, known in self.keys.items() if known == key), None)

    def livemode_of_client(self, client_id: str) -> bool | None:
        return next((mode == "live" for mode, known in self.client_ids.items() if known == client_id), None)

    def client_id(self, livemode: bool) -> str:
        return self.client_ids["live" if livemode else "test"]
