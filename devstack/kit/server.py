"""Owns a stand-in as a program: its arguments, its background work while it serves, and its shutdown."""

import argparse
import asyncio
import contextlib
import logging
import sys
from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from typing import Protocol

import uvicorn
from starlette.applications import Starlette

HOST = "127.0.0.1"
# How long requests in flight may take to end at a shutdown.
SHUTDOWN_SECONDS = 3

Lifespan = Callable[[Starlette], contextlib.AbstractAsyncContextManager[None]]


class RunsInBackground(Protocol):
    """A stand-in with work between requests: webhooks to deliver and timers to fire."""

    async def run(self) -> None: ...

    async def aclose(self) -> None: ...


def lifespan(stand_in: RunsInBackground) -> Lifespan:
    """Runs the background work while a server runs the app. `httpx.ASGITransport` does not start it."""

    @contextlib.asynccontextmanager
    async def background(_app: Starlette) -> AsyncGenerator[None]:
        work = asyncio.create_task(stand_in.run())
        try:
            yield
        finally:
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)
            await stand_in.aclose()

    return background


def main(name: str, port: int, create: Callable[[Path, str], Starlette]) -> int:
    """Serves until stopped, and returns the exit status: 2 if the configuration is wrong.

    `create` makes the app from the configuration file and the path of the database.
    """
    parser = argparse.ArgumentParser(
        prog=f"python -m devstack.{name}", description=f"A local stand-in for {name.title()}."
    )
    parser.add_argument("--config", type=Path, required=True, help="JSON file: keys, addresses, webhook endpoints")
    parser.add_argument("--port", type=int, default=port)
    parser.add_argument("--host", default=HOST)
    parser.add_argument(
        "--db", type=Path, default=Path(".dev") / f"{name}.sqlite", help="SQLite file that holds the state"
    )
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format=f"{name} %(levelname)s %(name)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    arguments.db.parent.mkdir(parents=True, exist_ok=True)
    try:
        app = create(arguments.config, str(arguments.db))
    except (OSError, ValueError, KeyError) as error:
        print(f"devstack.{name}: {arguments.config}: {error}", file=sys.stderr)
        return 2
    uvicorn.run(
        app,
        host=arguments.host,
        port=arguments.port,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
    )
    return 0
