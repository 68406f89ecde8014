"""sign-up in the Workers runtime: hands requests to the app and answers back. All else runs under CPython too."""

from __future__ import annotations

from typing import Any

from workers import WorkerEntrypoint

from dream.cloudflare.worker import Worker
from dream.services.outbox import clerk
from sign_up.routes import APP

REQUIRED_SETTINGS = (
    "SIGN_UP_URL",
    "SIGNING_SECRET",
    "CLERK_END_USERS_TEST_ISSUER",
    "CLERK_END_USERS_TEST_PUBLISHABLE_KEY",
    "CLERK_END_USERS_TEST_SECRET_KEY",
    "CLERK_END_USERS_TEST_WEBHOOK_SECRET",
    "CLERK_END_USERS_LIVE_ISSUER",
    "CLERK_END_USERS_LIVE_PUBLISHABLE_KEY",
    "CLERK_END_USERS_LIVE_SECRET_KEY",
    "CLERK_END_USERS_LIVE_WEBHOOK_SECRET",
)

worker = Worker(APP, REQUIRED_SETTINGS, clerk.EFFECTS)


class Default(WorkerEntrypoint):
    async def fetch(self, request: Any) -> Any:
        return await worker.fetch(request, self.ctx)
