"""`POST /promote-to-live`: a live project equal to a test one. Repeated, it makes the live project equal again and keeps its keys."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dream.clients.stripe.account import connected_account
from dream.crypto.secret_keys import NewSecretKey, make_secret_key
from dream.db import api_keys, audit_log, project_drafts, projects, stripe_tokens, tiers
from dream.domain.keys import make_key, mode_of
from dream.domain.project_definitions import Promotion, TierChange, is_local_origin, plan_promotion, publishable_key_in
from dream.domain.tier_definitions import MAXIMUM_TIERS
from dream.errors import Conflict, ConstraintFailed, InvalidFields, NotFound, PreconditionRequired
from dream.http.request import Request
from dream.http.response import Response, json_response
from dream.runtime import checkpoints
from dream.runtime.bindings import Bound, Row
from dream.runtime.context import Context
from dream.services.catalog import tier_cache
from dream.services.catalog.drafts import Draft, give_up, making, open_draft
from oauth_api.credentials.platform import PayingDeveloper
from oauth_api.services.stripe_prices import StripePrice, create_prices

WORK = "promote-to-live"
ROUNDS = 3
"""How often a promotion looks again when another one was faster."""


class LiveConnectionRequired(PreconditionRequired):
    """428: there is no live Stripe account to sell on."""

    code = "live_connection_required"
    message = "Connect your Stripe account in live mode first."


@dataclass(frozen=True, slots=True)
class _Wish:
    """What the body asks for."""

    publishable_key: str
    dry_run: bool

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> _Wish:
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
    """Both projects as D1 has them now, and what makes them equal. `live` is None before the first promotion."""

    test: Row
    live: Row | None
    origins: tuple[str, ...]
    promotion: Promotion
    account: str


async def promote_to_live(context: Context, request: Request, developer: PayingDeveloper) -> Response:
    """Plan, and unless it is a dry run make it so. Two promotions at once come to one live project."""
    wish = _Wish.from_json(await request.json())
    for _ in range(ROUNDS):
        state = await _load(context, developer, wish.publishable_key)
        if wish.dry_run:
            return json_response({**_shown(state), "dryRun": True, "publishableKey": _live_key(state)})
        try:
            return await _promote(context, developer, state)
        except ConstraintFailed as error:
            context.log.info("another promotion was faster", detail=error.detail)
    raise Conflict("This project is being promoted by somebody else. Try again in a moment.")


async def _load(context: Context, developer: PayingDeveloper, publishable_key: str) -> _State:
    platform_id = developer.platform_id
    test = await projects.find_of_platform(context.db, publishable_key, platform_id)
    if test is None:
        raise NotFound()
    account = await stripe_tokens.account_of(context.db, platform_id, "live")
    if account is None:
        raise LiveConnectionRequired()
    found, origins = await context.db.batch(
        [projects.find_promoted(publishable_key, platform_id), projects.list_origins(publishable_key)]
    )
    live = found[0] if found else None
    offered = await tier_cache.tiers_of(context, publishable_key, fresh=True)
    present = () if live is None else await tier_cache.tiers_of(context, live["publishableKey"], fresh=True)
    allowed = tuple(row["origin"] for row in origins if not is_local_origin(row["origin"]))
    return _State(test, live, allowed, plan_promotion(offered, present), account)


async def _promote(context: Context, developer: PayingDeveloper, state: _State) -> Response:
    draft = await open_draft(
        context,
        developer.platform_id,
        state.promotion.fingerprint(state.test["publishableKey"], state.account, _live_key(state) or ""),
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
        await _yield_to_the_faster(context, developer, state, draft)
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
    async with making(context, draft, "live", state.account):
        return await create_prices(draft, stripe, draft.publishable_key, wanted)


def _batch(
    context: Context,
    developer: PayingDeveloper,
    state: _State,
    draft: Draft,
    prices: Mapping[str, StripePrice],
    secret_key: NewSecretKey | None,
) -> list[Bound]:
    """All of it at once: the live project, its tiers, its first key, and what Stripe is owed for what goes."""
    now, key, account = context.now(), draft.publishable_key, state.account
    platform_id, actor, test_key = developer.platform_id, developer.user_id, state.test["publishableKey"]
    if secret_key is not None:
        test = state.test
        batch = [
            projects.add(key, platform_id, test["name"], test["projectType"], "live", test_key, now),
            api_keys.add(key, secret_key, now),
            audit_log.record(platform_id, key, actor, "key.created", {"secretKey": secret_key.masked}, now),
        ]
    else:
        batch = [projects.rename(key, platform_id, state.test["name"], now)]
    changes = state.promotion.changes
    gone = [change for change in changes if change.action == "archive"]
    batch.append(tiers.archive_all(key, [change.name for change in gone], now))
    for change in changes:
        if change.action == "update":
            batch += _updated(key, change, prices.get(change.name), account, now)
    new = [
        {**change.target.to_row(), **prices.get(change.name, StripePrice(None, None)).to_row()}
        for change in changes
        if change.action == "create" and change.target is not None
    ]
    left = [change.live for change in gone if change.live is not None]
    done = [change.to_json() for change in changes if change.action != "unchanged"]
    return [
        *batch,
        tiers.add(key, new, now, MAXIMUM_TIERS),
        projects.add_origins(key, state.origins),
        *tiers.enqueue_archiving_unused(
            key,
            "live",
            account,
            [*draft.ids("prod_"), *(tier.product_id for tier in left if tier.product_id)],
            [*draft.ids("price_"), *(tier.price_id for tier in left if tier.price_id)],
            now,
        ),
        project_drafts.drop(draft.draft_id),
        audit_log.record(platform_id, key, actor, "project.promoted", {"from": test_key, "changes": done}, now),
    ]


def _updated(key: str, change: TierChange, price: StripePrice | None, account: str, now: str) -> list[Bound]:
    target = change.target
    stripe: dict[str, str | None] = {}
    if price is not None:
        stripe = price.to_row()
    elif target is not None and target.is_free:
        stripe = {"priceId": None}
    owed = tiers.enqueue_archiving_replaced(key, change.name, stripe, "live", account, now) if stripe else []
    return [
        *owed,
        tiers.update(key, change.name, {**change.columns, **stripe}, now),
        tiers.enqueue_describing_product(key, change.name, "live", account, now),
    ]


async def _yield_to_the_faster(context: Context, developer: PayingDeveloper, state: _State, draft: Draft) -> None:
    """Another promotion has made the live project. What was made for ours is of no use, unless it was the same draft."""
    found = await context.db.batch([projects.find_promoted(state.test["publishableKey"], developer.platform_id)])
    if found[0] and found[0][0]["publishableKey"] != draft.publishable_key:
        await give_up(context, draft, "live", state.account)


async def _promoted(context: Context, state: _State, publishable_key: str, secret_key: NewSecretKey | None) -> Response:
    current = await api_keys.current_of_project(context.db, publishable_key)
    live_tiers = await tiers.list_of_project(context.db, publishable_key)
    answer = {
        **_shown(state),
        "success": True,
        "publishableKey": publishable_key,
        "secretKeyMasked": None if current is None else current["secretKeyMasked"],
        "products": [StripePrice(tier.product_id, tier.price_id).to_json(tier.name) for tier in live_tiers],
    }
    return json_response(answer if secret_key is None else {**answer, "secretKey": secret_key.plain})


def _live_key(state: _State) -> str | None:
    return None if state.live is None else state.live["publishableKey"]


def _shown(state: _State) -> dict[str, Any]:
    return {
        "mode": "live",
        "projectType": state.test["projectType"],
        "projectName": state.test["name"],
        "testPublishableKey": state.test["publishableKey"],
        "firstPromotion": state.live is None,
        "changes": [change.to_json() for change in state.promotion.changes],
    }
