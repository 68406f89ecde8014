"""`POST /create-products`: creates a project with its tiers, its keys, and its products at Stripe."""

from __future__ import annotations

import os
from collections.abc import Mapping

from dream.clients.stripe.account import connected_account
from dream.crypto.secret_keys import make_secret_key, reveal
from dream.db import api_keys, audit_log, project_drafts, projects, stripe_tokens, tiers
from dream.db.api_keys import CurrentKey
from dream.domain.keys import make_key
from dream.domain.project_definitions import NewProject
from dream.domain.tier_definitions import MAXIMUM_TIERS
from dream.errors import ConstraintFailed
from dream.http.idempotency import ANSWER_TTL_SECONDS, key_of
from dream.http.request import Request
from dream.http.response import Response, json_response
from dream.runtime import checkpoints
from dream.runtime.context import Context
from dream.services.catalog.drafts import Draft, creating, open_draft
from dream.services.platforms.connection import StripeNotConnected
from oauth_api.credentials.platform import PayingDeveloper
from oauth_api.services.stripe_prices import StripePrice, create_prices, stripe_price_of

WORK = "create-products"
REPEAT_SECONDS = 120
"""How long an equal request without an Idempotency-Key counts as a retry. With a key, it counts for as long as the key's answer."""


async def create_products(context: Context, request: Request, developer: PayingDeveloper) -> Response:
    """Creates the products at Stripe first, then stores the project in one batch.

    An equal request, at the same time or after a crash, gets the same project.
    """
    project = NewProject.from_json(await request.json())
    account = await stripe_tokens.account_of(context.db, developer.platform_id, project.mode)
    if account is None and any(not tier.is_free for tier in project.tiers):
        raise StripeNotConnected(project.mode)
    draft = await _draft(context, request, developer, project, account or "")
    if draft.is_complete:
        return await _created(context, draft, project)
    prices = await _create_prices(context, draft, project, account)
    await checkpoints.reached(f"{WORK}:made")
    try:
        await _store(context, developer, project, draft, prices)
    except ConstraintFailed:
        if await projects.find_of_platform(context.db, draft.publishable_key, developer.platform_id) is None:
            raise
    await checkpoints.reached(f"{WORK}:stored")
    return await _created(context, draft, project)


async def _draft(
    context: Context, request: Request, developer: PayingDeveloper, project: NewProject, account: str
) -> Draft:
    idempotency_key = key_of(request)
    return await open_draft(
        context,
        developer.platform_id,
        project.fingerprint(account, idempotency_key or ""),
        make_key("pk", project.mode, os.urandom),
        project.mode,
        work=WORK,
        retry_seconds=REPEAT_SECONDS if idempotency_key is None else ANSWER_TTL_SECONDS,
    )


async def _create_prices(
    context: Context, draft: Draft, project: NewProject, account: str | None
) -> Mapping[str, StripePrice]:
    if account is None:
        return {tier.name: StripePrice(None, None) for tier in project.tiers}
    stripe = connected_account(context, project.mode, account)
    async with creating(context, draft, project.mode, account):
        return await create_prices(draft, stripe, draft.publishable_key, [(tier, None) for tier in project.tiers])


async def _store(
    context: Context, developer: PayingDeveloper, project: NewProject, draft: Draft, prices: Mapping[str, StripePrice]
) -> None:
    now, platform_id, publishable_key = context.now(), developer.platform_id, draft.publishable_key
    secret_key = await make_secret_key(context, project.mode)
    rows = [{**tier.to_row(), **prices[tier.name].to_row()} for tier in project.tiers]
    project_details = {
        "name": project.name,
        "projectType": project.project_type,
        "tiers": [tier.name for tier in project.tiers],
    }
    key_details = {"secretKey": secret_key.masked}
    await context.db.batch(
        [
            projects.add(publishable_key, platform_id, project.name, project.project_type, project.mode, None, now),
            tiers.add(publishable_key, rows, now, MAXIMUM_TIERS),
            api_keys.add(publishable_key, secret_key, now),
            project_drafts.complete(draft.draft_id, now),
            audit_log.record(platform_id, publishable_key, developer.user_id, "project.created", project_details, now),
            audit_log.record(platform_id, publishable_key, developer.user_id, "key.created", key_details, now),
        ]
    )


async def _created(context: Context, draft: Draft, project: NewProject) -> Response:
    """The answer, read from D1: all of several equal requests show the same keys, whichever of them stored the project."""
    stored = await tiers.list_of_project(context.db, draft.publishable_key)
    key = await api_keys.current_of_project(context.db, draft.publishable_key)
    return json_response(
        {
            "success": True,
            "publishableKey": draft.publishable_key,
            "secretKey": await _plain_key(context, key),
            "products": [stripe_price_of(tier).to_json(tier.name) for tier in stored],
            "mode": project.mode,
            "projectType": project.project_type,
            "projectName": project.name,
        }
    )


async def _plain_key(context: Context, key: CurrentKey | None) -> str | None:
    """The secret key in plain text. None if it was revoked."""
    if key is None or key.sealed is None:
        return None
    return await reveal(context, key.secret_key_hash, key.sealed)
