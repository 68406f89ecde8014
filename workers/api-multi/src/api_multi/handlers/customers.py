"""`/api/customers`: the project's end users, for the developer's backend: create, list, read, change, delete."""

from __future__ import annotations

from dream.auth.membership import forget_membership
from dream.auth.principal import ProjectCaller
from dream.clients import clerk
from dream.clients.clerk import ClerkRefused
from dream.db import clerk_effects, dashboard, end_users
from dream.db.dashboard import CustomerQuery
from dream.domain.billing_period import calendar_month
from dream.domain.clerk_objects import ClerkUser
from dream.domain.cursors import cursor_after, limit_of, place_of
from dream.domain.emails import is_email
from dream.domain.end_users import EndUser, EndUserChange, NewEndUser
from dream.domain.subscriptions import PAST_DUE_GRACE_SECONDS
from dream.domain.tiers import default_tier, find_tier
from dream.domain.timestamps import iso
from dream.errors import BadRequest, Conflict, InvalidFields, NotFound, Unprocessable
from dream.http.request import Request
from dream.http.response import Response, json_response
from dream.runtime.context import Context
from dream.services.catalog import tier_cache
from dream.services.end_users.removal import leave

MAXIMUM_SEARCH_LENGTH = 200


class CustomerExists(Conflict):
    """409: the address belongs to an end user of this project, or of another."""

    error = "Customer exists"
    code = "customer_exists"
    message = "There is an end user with this email address already."


async def create_customer(context: Context, request: Request, caller: ProjectCaller) -> Response:
    """Create a Clerk user who is the project's own. An address that a Clerk user has already is refused."""
    new = NewEndUser.from_json(await request.json())
    key = caller.project.publishable_key
    plan = await _plan(context, caller, new.plan)
    user = await _clerk_user(context, caller, new, plan)
    now = context.now()
    created, _ = await context.db.batch(
        [
            end_users.create(key, user.id, new, plan, now),
            clerk_effects.show_plan(key, user.id, _past_due_after(context), now),
        ]
    )
    if not created:
        raise CustomerExists()
    context.deliver_soon()
    return json_response({"success": True, "customer": (await _shown(context, caller, user.id))}, 201)


async def list_customers(context: Context, request: Request, caller: ProjectCaller) -> Response:
    """One page, newest first; by `email`, `plan`, or `search` (a user id, or what an email begins with)."""
    limit = limit_of(request.query)
    query = await _page(context, request, caller, limit)
    found = await dashboard.read_customers(
        context.db,
        caller.project.publishable_key,
        query,
        month_start=calendar_month(context.now())[0],
        past_due_after=_past_due_after(context),
    )
    shown = [EndUser.from_row(row) for row in found[:limit]]
    next_cursor = None
    if len(found) > limit:
        last = shown[-1]
        next_cursor = cursor_after((last.email or "") if query.by_email else last.created_at, last.id)
    customers = [each.to_json(caller.project.publishable_key) for each in shown]
    return json_response({"customers": customers, "nextCursor": next_cursor})


async def read_customer(context: Context, request: Request, caller: ProjectCaller) -> Response:
    """One end user."""
    return json_response({"customer": await _shown(context, caller, request.params["id"])})


async def change_customer(context: Context, request: Request, caller: ProjectCaller) -> Response:
    """Set plan and names: here, and at Clerk for a user whose membership is proven. What was counted stays counted."""
    wanted = EndUserChange.from_json(await request.json())
    key, user_id = caller.project.publishable_key, request.params["id"]
    plan = await _plan(context, caller, wanted.plan)
    if wanted.first_name is not None or wanted.last_name is not None:
        await _rename_at_clerk(context, caller, user_id, wanted)
    now = context.now()
    changed, _ = await context.db.batch(
        [
            end_users.change(key, user_id, wanted, plan, now),
            clerk_effects.show_plan(key, user_id, _past_due_after(context), now),
        ]
    )
    if not changed:
        raise NotFound()
    context.deliver_soon()
    return json_response({"success": True, "customer": await _shown(context, caller, user_id)})


