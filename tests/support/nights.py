"""Nights of front-auth-api's schedule, and what its log says of them."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.support.in_process.stack import InProcessStack
from tests.support.stack import Stack

WORKER = "front-auth-api"
RUNS_OF_A_NIGHT = 60
JOBS = ("platform_subscriptions", "end_user_subscriptions", "sealed_keys")


_nights = itertools.count(1)


def next_morning(stack: InProcessStack) -> str:
    """Moves the workers' clocks to four in the morning of a date that this test has not had yet; returns the date."""
    now = datetime.now(UTC)
    morning = (now + timedelta(days=next(_nights))).replace(hour=4, minute=0)
    stack.clock.offset_seconds = (morning - now).total_seconds()
    return f"{morning:%Y-%m-%d}"


def night(stack: InProcessStack) -> str:
    """Runs the schedule from four in the morning until all nightly jobs have finished; returns the date."""
    date = next_morning(stack)
    for _ in range(RUNS_OF_A_NIGHT):
        stack.run_scheduled(WORKER)
        if len(finished(stack, date)) == len(JOBS):
            stack.clock.offset_seconds = 0
            return date
    raise AssertionError(f"only these jobs finished: {list(finished(stack, date))}")


def finished(stack: Stack, date: str) -> dict[str, dict[str, Any]]:
    """The runs of that date that have finished, by job."""
    rows = stack.d1("SELECT * FROM nightly_runs WHERE substr(run, 1, 10) = ?1 AND finishedAt IS NOT NULL", date)
    return {row["job"]: row for row in rows}
