"""oauth-api in the Workers runtime: hands requests to the app and answers back. All else runs under CPython too."""

from __future__ import annotations

from typing import Any

from workers import WorkerEntrypoint

from dream.cloudflare.worker import Worker
from dream.services.outbox import effects
from oauth_api.routes import APP

REQUIRED_SETTINGS = (
    "FRONTEND_URL",
    "OAUTH_API_URL",
    "CLERK_DEVELOPERS_ISSUER",
    "STRIPE_SECRET_KEY_TEST",
    "STRIPE_SECRET_KEY_LIVE",
    "STRIPE_CLIENT_ID_TEST",
    "STRIPE_CLIENT_ID_LIVE",
    "ENCRYPTION_KEYS",
)

worker = Worker(APP, REQUIRED_SETTINGS, effects.ALL)


class Default(WorkerEntrypoint):
    async def fetch(self, request: Any) -> Any:
        return await worker.fetch(request, self.ctx)
