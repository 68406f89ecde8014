"""`POST /api/data` counts a call against the plan's limit; `GET /api/usage` reads the count."""

from __future__ import annotations

import hashlib
import json
import os
from typing import Any

from dream.auth import project_keys
from dream.auth.membership import join_later, reason_for_no_member
from dream.auth.principal import EndUserCaller
from dream.db import end_users
from dream.db import usage as usage_counts
from dream.db.usage import Call, KeyedRequest, KeyTaken, UsageOwner
from dream.domain.billing_period import calendar_month
from dream.domain.tiers import find_tier, shown_limit
from dream.domain.timestamps import iso
from dream.domain.usage import UsageResult, quantity_of
from dream.errors import BadRequest, Forbidden, RateLimited, Unprocessable
from dream.http.idempotency import ANSWER_TTL_SECONDS, KeyReused, key_of
from dream.http.request import Request
from dream.http.response import Response, json_response
from dream.runtime.context import Context
from dream.services.catalog import tier_cache


async def count_call(context: Context, request: Request, caller: EndUserCaller) -> Response:
    """Counts one call, or `quantity` units, if the limit allows it. A repeat with the same Idempotency-Key counts nothing."""
    quantity = quantity_of(await request.json())
    owner = await _usage_owner(context, caller)
    call = Call(quantity, int(context.now_seconds() // 60), context.settings.rate_limit_per_minute)
    key = key_of(request)
    if key is None:
        return await _respond(context, caller, await usage_counts.add(context.db, owner, call))
    keyed = KeyedRequest(
        scope=caller.idempotency_scope,
        key=key,
        fingerprint=_fingerprint(caller, quantity),
        claim_id=os.urandom(16).hex(),
        valid_after=iso(context.now_seconds() - ANSWER_TTL_SECONDS),
        request_id=context.request_id,
    )
    answer = await usage_counts.add_once(context.db, owner, call, keyed)
    if isinstance(answer, KeyTaken):
        raise KeyReused()
    if answer is None or isinstance(answer, UsageResult):
        return await _respond(context, caller, answer)
    context.request_id = answer.request_id
    return await _respond(context, caller, answer.result, is_replayed=answer.is_replayed)


async def read_usage(context: Context, request: Request, caller: EndUserCaller) -> Response:
    """The count of the present period, without counting."""
    result = await usage_counts.read(context.db, await _usage_owner(context, caller))
    if result is None:
        raise await _reason_for_no_result(context, caller)
    _join_if_unproven(context, caller, result)
    if result.outcome == "new_user" and caller.token is None:
        publishable_key = caller.project.publishable_key
        context.wait_until(end_users.provision(context.db, publishable_key, caller.user_id, context.now()))
    usage = result.usage.to_json()
    return json_response({**usage, "usage": usage})


async def _respond(
    context: Context, caller: EndUserCaller, result: UsageResult | None, *, is_replayed: bool = False
) -> Response:
    """The answer to a call that was counted. Raises RateLimited or Forbidden for one that was refused."""
    if result is None:
        raise await _reason_for_no_result(context, caller)
    _join_if_unproven(context, caller, result)
    usage = result.usage
    headers = {"Idempotent-Replayed": "true"} if is_replayed else {}
    if result.outcome == "rate_limited":
        raise RateLimited(60 - int(context.now_seconds()) % 60)
    if result.outcome == "limit_reached":
        raise Forbidden(
            f"The plan {usage.plan} allows {shown_limit(usage.limit)} calls until {usage.period_end}.",
            error="Tier limit reached",
            code="tier_limit_reached",
            headers=headers,
            allowed=False,
            usageCount=usage.count,
            limit=shown_limit(usage.limit),
            usage=usage.to_json(),
            resetsAt=usage.period_end,
            upgrade=None if result.upgrade is None else {"tier": result.upgrade[0], "price": result.upgrade[1]},
        )
    body: dict[str, Any] = {
        "success": True,
        "allowed": True,
        "data": {"message": "The call is allowed and was counted."},
        "usage": usage.to_json(),
    }
    return json_response(body, headers=headers)


def _join_if_unproven(context: Context, caller: EndUserCaller, result: UsageResult) -> None:
    """A user who came with a token of this project, and is not a proven member yet, becomes one after the answer."""
    if not result.is_proven:
        join_later(context, caller)


async def _usage_owner(context: Context, caller: EndUserCaller) -> UsageOwner:
    now = context.now()
    return UsageOwner(
        publishable_key=caller.project.publishable_key,
        user_id=caller.user_id,
        month=calendar_month(now),
        now=now,
        secret_key_hash=caller.secret_key_hash,
        named_plan=None if caller.plan_hint is None else await _tier_named(context, caller, caller.plan_hint),
        token_issued_at=None if caller.token is None else caller.token.issued_at,
    )


async def _tier_named(context: Context, caller: EndUserCaller, name: str) -> str:
    """The slug of the tier that `X-User-Plan` names. Raises BadRequest if there is none."""
    publishable_key = caller.project.publishable_key
    tier = find_tier(await tier_cache.tiers_of(context, publishable_key), name)
    if tier is None:
        tier = find_tier(await tier_cache.tiers_of(context, publishable_key, fresh=True), name)
    if tier is None or tier.billing_mode != "subscription":
        raise BadRequest(
            "X-User-Plan names no tier of this project. Send the name of a tier from GET /api/tiers.",
            code="unknown_plan",
            fields={"X-User-Plan": "the name of a tier of this project"},
        )
    return tier.name


async def _reason_for_no_result(context: Context, caller: EndUserCaller) -> Exception:
    """Why D1 returned no result: the key, the payment or the membership has ended, or the project has no tier."""
    await project_keys.require_still_usable(context, caller.project.publishable_key, caller.secret_key_hash)
    refusal = await reason_for_no_member(context, caller)
    if refusal is not None:
        return refusal
    return Unprocessable(
        "This project has no subscription tier, so there is no limit to count against. Add a tier in the dashboard.",
        code="no_tiers",
    )


def _fingerprint(caller: EndUserCaller, quantity: int) -> str:
    request = json.dumps(["POST /api/data", caller.user_id, quantity, caller.plan_hint])
    return hashlib.sha256(request.encode()).hexdigest()
