"""`/api/customers`: the project's end users, for the developer's backend: create, list, read, change, delete."""

from __future__ import annotations

from dream.auth.membership import forget_membership
from dream.auth.principal import ProjectCaller
from dream.clients import clerk
from dream.clients.clerk import ClerkRefused
from dream.db import clerk_effects, customers, end_users
from dream.db.customers import CustomerQuery
from dream.domain.billing_period import calendar_month
from dream.domain.clerk_objects import ClerkUser
from dream.domain.cursors import cursor_after, limit_of, place_of
from dream.domain.emails import is_email
from dream.domain.end_users import EndUserChange, NewEndUser
from dream.domain.tiers import default_tier, find_tier
from dream.errors import BadRequest, Conflict, InvalidFields, NotFound, Unprocessable
from dream.http.request import Request
from dream.http.response import Response, json_response
from dream.runtime.context import Context
from dream.services.catalog import tier_cache
from dream.services.end_users.removal import removal_statements

MAXIMUM_SEARCH_LENGTH = 200


class CustomerExists(Conflict):
    """409: an end user of this or another project has the email address."""

    error = "Customer exists"
    code = "customer_exists"
    message = "An end user has this email address already. Use another address, or let the user sign in."


async def create_customer(context: Context, request: Request, caller: ProjectCaller) -> Response:
    """Creates a Clerk user who belongs to this project. Raises CustomerExists if a Clerk user has the address already."""
    new = NewEndUser.from_json(await request.json())
    key = caller.project.publishable_key
    plan = await _plan(context, caller, new.plan)
    user = await _clerk_user(context, caller, new, plan)
    now = context.now()
    created, _ = await context.db.batch(
        [
            end_users.create(key, user.id, new, plan, now),
            clerk_effects.show_plan(key, user.id, now),
        ]
    )
    if not created:
        raise CustomerExists()
    context.deliver_soon()
    return json_response({"success": True, "customer": await _customer_json(context, caller, user.id)}, 201)


async def list_customers(context: Context, request: Request, caller: ProjectCaller) -> Response:
    """One page, the newest first. Filters: `email`, `plan`, `search` (a user id, or the beginning of an email address)."""
    limit = limit_of(request.query)
    query = await _customer_query(context, request, caller, limit)
    key, now = caller.project.publishable_key, context.now()
    found = await customers.read_page(context.db, key, query, month=calendar_month(now), now=now)
    shown = found[:limit]
    next_cursor = cursor_after(*query.place_after(shown[-1])) if len(found) > limit else None
    return json_response({"customers": [each.to_json(key) for each in shown], "nextCursor": next_cursor})


async def read_customer(context: Context, request: Request, caller: ProjectCaller) -> Response:
    """One end user."""
    return json_response({"customer": await _customer_json(context, caller, request.params["id"])})


async def change_customer(context: Context, request: Request, caller: ProjectCaller) -> Response:
    """Sets plan and names in D1, and at Clerk for a user whose membership is proven. The usage count stays as it is."""
    change = EndUserChange.from_json(await request.json())
    key, user_id = caller.project.publishable_key, request.params["id"]
    plan = await _plan(context, caller, change.plan)
    if change.first_name is not None or change.last_name is not None:
        await _rename_at_clerk(context, caller, user_id, change)
    now = context.now()
    changed, _ = await context.db.batch(
        [
            end_users.change(key, user_id, change, plan, now),
            clerk_effects.show_plan(key, user_id, now),
        ]
    )
    if not changed:
        raise NotFound()
    context.deliver_soon()
    return json_response({"success": True, "customer": await _customer_json(context, caller, user_id)})


async def delete_customer(context: Context, request: Request, caller: ProjectCaller) -> Response:
    """Deletes the user and cancels their subscription at Stripe. Deletes the Clerk user if no other project has them.

    Orders and payments stay.
    """
    key, user_id, now = caller.project.publishable_key, request.params["id"], context.now()
    results = await context.db.batch(
        [clerk_effects.delete_user(key, user_id, now), *removal_statements(key, user_id, now)]
    )
    user = end_users.deleted_user_from(results[-1])
    if user is None:
        raise NotFound()
    forget_membership(key, user_id)
    context.deliver_soon()
    deleted = {"id": user_id, "email": user.email}
    return json_response({"success": True, "message": "The customer was deleted.", "deleted": deleted})


async def _clerk_user(context: Context, caller: ProjectCaller, new: NewEndUser, plan: str | None) -> ClerkUser:
    """The new Clerk user, or the one that an unfinished creation by this project left at Clerk. Raises CustomerExists.

    A Clerk user of no project is never added to this one by an email address: only their own token adds them to a project.
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
    """The error for a field that Clerk refuses, with Clerk's message, which is written for people; other refusals stay as they are."""
    names = {"email_address": "email", "first_name": "firstName", "last_name": "lastName", "password": "password"}
    field = names.get(refusal.param or "")
    if field is None:
        return refusal
    return Unprocessable(refusal.explanation or None, code="customer_refused", fields={field: refusal.explanation})


async def _rename_at_clerk(context: Context, caller: ProjectCaller, user_id: str, change: EndUserChange) -> None:
    """Changes the names at Clerk for a proven member whom the metadata at Clerk give to this project."""
    if not await end_users.is_proven(context.db, caller.project.publishable_key, user_id):
        return
    instance = clerk.end_users(context, caller.project.mode)
    user = await instance.get_user(user_id)
    if user is not None and user.publishable_key == caller.project.publishable_key:
        await instance.update_user(user_id, first_name=change.first_name, last_name=change.last_name)


async def _plan(context: Context, caller: ProjectCaller, named: str | None) -> str | None:
    """The slug of the subscription tier with that name. Raises BadRequest."""
    if named is None:
        return None
    tier = find_tier(await tier_cache.tiers_of(context, caller.project.publishable_key, fresh=True), named)
    if tier is None or tier.billing_mode != "subscription":
        raise BadRequest(
            "This project has no such tier. Send the name of a tier from GET /api/tiers.",
            code="unknown_plan",
            fields={"plan": "the name of a tier of this project"},
        )
    return tier.name


async def _customer_query(context: Context, request: Request, caller: ProjectCaller, limit: int) -> CustomerQuery:
    """The page with one row more than is shown, which tells whether there is another page. Raises InvalidFields."""
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
    default = None if plan is None else default_tier(await tier_cache.tiers_of(context, caller.project.publishable_key))
    return CustomerQuery(
        plan=plan,
        plan_is_default=default is not None and default.name == plan,
        status=None,
        search=email or search,
        place=place_of(query),
        count=limit + 1,
        whole_email=email is not None,
    )


async def _customer_json(context: Context, caller: ProjectCaller, user_id: str) -> dict[str, object]:
    """The user as D1 has them now. Raises NotFound."""
    key, now = caller.project.publishable_key, context.now()
    user = await customers.find(context.db, key, user_id, month=calendar_month(now), now=now)
    if user is None:
        raise NotFound()
    return user.to_json(key)
