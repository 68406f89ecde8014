"""front-auth-api in the Workers runtime: hands requests to the app and answers back. All else runs under CPython too."""

from __future__ import annotations

from typing import Any

from workers import WorkerEntrypoint

from dream.cloudflare.worker import Worker
from dream.services.outbox import effects
from front_auth_api.routes import APP
from front_auth_api.schedule import run

REQUIRED_SETTINGS = (
    "FRONTEND_URL",
    "API_MULTI_URL",
    "PLATFORM_PRICE_ID",
    "CLERK_DEVELOPERS_ISSUER",
    "CLERK_DEVELOPERS_SECRET_KEY",
    "CLERK_DEVELOPERS_WEBHOOK_SECRET",
    "STRIPE_WEBHOOK_SECRET_PLATFORM",
    "ENCRYPTION_KEYS",
)

worker = Worker(APP, REQUIRED_SETTINGS, effects.ALL, schedule=run)


class Default(WorkerEntrypoint):
    async def fetch(self, request: Any) -> Any:
        return await worker.fetch(request, self.ctx)

    async def scheduled(self, controller: Any, env: Any = None, ctx: Any = None) -> None:
        await worker.scheduled(self.ctx)
