"""oauth-api in the Workers runtime: hands requests to the app and answers back. All else runs under CPython too."""

from __future__ import annotations

from typing import Any

from workers import WorkerEntrypoint

from dream.cloudflare import Worker
from routes import APP

worker = Worker(APP, required_settings=())


class Default(WorkerEntrypoint):
    async def fetch(self, request: Any) -> Any:
        return await worker.fetch(request, self.ctx)

    async def scheduled(self, controller: Any, env: Any = None, ctx: Any = None) -> None:
        await worker.scheduled(self.ctx)
