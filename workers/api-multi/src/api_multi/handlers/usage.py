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
from dream.db import usage as usage_rows
from dream.db.usage import CountingCaller, IdempotentCall, StoredAnswer
from dream.domain.billing_period import calendar_month
from dream.domain.subscriptions import PAST_DUE_GRACE_SECONDS
from dream.domain.tiers import find_tier, shown_limit
from dream.domain.timestamps import iso
from dream.domain.usage import CountedCall, quantity_of
from dream.errors import BadRequest, Forbidden, RateLimited, Unprocessable
from dream.http.idempotency import ANSWER_TTL_SECONDS, KeyReused, key_of
from dream.http.request import Request
from dream.http.response import Response, json_response
from dream.runtime.context import Context
from dream.services.catalog import tier_cache


async def count_call(context: Context, request: Request, caller: EndUserCaller) -> Response:
    """Count one call, or `quantity` units, in the one statement that also decides whether they are allowed."""
    quantity = quantity_of(await request.json())
    counting = await _counting_caller(context, caller)
    key = key_of(request)
    if key is not None:
        return await _count_once(context, caller, counting, quantity, key)
    minute, rate = _minute(context)
    answer = await usage_rows.count_call(context.db, counting, quantity, minute, rate)
    if answer is None:
        raise await _reason_for_nothing(context, caller)
    return _counted(context, _call_of(context, caller, answer))


async def read_usage(context: Context, request: Request, caller: EndUserCaller) -> Response:
    """The count of the present period, without counting."""
    answer = await usage_rows.read_usage(context.db, await _counting_caller(context, caller))
    if answer is None:
        raise await _reason_for_nothing(context, caller)
    read = _call_of(context, caller, answer)
    if read.outcome == "new_user" and caller.token is None:
        publishable_key = caller.project.publishable_key
        context.wait_until(end_users.provision(context.db, publishable_key, caller.user_id, context.now()))
    usage = read.usage.to_json()
    return json_response({**usage, "usage": usage})


async def _count_once(
    context: Context, caller: EndUserCaller, counting: CountingCaller, quantity: int, key: str
) -> Response:
    call = IdempotentCall(
        scope=caller.idempotency_scope,
        key=key,
        fingerprint=_fingerprint(caller, quantity),
        claim_id=os.urandom(16).hex(),
        valid_after=iso(context.now_seconds() - ANSWER_TTL_SECONDS),
        request_id=context.request_id,
    )
    minute, rate = _minute(context)
    counted, stored = await usage_rows.count_call_once(context.db, counting, quantity, minute, rate, call)
    if stored is None:
        if counted is None:
            raise await _reason_for_nothing(context, caller)
        return _counted(context, _call_of(context, caller, counted))
    return _stored(context, caller, call, stored)


def _stored(context: Context, caller: EndUserCaller, call: IdempotentCall, stored: StoredAnswer) -> Response:
    """The first answer under the key, be it this call's or an earlier one's."""
    replayed = {} if stored.claim_id == call.claim_id else {"Idempotent-Replayed": "true"}
    if replayed and stored.fingerprint != call.fingerprint:
        raise KeyReused()
    context.request_id = stored.request_id
    return _counted(context, _call_of(context, caller, stored.answer), replayed)


def _call_of(context: Context, caller: EndUserCaller, answer: list[Any]) -> CountedCall:
    """What the statement said. A member who came with a token and is not proven yet joins after the answer."""
    call = CountedCall.from_answer(caller.user_id, answer)
    if not call.is_proven:
        join_later(context, caller)
    return call


def _counted(context: Context, call: CountedCall, headers: dict[str, str] | None = None) -> Response:
    usage = call.usage
    if call.outcome == "rate_limited":
        raise RateLimited(60 - int(context.now_seconds()) % 60)
    if call.outcome == "limit_reached":
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
            upgrade=None if call.upgrade is None else {"tier": call.upgrade[0], "price": call.upgrade[1]},
        )
    body: dict[str, Any] = {
        "success": True,
        "allowed": True,
        "data": {"message": "The call is allowed and was counted."},
        "usage": usage.to_json(),
    }
    return json_response(body, headers=headers or {})


async def _counting_caller(context: Context, caller: EndUserCaller) -> CountingCaller:
    now = context.now()
    return CountingCaller(
        publishable_key=caller.project.publishable_key,
        user_id=caller.user_id,
        month=calendar_month(now),
        now=now,
        secret_key_hash=caller.secret_key_hash,
        plan_hint=None if caller.plan_hint is None else await _plan_named(context, caller, caller.plan_hint),
        past_due_after=iso(context.now_seconds() - PAST_DUE_GRACE_SECONDS),
        token_issued_at=None if caller.token is None else caller.token.issued_at,
    )


async def _plan_named(context: Context, caller: EndUserCaller, named: str) -> str:
    publishable_key = caller.project.publishable_key
    tier = find_tier(await tier_cache.tiers_of(context, publishable_key), named)
    if tier is None:
        tier = find_tier(await tier_cache.tiers_of(context, publishable_key, fresh=True), named)
    if tier is None or tier.billing_mode != "subscription":
        raise BadRequest(
            "X-User-Plan names no tier of this project.", code="unknown_plan", fields={"X-User-Plan": "no such tier"}
        )
    return tier.name


async def _reason_for_nothing(context: Context, caller: EndUserCaller) -> Exception:
    """Why the statement found nobody to count for: key, payment or membership just ended, or there is no tier."""
    await project_keys.require_still_usable(context, caller.project.publishable_key, caller.secret_key_hash)
    refusal = await reason_for_no_member(context, caller)
    if refusal is not None:
        return refusal
    return Unprocessable(
        "This project has no subscription tier, so there is no limit to count against.", code="no_tiers"
    )


def _minute(context: Context) -> tuple[int, int]:
    return int(context.now_seconds() // 60), context.settings.rate_limit_per_minute


def _fingerprint(caller: EndUserCaller, quantity: int) -> str:
    asked = json.dumps(["POST /api/data", caller.user_id, quantity, caller.plan_hint])
    return hashlib.sha256(asked.encode()).hexdigest()
