"""Forgetting what has lapsed: old payloads, answers to repeats, tokens, drafts, departed developers and end users, finished runs."""

from __future__ import annotations

from dream.auth.clerk_tokens import MAXIMUM_AGE_SECONDS
from dream.db import (
    deleted_end_users,
    events,
    idempotency_keys,
    nightly_runs,
    one_time_tokens,
    platforms,
    project_drafts,
)
from dream.domain.timestamps import iso
from dream.http.idempotency import ANSWER_TTL_SECONDS
from dream.runtime.context import Context
from front_auth_api.jobs import end_user_subscriptions, platform_subscriptions, sealed_keys

DAY_SECONDS = 24 * 3600
PAYLOAD_DAYS = 30
"""How long raw event payloads are kept."""
DRAFT_DAYS = 7
"""Stripe has long forgotten the idempotency keys of such a draft."""
DEPARTED_DAYS = 30
"""Vendors give up on delivering events long before."""
RUN_DAYS = 30


async def tidy(context: Context) -> None:
    """Every statement deletes by an index, and mostly finds nothing."""
    db, now = context.db, context.now_seconds()
    await events.delete_old_payloads(db, iso(now - PAYLOAD_DAYS * DAY_SECONDS))
    await idempotency_keys.delete_lapsed(db, iso(now - ANSWER_TTL_SECONDS))
    await one_time_tokens.drop_expired(db, iso(now))
    await project_drafts.drop_old(db, iso(now - DRAFT_DAYS * DAY_SECONDS))
    await deleted_end_users.delete_old(db, iso(now - MAXIMUM_AGE_SECONDS - DAY_SECONDS))
    await platforms.drop_deleted(db, iso(now - DEPARTED_DAYS * DAY_SECONDS))
    for job in (platform_subscriptions.NAME, end_user_subscriptions.NAME, sealed_keys.NAME):
        await nightly_runs.drop_old(db, job, iso(now - RUN_DAYS * DAY_SECONDS)[:10])
