"""The type of a worker's schedule: the function that its cron trigger runs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from dream.runtime.context import Context

Schedule = Callable[[Context], Awaitable[None]]
