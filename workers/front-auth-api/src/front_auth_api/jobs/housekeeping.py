"""Deletes rows that have expired: event payloads, idempotency keys, tokens, drafts, soft-deleted users, nightly runs."""

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
"""How long the raw payload of an event is stored."""
DRAFT_DAYS = 7
"""A draft of this age cannot be continued: Stripe keeps idempotency keys for a day."""
SOFT_DELETED_DAYS = 30
"""Late events need the row of a deleted developer. Stripe and Clerk stop retrying an event long before."""
RUN_DAYS = 30
"""How long the progress of a nightly run is stored."""


async def delete_expired(context: Context) -> None:
    """Each statement deletes by an index, and usually finds nothing."""
    db, now = context.db, context.now_seconds()
    await events.drop_old_payloads(db, iso(now - PAYLOAD_DAYS * DAY_SECONDS))
    await idempotency_keys.drop_lapsed(db, iso(now - ANSWER_TTL_SECONDS))
    await one_time_tokens.delete_expired(db, iso(now))
    await project_drafts.delete_old(db, iso(now - DRAFT_DAYS * DAY_SECONDS))
    await deleted_end_users.drop_old(db, iso(now - MAXIMUM_AGE_SECONDS - DAY_SECONDS))
    await platforms.delete_soft_deleted(db, iso(now - SOFT_DELETED_DAYS * DAY_SECONDS))
    for job in (platform_subscriptions.NAME, end_user_subscriptions.NAME, sealed_keys.NAME):
        await nightly_runs.delete_old(db, job, iso(now - RUN_DAYS * DAY_SECONDS)[:10])
