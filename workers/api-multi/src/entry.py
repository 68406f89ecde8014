"""api-multi in the Workers runtime: hands requests to the app and answers back. All else runs under CPython too."""

from __future__ import annotations

from typing import Any

from workers import WorkerEntrypoint

from api_multi.routes import APP
from dream.cloudflare.worker import Worker
from dream.services.outbox import effects

REQUIRED_SETTINGS = (
    "SIGN_UP_URL",
    "CLERK_END_USERS_TEST_ISSUER",
    "CLERK_END_USERS_TEST_SECRET_KEY",
    "CLERK_END_USERS_LIVE_ISSUER",
    "CLERK_END_USERS_LIVE_SECRET_KEY",
    "CLERK_DEVELOPERS_ISSUER",
    "STRIPE_SECRET_KEY_TEST",
    "STRIPE_SECRET_KEY_LIVE",
    "STRIPE_WEBHOOK_SECRET_CONNECT_TEST",
    "STRIPE_WEBHOOK_SECRET_CONNECT_LIVE",
    "ENCRYPTION_KEYS",
)

worker = Worker(APP, REQUIRED_SETTINGS, effects.ALL)


class Default(WorkerEntrypoint):
    async def fetch(self, request: Any) -> Any:
        return await worker.fetch(request, self.ctx)
