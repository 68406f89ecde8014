"""Owns the configuration of the Clerk stand-in: its public URL and its instances. In JSON:

    {"publicUrl": "http://localhost:8792",
     "instances": [{"name": "developers", "publishableKey": "pk_test_...", "secretKey": "sk_test_...",
                    "issuer": "http://localhost:8792/developers",
                    "webhook": {"url": "http://localhost:8788/webhook/clerk", "secret": "whsec_..."},
                    "allowedRedirectOrigins": ["http://localhost:5173"]}],
     "jwtTemplates": {"end-user-api": {"claims": {"plan": "{{user.public_metadata.plan}}"}, "lifetime": 60}}}

An instance may also have `applicationName` and `sessionClaims`. `webhookRetrySeconds` is optional too.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

# Adds the user's public metadata to each session token. It is the example of a custom session token in Clerk's docs.
DEFAULT_SESSION_CLAIMS: dict[str, Any] = {"metadata": "{{user.public_metadata}}"}

# Seconds before each retry. Svix, which sends Clerk's webhooks, waits for hours.
DEFAULT_RETRY_SECONDS: tuple[float, ...] = (1, 3, 10, 30, 120, 600)


class ConfigError(ValueError):
    """The configuration is wrong. The message names the field."""


@dataclass(frozen=True)
class WebhookEndpoint:
    """The URL that receives an instance's events. `secret` is `whsec_` and base64."""

    url: str
    secret: str


@dataclass(frozen=True)
class Instance:
    """One Clerk instance: its keys, its issuer, and the origins to which its pages may redirect."""

    name: str
    publishable_key: str
    secret_key: str
    issuer: str
    application_name: str
    webhook: WebhookEndpoint | None = None
    allowed_redirect_origins: tuple[str, ...] = ()
    session_claims: dict[str, Any] = field(default_factory=lambda: dict(DEFAULT_SESSION_CLAIMS))

    @property
    def id(self) -> str:
        """The `ins_…` id, which is `instance_id` in webhooks."""
        return instance_id(self.name)

    @property
    def is_development(self) -> bool:
        return self.publishable_key.startswith("pk_test_")

    @property
    def environment_type(self) -> str:
        return "development" if self.is_development else "production"

    @property
    def prefix(self) -> str:
        """The issuer's path. The instance's Frontend API and hosted pages are below it."""
        return urlsplit(self.issuer).path.rstrip("/")

    @property
    def frontend_api(self) -> str:
        """The host of the Frontend API, which is encoded in the publishable key."""
        return frontend_api_host(self.publishable_key)

    def hosted_url(self, page: str) -> str:
        return f"{self.issuer}/{page}"

    def may_redirect_to(self, url: str) -> bool:
        """Whether the hosted pages may redirect to `url`: to an allowed origin, or in development to localhost."""
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None:
            return False
        origin = f"{parts.scheme}://{parts.netloc}"
        return (
            origin in self.allowed_redirect_origins
            or origin == self.origin
            or (self.is_development and is_loopback(parts.hostname))
        )

    def may_call_from(self, origin: str) -> bool:
        """Whether the Frontend API answers pages of `origin`. Production instances accept only their own and allowed origins."""
        return self.is_development or origin == self.origin or origin in self.allowed_redirect_origins

    @property
    def origin(self) -> str:
        parts = urlsplit(self.issuer)
        return f"{parts.scheme}://{parts.netloc}"


@dataclass(frozen=True)
class Config:
    """The whole configuration, after the checks in `from_json`."""

    public_url: str
    instances: tuple[Instance, ...]
    jwt_templates: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    retry_seconds: tuple[float, ...] = DEFAULT_RETRY_SECONDS

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Config:
        """Checks the parsed JSON document. Raises ConfigError, which names what is wrong."""
        instances = tuple(_parse_instance(item) for item in document.get("instances", []))
        if not instances:
            raise ConfigError("instances: add at least one")
        for what in ("name", "publishable_key", "secret_key", "issuer", "prefix"):
            values = [getattr(instance, what) for instance in instances]
            if len(set(values)) != len(values):
                raise ConfigError(f"instances: two have the same {what}")
        templates = cast("dict[str, dict[str, Any]]", document.get("jwtTemplates") or {})
        return cls(
            public_url=str(document.get("publicUrl", "http://localhost:8792")).rstrip("/"),
            instances=instances,
            jwt_templates={name: _parse_template(template) for name, template in templates.items()},
            retry_seconds=tuple(float(s) for s in document.get("webhookRetrySeconds", DEFAULT_RETRY_SECONDS)),
        )

    @classmethod
    def from_file(cls, path: Path) -> Config:
        return cls.from_json(json.loads(path.read_text()))

    def instance(self, name: str) -> Instance | None:
        return next((instance for instance in self.instances if instance.name == name), None)

    def by_secret_key(self, secret_key: str) -> Instance | None:
        return next((instance for instance in self.instances if instance.secret_key == secret_key), None)


