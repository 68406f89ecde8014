"""`POST /promote-to-live`: creates a live project with the tiers of a test project.

A later call updates the live project, which keeps its keys.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dream.clients.stripe.account import connected_account
from dream.crypto.secret_keys import NewSecretKey, make_secret_key
from dream.db import api_keys, audit_log, project_drafts, projects, stripe_tokens, tiers
from dream.domain.keys import make_key, mode_of
from dream.domain.project import OwnedProject
from dream.domain.project_definitions import Promotion, TierChange, is_local_origin, plan_promotion, publishable_key_in
from dream.domain.tier_definitions import MAXIMUM_TIERS
from dream.errors import Conflict, ConstraintFailed, InvalidFields, NotFound, PreconditionRequired
from dream.http.request import Request
from dream.http.response import Response, json_response
from dream.runtime import checkpoints
from dream.runtime.bindings import Bound
from dream.runtime.context import Context
from dream.services.catalog import tier_cache
from dream.services.catalog.drafts import Draft, creating, give_up, open_draft
from oauth_api.credentials.platform import PayingDeveloper
from oauth_api.services.stripe_prices import StripePrice, create_prices, stripe_price_of

WORK = "promote-to-live"
MAXIMUM_ATTEMPTS = 3
"""The maximum number of tries. A promotion tries again if another one was committed first."""


class LiveConnectionRequired(PreconditionRequired):
    """428: the developer has connected no Stripe account in live mode."""

    code = "live_connection_required"
    message = "Connect your Stripe account in live mode first."


@dataclass(frozen=True, slots=True)
class PromotionRequest:
    """The body of `POST /promote-to-live`."""

    publishable_key: str
    dry_run: bool

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> PromotionRequest:
        """Raises InvalidFields."""
        problems: dict[str, str] = {}
        publishable_key = publishable_key_in(body, problems)
        if publishable_key and mode_of(publishable_key) != "test":
            problems["publishableKey"] = "the publishable key of a test project"
        dry_run = body.get("dryRun", False)
        if not isinstance(dry_run, bool):
            problems["dryRun"] = "true or false"
        if problems:
            raise InvalidFields(problems)
        return cls(publishable_key, bool(dry_run))


@dataclass(frozen=True, slots=True)
class _State:
    """Both projects as D1 has them, and the changes that make them equal. `live` is None before the first promotion.

    `origins` are the redirect origins that the live project gets. `account` is the connected account in live mode.
    """

    test: OwnedProject
    live: OwnedProject | None
    origins: tuple[str, ...]
    promotion: Promotion
    account: str


async def promote_to_live(context: Context, request: Request, developer: PayingDeveloper) -> Response:
    """Plans the changes, and makes them unless it is a dry run. Two promotions at the same time create one live project."""
    body = PromotionRequest.from_json(await request.json())
    for _ in range(MAXIMUM_ATTEMPTS):
        state = await _load(context, developer, body.publishable_key)
        if body.dry_run:
            return json_response({**_state_json(state), "dryRun": True, "publishableKey": _live_key(state)})
        try:
            return await _promote(context, developer, state)
        except ConstraintFailed as error:
            context.log.info("another promotion was committed first", detail=error.detail)
    raise Conflict("Another request is promoting this project. Try again in a few seconds.")


async def _load(context: Context, developer: PayingDeveloper, publishable_key: str) -> _State:
    platform_id = developer.platform_id
    test = await projects.find_of_platform(context.db, publishable_key, platform_id)
    if test is None:
        raise NotFound()
    account = await stripe_tokens.account_of(context.db, platform_id, "live")
    if account is None:
        raise LiveConnectionRequired()
    live, test_origins = await projects.find_promoted_with_test_origins(context.db, publishable_key, platform_id)
    test_tiers = await tier_cache.tiers_of(context, publishable_key, fresh=True)
    live_tiers = () if live is None else await tier_cache.tiers_of(context, live.publishable_key, fresh=True)
    origins = tuple(origin for origin in test_origins if not is_local_origin(origin))
    return _State(test, live, origins, plan_promotion(test_tiers, live_tiers), account)


async def _promote(context: Context, developer: PayingDeveloper, state: _State) -> Response:
    draft = await open_draft(
        context,
        developer.platform_id,
        state.promotion.fingerprint(state.test.publishable_key, state.account, _live_key(state) or ""),
        _live_key(state) or make_key("pk", "live", os.urandom),
        "live",
        work=WORK,
    )
    prices = await _create_prices(context, draft, state)
    await checkpoints.reached(f"{WORK}:made")
    secret_key = await make_secret_key(context, "live") if state.live is None else None
    try:
        await context.db.batch(_batch(context, developer, state, draft, prices, secret_key))
    except ConstraintFailed:
        await _give_up_if_superseded(context, developer, state, draft)
        raise
    tier_cache.forget(draft.publishable_key)
    await checkpoints.reached(f"{WORK}:stored")
    context.deliver_soon()
    return await _promoted(context, state, draft.publishable_key, secret_key)


async def _create_prices(context: Context, draft: Draft, state: _State) -> Mapping[str, StripePrice]:
    wanted = [
        (change.target, None if change.live is None else change.live.product_id)
        for change in state.promotion.changes
        if change.target is not None and change.needs_price
    ]
    stripe = connected_account(context, "live", state.account)
    async with creating(context, draft, "live", state.account):
        return await create_prices(draft, stripe, draft.publishable_key, wanted)


def _batch(
    context: Context,
    developer: PayingDeveloper,
    state: _State,
    draft: Draft,
    prices: Mapping[str, StripePrice],
    secret_key: NewSecretKey | None,
) -> list[Bound]:
    """The statements of one batch: the live project, its tiers, its first secret key, and the effects on Stripe."""
    now, key, account = context.now(), draft.publishable_key, state.account
    platform_id, actor, test_key = developer.platform_id, developer.user_id, state.test.publishable_key
    if secret_key is not None:
        test = state.test
        batch = [
            projects.add(key, platform_id, test.name, test.project_type, "live", test_key, now),
            api_keys.add(key, secret_key, now),
            audit_log.record(platform_id, key, actor, "key.created", {"secretKey": secret_key.masked}, now),
        ]
    else:
        batch = [projects.rename(key, platform_id, state.test.name, now)]
    changes = state.promotion.changes
    archived = [change for change in changes if change.action == "archive"]
    batch.append(tiers.archive_all(key, [change.name for change in archived], now))
    for change in changes:
        if change.action == "update":
            batch += _update_tier(key, change, prices.get(change.name), account, now)
    new_tiers = [
        {**change.target.to_row(), **prices.get(change.name, StripePrice(None, None)).to_row()}
        for change in changes
        if change.action == "create" and change.target is not None
    ]
    archived_tiers = [change.live for change in archived if change.live is not None]
    changed = [change.to_json() for change in changes if change.action != "unchanged"]
    return [
        *batch,
        tiers.add(key, new_tiers, now, MAXIMUM_TIERS),
        projects.add_origins(key, state.origins),
        *tiers.enqueue_archiving_unused(
            key,
            "live",
            account,
            [*draft.ids("prod_"), *(tier.product_id for tier in archived_tiers if tier.product_id)],
            [*draft.ids("price_"), *(tier.price_id for tier in archived_tiers if tier.price_id)],
            now,
        ),
        project_drafts.delete(draft.draft_id),
        audit_log.record(platform_id, key, actor, "project.promoted", {"from": test_key, "changes": changed}, now),
    ]


def _update_tier(key: str, change: TierChange, price: StripePrice | None, account: str, now: str) -> list[Bound]:
    target = change.target
    stripe: dict[str, str | None] = {}
    if price is not None:
        stripe = price.to_row()
    elif target is not None and target.is_free:
        stripe = {"priceId": None}
    enqueued = tiers.enqueue_archiving_replaced(key, change.name, stripe, "live", account, now) if stripe else []
    return [
        *enqueued,
        tiers.update(key, change.name, {**change.columns, **stripe}, now),
        tiers.enqueue_describing_product(key, change.name, "live", account, now),
    ]


async def _give_up_if_superseded(context: Context, developer: PayingDeveloper, state: _State, draft: Draft) -> None:
    """Another promotion created the live project. Archives what this one created at Stripe, unless both used the same draft."""
    live = await projects.find_promoted(context.db, state.test.publishable_key, developer.platform_id)
    if live is not None and live.publishable_key != draft.publishable_key:
        await give_up(context, draft, "live", state.account)


async def _promoted(context: Context, state: _State, publishable_key: str, secret_key: NewSecretKey | None) -> Response:
    current = await api_keys.current_of_project(context.db, publishable_key)
    stored = await tiers.list_of_project(context.db, publishable_key)
    answer = {
        **_state_json(state),
        "success": True,
        "publishableKey": publishable_key,
        "secretKeyMasked": None if current is None else current.masked,
        "products": [stripe_price_of(tier).to_json(tier.name) for tier in stored],
    }
    return json_response(answer if secret_key is None else {**answer, "secretKey": secret_key.plain})


def _live_key(state: _State) -> str | None:
    return None if state.live is None else state.live.publishable_key


def _state_json(state: _State) -> dict[str, Any]:
    return {
        "mode": "live",
        "projectType": state.test.project_type,
        "projectName": state.test.name,
        "testPublishableKey": state.test.publishable_key,
        "firstPromotion": state.live is None,
        "changes": [change.to_json() for change in state.promotion.changes],
    }
