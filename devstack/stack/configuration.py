"""Owns the configuration of each service of a local stack: the committed settings, with local addresses and secrets."""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dotenv import dotenv_values

from deploy.paths import ROOT, SHARED, WORKERS, worker_folder
from deploy.vendor import libraries, load_toml, vendor
from devstack.stack.ports import HOST, Ports
from devstack.stack.secrets import Secrets
from devstack.stack.workerd.runtime import DEVELOPMENT_FLAG

RUNTIME = Path(__file__).parent / "workerd"
OVERRIDES = ROOT / ".dev.vars"
# The Clerk instances: name, prefix of the settings, mode of the keys.
CLERK_INSTANCES = (
    ("developers", "CLERK_DEVELOPERS", "test"),
    ("endUsersTest", "CLERK_END_USERS_TEST", "test"),
    ("endUsersLive", "CLERK_END_USERS_LIVE", "live"),
)
CLERK_PATHS = {"developers": "developers", "endUsersTest": "end-users-test", "endUsersLive": "end-users-live"}


def read_overrides() -> dict[str, str]:
    """The settings in `.dev.vars`, where a developer may put keys of the real Stripe and Clerk. Empty if there is no file."""
    found = dotenv_values(OVERRIDES, interpolate=False)
    return {name: value for name, value in found.items() if value is not None}