async def delete_customer(context: Context, request: Request, caller: ProjectCaller) -> Response:
    """Forget the user and end their subscription at Stripe. The Clerk user goes with their last proven membership.

    Orders and payments stay.
    """
    key, user_id, now = caller.project.publishable_key, request.params["id"], context.now()
    results = await context.db.batch([clerk_effects.delete_user(key, user_id, now), *leave(key, user_id, now)])
    if not results[-1]:
        raise NotFound()
    forget_membership(key, user_id)
    context.deliver_soon()
    deleted = {"id": user_id, "email": results[-1][0]["email"]}
    return json_response({"success": True, "message": "The customer was deleted.", "deleted": deleted})


async def _clerk_user(context: Context, caller: ProjectCaller, new: NewEndUser, plan: str | None) -> ClerkUser:
    """The new Clerk user, or the one whom an unfinished creation by this project left at Clerk. Raises CustomerExists.

    A Clerk user of no project is not taken over by an address: only their own token makes them a project's.
    """
    project = caller.project
    metadata = {"publishableKey": project.publishable_key} | ({} if plan is None else {"plan": plan})
    instance = clerk.end_users(context, project.mode)
    try:
        return await instance.create_user(
            new.email,
            first_name=new.first_name,
            last_name=new.last_name,
            password=new.password,
            public_metadata=metadata,
        )
    except ClerkRefused as refusal:
        if not refusal.is_taken:
            raise _refused(refusal) from None
    for user in await instance.list_users_by_email([new.email]):
        if user.publishable_key == project.publishable_key:
            return user
    raise CustomerExists()


def _refused(refusal: ClerkRefused) -> Exception:
    """What Clerk has against an address, a name or a password, in its own words, which are meant for people."""
    names = {"email_address": "email", "first_name": "firstName", "last_name": "lastName", "password": "password"}
    field = names.get(refusal.param or "")
    if field is None:
        return refusal
    return Unprocessable(refusal.explanation or None, code="customer_refused", fields={field: refusal.explanation})


async def _rename_at_clerk(context: Context, caller: ProjectCaller, user_id: str, wanted: EndUserChange) -> None:
    """Names are Clerk's too, for proven members whom Clerk knows as this project's."""
    if not await end_users.is_proven(context.db, caller.project.publishable_key, user_id):
        return
    instance = clerk.end_users(context, caller.project.mode)
    user = await instance.get_user(user_id)
    if user is not None and user.publishable_key == caller.project.publishable_key:
        await instance.update_user(user_id, first_name=wanted.first_name, last_name=wanted.last_name)


async def _plan(context: Context, caller: ProjectCaller, named: str | None) -> str | None:
    """The subscription tier of that name. Raises BadRequest."""
    if named is None:
        return None
    tier = find_tier(await tier_cache.tiers_of(context, caller.project.publishable_key, fresh=True), named)
    if tier is None or tier.billing_mode != "subscription":
        raise BadRequest("This project has no such tier.", code="unknown_plan", fields={"plan": "no such tier"})
    return tier.name


async def _page(context: Context, request: Request, caller: ProjectCaller, limit: int) -> CustomerQuery:
    """What the query asks for, one row longer, which tells whether there is more. Raises InvalidFields."""
    query = request.query
    email, search = query.get("email"), (query.get("search") or "").strip() or None
    fields: dict[str, str] = {}
    if email is not None and not is_email(email):
        fields["email"] = "an email address"
    if search is not None and (len(search) > MAXIMUM_SEARCH_LENGTH or email is not None):
        fields["search"] = f"at most {MAXIMUM_SEARCH_LENGTH} characters, and not beside email"
    if fields:
        raise InvalidFields(fields)
    plan = await _plan(context, caller, query.get("plan") or None)
    usual = None if plan is None else default_tier(await tier_cache.tiers_of(context, caller.project.publishable_key))
    place = place_of(query, 2)
    return CustomerQuery(
        plan=plan,
        plan_is_default=usual is not None and usual.name == plan,
        status=None,
        search=email or search,
        place=None if place is None else (place[0], place[1]),
        count=limit + 1,
        whole_email=email is not None,
    )


async def _shown(context: Context, caller: ProjectCaller, user_id: str) -> dict[str, object]:
    """The user as D1 has them now. Raises NotFound."""
    row = await dashboard.find_customer(
        context.db,
        caller.project.publishable_key,
        user_id,
        month_start=calendar_month(context.now())[0],
        past_due_after=_past_due_after(context),
    )
    if row is None:
        raise NotFound()
    return EndUser.from_row(row).to_json(caller.project.publishable_key)


def _past_due_after(context: Context) -> str:
    return iso(context.now_seconds() - PAST_DUE_GRACE_SECONDS)