def instance_id(name: str) -> str:
    """The id of an instance, made of its name: `ins_` and 27 characters, as at Clerk."""
    return "ins_" + (name + "0" * 27)[:27]


def publishable_key(frontend_api: str, *, live: bool = False) -> str:
    """The publishable key of an instance. `frontend_api` is the host of its Frontend API.

    For test keys the host must end in `accounts.dev`, because clerk-js creates dev browsers only for such hosts.
    """
    encoded = base64.b64encode(f"{frontend_api}$".encode()).decode().rstrip("=")
    return f"{'pk_live_' if live else 'pk_test_'}{encoded}"


def frontend_api_host(key: str) -> str:
    """The host in a publishable key. Raises ConfigError for a key that clerk-js does not accept."""
    prefix, _, encoded = key.rpartition("_")
    if prefix not in ("pk_test", "pk_live"):
        raise ConfigError(f"not a publishable key: {key}")
    try:
        decoded = base64.b64decode(encoded + "=" * (-len(encoded) % 4)).decode()
    except ValueError as error:
        raise ConfigError(f"not base64 in publishable key: {key}") from error
    if not decoded.endswith("$") or "$" in decoded[:-1] or "." not in decoded:
        raise ConfigError(f"no host in publishable key: {key}")
    return decoded[:-1]


def is_loopback(hostname: str) -> bool:
    return hostname in ("localhost", "127.0.0.1", "::1") or hostname.endswith(".localhost")


def _parse_instance(item: dict[str, Any]) -> Instance:
    missing = [key for key in ("name", "publishableKey", "secretKey", "issuer") if not item.get(key)]
    if missing:
        raise ConfigError(f"instance {item.get('name', '?')}: missing {', '.join(missing)}")
    webhook = item.get("webhook")
    instance = Instance(
        name=item["name"],
        publishable_key=item["publishableKey"],
        secret_key=item["secretKey"],
        issuer=str(item["issuer"]).rstrip("/"),
        application_name=item.get("applicationName") or _application_name(item["name"]),
        webhook=_parse_webhook(item["name"], webhook) if webhook else None,
        allowed_redirect_origins=tuple(item.get("allowedRedirectOrigins") or ()),
        session_claims=item.get("sessionClaims", dict(DEFAULT_SESSION_CLAIMS)),
    )
    frontend_api_host(instance.publishable_key)
    mode = "test" if instance.is_development else "live"
    if not instance.secret_key.startswith(f"sk_{mode}_"):
        raise ConfigError(f"instance {instance.name}: one key is of test mode and the other of live mode")
    if not instance.prefix or instance.prefix.split("/")[1] in ("v1", "_devstack"):
        raise ConfigError(
            f"instance {instance.name}: the issuer must have a path, which may not begin with v1 or _devstack"
        )
    return instance


def _parse_webhook(instance_name: str, webhook: dict[str, Any]) -> WebhookEndpoint:
    secret = str(webhook.get("secret", ""))
    try:
        decoded = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except ValueError:
        decoded = b""
    if not secret.startswith("whsec_") or not decoded or not webhook.get("url"):
        raise ConfigError(
            f"instance {instance_name}: the webhook must have a url, and a secret that is whsec_ and base64"
        )
    return WebhookEndpoint(str(webhook["url"]), secret)


def _parse_template(template: dict[str, Any]) -> dict[str, Any]:
    return template if "claims" in template else {"claims": template}


def _application_name(instance_name: str) -> str:
    return "dream-api" if instance_name == "developers" else "end-user-api"