@dataclass(frozen=True)
class Configuration:
    """The configuration of a stack. Only `platform_price_id` is empty until the demo data exist."""

    folder: Path
    ports: Ports
    secrets: Secrets
    platform_price_id: str
    rate_limit_per_minute: int
    debug_round_trips: bool
    reload_on_save: bool
    overrides: Mapping[str, str]
    from_sources: bool = True
    """Whether workers load the sources in `shared/`. If not, they load the files that an upload to Cloudflare has."""
    test_routes: bool = True
    """Whether workers run behind `local_entry.py`, with its routes for tests. If not, they run as in production."""

    def url(self, service: str) -> str:
        return f"http://localhost:{self.ports.of(service)}"

    def uses_stand_in(self, vendor: str) -> bool:
        """Whether `stripe` or `clerk` is the stand-in. Keys in the overrides select the real service."""
        return {"stripe": "STRIPE_SECRET_KEY_TEST", "clerk": "CLERK_DEVELOPERS_SECRET_KEY"}[
            vendor
        ] not in self.overrides

    def clerk_issuer(self, instance: str) -> str:
        return f"{self.url('clerk')}/{CLERK_PATHS[instance]}"

    def clerk_publishable_key(self, instance: str, mode: str) -> str:
        """The publishable key, in Clerk's format: the mode, then the host of the instance's Frontend API in base64."""
        name = CLERK_PATHS[instance]
        host = f"{name}.clerk.accounts.dev" if mode == "test" else f"clerk.{name}.example.com"
        return f"pk_{mode}_" + base64.b64encode(f"{host}$".encode()).decode().rstrip("=")

    def clerk_secrets(self, instance: str) -> tuple[str, str]:
        """The secret key and the webhook secret of one instance of Clerk."""
        values = self.secrets
        return {
            "developers": (values.clerk_developers, values.clerk_developers_webhook),
            "endUsersTest": (values.clerk_end_users_test, values.clerk_end_users_test_webhook),
            "endUsersLive": (values.clerk_end_users_live, values.clerk_end_users_live_webhook),
        }[instance]

    def variables(self, committed: dict[str, str]) -> dict[str, str]:
        """A worker's vars and secrets. `committed` are those in wrangler.toml; local ones replace them, and overrides replace both."""
        local = {
            "FRONTEND_URL": self.url("frontend"),
            "API_MULTI_URL": self.url("api-multi"),
            "FRONT_AUTH_API_URL": self.url("front-auth-api"),
            "OAUTH_API_URL": self.url("oauth-api"),
            "SIGN_UP_URL": self.url("sign-up"),
            "RATE_LIMIT_PER_MINUTE": str(self.rate_limit_per_minute),
            "DEBUG_ROUND_TRIPS": str(int(self.debug_round_trips)),
            "PLATFORM_STRIPE_MODE": "test",
            "PLATFORM_PRICE_ID": self.platform_price_id,
            "ENCRYPTION_KEYS": self.secrets.encryption_keys,
            "SIGNING_SECRET": self.secrets.signing_secret,
        }
        if self.uses_stand_in("stripe"):
            local |= self._stripe_variables()
        if self.uses_stand_in("clerk"):
            local |= self._clerk_variables()
        return {**committed, **local, **self.overrides}

    def _stripe_variables(self) -> dict[str, str]:
        return {
            "STRIPE_API_BASE": self.url("stripe"),
            "STRIPE_CONNECT_BASE": self.url("stripe"),
            "STRIPE_CLIENT_ID_TEST": self.secrets.stripe_client_test,
            "STRIPE_CLIENT_ID_LIVE": self.secrets.stripe_client_live,
            "STRIPE_SECRET_KEY_TEST": self.secrets.stripe_test,
            "STRIPE_SECRET_KEY_LIVE": self.secrets.stripe_live,
            "STRIPE_WEBHOOK_SECRET_PLATFORM": self.secrets.stripe_webhook_platform,
            "STRIPE_WEBHOOK_SECRET_CONNECT_TEST": self.secrets.stripe_webhook_connect_test,
            "STRIPE_WEBHOOK_SECRET_CONNECT_LIVE": self.secrets.stripe_webhook_connect_live,
        }

    def _clerk_variables(self) -> dict[str, str]:
        variables = {"CLERK_API_BASE": f"{self.url('clerk')}/v1"}
        for instance, prefix, mode in CLERK_INSTANCES:
            secret_key, webhook_secret = self.clerk_secrets(instance)
            variables |= {
                f"{prefix}_ISSUER": self.clerk_issuer(instance),
                f"{prefix}_PUBLISHABLE_KEY": self.clerk_publishable_key(instance, mode),
                f"{prefix}_SECRET_KEY": secret_key,
                f"{prefix}_WEBHOOK_SECRET": webhook_secret,
                f"{prefix}_ACCOUNT_PORTAL": self.clerk_issuer(instance),
            }
        variables["CLERK_DEVELOPERS_AUTHORIZED_PARTIES"] = self.url("frontend")
        return variables

    def worker(self, name: str) -> dict[str, Any]:
        """The configuration of one worker, for `workerd/workers.mjs`."""
        folder = worker_folder(name)
        committed = load_toml(folder / "wrangler.toml")
        return {
            "name": name,
            "port": self.ports.of(name),
            "compatibilityDate": committed["compatibility_date"],
            "compatibilityFlags": [*committed["compatibility_flags"], DEVELOPMENT_FLAG],
            "vars": self.variables(committed["vars"]),
            "d1": {entry["binding"]: entry["database_name"] for entry in committed["d1_databases"]},
            "kv": {entry["binding"]: "dream" for entry in committed["kv_namespaces"]},
            "r2": {entry["binding"]: entry["bucket_name"] for entry in committed["r2_buckets"]},
            "ratelimits": {
                entry["name"]: {
                    "namespace_id": entry["namespace_id"],
                    "simple": {**entry["simple"], "limit": self.rate_limit_per_minute},
                }
                for entry in committed["ratelimits"]
            },
            "main": "local_entry.py" if self.test_routes else "entry.py",
            "sources": [
                {"folder": str(RUNTIME / "worker")},
                {"folder": str(folder / "src")},
                *self._vendored(name),
            ],
        }

    def _vendored(self, worker: str) -> list[dict[str, str]]:
        """The folders of vendored modules: the sources if `from_sources`, else a copy of exactly what an upload has."""
        if self.from_sources:
            return [
                {"folder": str(libraries(worker)), "prefix": "python_modules"},
                {"folder": str(SHARED / "dream"), "prefix": "python_modules/dream"},
            ]
        upload = self.folder / "uploads" / worker
        vendor(worker, upload)
        return [{"folder": str(upload), "prefix": "python_modules"}]

    def workers(self, extra_workers: Sequence[dict[str, Any]] = ()) -> dict[str, Any]:
        """The configuration of `workerd/workers.mjs`. `extra_workers` run in the same workerd."""
        return {
            "host": HOST,
            "controlPort": self.ports.control,
            "persist": str(self.folder / "storage"),
            "clockSource": self.url("stripe"),
            "watch": [str(SHARED / "dream"), *(str(worker_folder(name) / "src") for name in WORKERS)]
            if self.reload_on_save
            else [],
            "workers": [*(self.worker(name) for name in WORKERS), *extra_workers],
        }

    def stripe(self) -> dict[str, Any]:
        """The configuration of the Stripe stand-in."""
        secrets = self.secrets
        connect = f"{self.url('api-multi')}/webhook/stripe"
        endpoints: list[dict[str, Any]] = [
            {
                "url": f"{self.url('front-auth-api')}/webhook/stripe",
                "secret": secrets.stripe_webhook_platform,
                "connect": False,
                "livemode": None,
            },
            {"url": connect, "secret": secrets.stripe_webhook_connect_test, "connect": True, "livemode": False},
            {"url": connect, "secret": secrets.stripe_webhook_connect_live, "connect": True, "livemode": True},
        ]
        subscribers = (*WORKERS, "clerk")
        return {
            "keys": {"test": secrets.stripe_test, "live": secrets.stripe_live},
            "clientIds": {"test": secrets.stripe_client_test, "live": secrets.stripe_client_live},
            "redirectUris": [f"{self.url('oauth-api')}/callback"],
            "publicUrl": self.url("stripe"),
            "platformAccount": secrets.stripe_platform_account,
            "webhookEndpoints": endpoints,
            "clockSubscribers": [f"{self.url(name)}/_devstack/clock" for name in subscribers],
        }

    def clerk(self) -> dict[str, Any]:
        """The configuration of the Clerk stand-in."""
        webhooks = {"developers": "front-auth-api", "endUsersTest": "sign-up", "endUsersLive": "sign-up"}
        origins = {"developers": "frontend", "endUsersTest": "sign-up", "endUsersLive": "sign-up"}
        return {
            "publicUrl": self.url("clerk"),
            "instances": [
                {
                    "name": instance,
                    "publishableKey": self.clerk_publishable_key(instance, mode),
                    "secretKey": self.clerk_secrets(instance)[0],
                    "issuer": self.clerk_issuer(instance),
                    "webhook": {
                        "url": f"{self.url(webhooks[instance])}/webhook/clerk",
                        "secret": self.clerk_secrets(instance)[1],
                    },
                    "allowedRedirectOrigins": [self.url(origins[instance])],
                }
                for instance, _, mode in CLERK_INSTANCES
            ],
        }

    def addresses(self) -> dict[str, Any]:
        """The part of `stack.json` that is known before a service runs."""
        secrets = self.secrets
        return {
            "apiMulti": self.url("api-multi"),
            "frontAuthApi": self.url("front-auth-api"),
            "oauthApi": self.url("oauth-api"),
            "signUp": self.url("sign-up"),
            "frontend": self.url("frontend"),
            "stripe": self.url("stripe"),
            "clerk": self.url("clerk"),
            "clerkSecretKeys": {instance: self.clerk_secrets(instance)[0] for instance, _, _ in CLERK_INSTANCES},
            "stripeSecretKeys": {"test": secrets.stripe_test, "live": secrets.stripe_live},
            "webhookSecrets": {
                "platform": secrets.stripe_webhook_platform,
                "connectTest": secrets.stripe_webhook_connect_test,
                "connectLive": secrets.stripe_webhook_connect_live,
            },
        }


def rate_limit_from_environment() -> int:
    return int(os.environ.get("RATE_LIMIT_PER_MINUTE", "100"))
