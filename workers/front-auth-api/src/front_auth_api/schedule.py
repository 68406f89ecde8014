"""The jobs that the cron trigger runs each minute.

They deliver the outbox, delete what has expired, and continue the nightly jobs. A job that fails is logged and tried again a minute
later. It never stops the other jobs.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from dream.errors import ApiError, ConstraintFailed
from dream.runtime.context import Context
from front_auth_api.jobs import (
    abandoned_drafts,
    effects,
    end_user_subscriptions,
    housekeeping,
    nightly,
    orders,
    platform_subscriptions,
    sealed_keys,
)

JOBS: Mapping[str, Callable[[Context], Awaitable[object]]] = {
    "effects": effects.deliver,
    "orders": orders.reconcile,
    "housekeeping": housekeeping.delete_expired,
    "abandoned_drafts": abandoned_drafts.clean_up,
    "platform_subscriptions": nightly.job(platform_subscriptions.NAME, platform_subscriptions.slice_),
    "end_user_subscriptions": nightly.job(end_user_subscriptions.NAME, end_user_subscriptions.slice_),
    "sealed_keys": sealed_keys.reseal,
}


async def run(context: Context) -> None:
    """Runs every job once."""
    for name, job in JOBS.items():
        try:
            await job(context)
        except ApiError as error:
            context.log.warning("job postponed", job=name, reason=error.reason or error.code)
        except ConstraintFailed as error:
            context.log.error("job failed", job=name, detail=error.detail)
        except Exception as error:
            context.log.exception(f"job {name} failed", error)
