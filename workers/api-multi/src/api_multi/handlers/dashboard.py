"""`GET /api/dashboard` and `GET /api/dashboard/totals`: a project's numbers, from facts that were stored as they happened."""

from __future__ import annotations

from dataclasses import dataclass

from api_multi.credentials.dashboard_viewer import DashboardViewer
from dream.db import dashboard as dashboard_rows
from dream.db.dashboard import CustomerQuery, DashboardRead
from dream.domain import dashboard
from dream.domain.billing_period import calendar_month
from dream.domain.cursors import cursor_after, limit_of, place_of
from dream.domain.dashboard import SUBSCRIPTION_STATUSES, Customer
from dream.domain.orders import Order
from dream.domain.project import Project
from dream.domain.subscriptions import PAST_DUE_GRACE_SECONDS
from dream.domain.tiers import Tier, default_tier, find_tier
from dream.domain.timestamps import iso
from dream.errors import BadRequest, InvalidFields, NotFound
from dream.http.request import Request
from dream.http.response import Response, json_response
from dream.runtime.context import Context
from dream.services.catalog import tier_cache

LATEST = 10
MAXIMUM_SEARCH_LENGTH = 200


@dataclass(frozen=True, slots=True)
class Filters:
    """Which customers are asked for, as the query says."""

    plan: str | None
    status: str | None
    search: str | None
    limit: int
    place: tuple[str, str] | None

    @classmethod
    def from_query(cls, request: Request) -> Filters:
        """Raises InvalidFields."""
        query = request.query
        status, search = query.get("status") or None, (query.get("search") or "").strip() or None
        fields: dict[str, str] = {}
        if status is not None and status not in SUBSCRIPTION_STATUSES:
            fields["status"] = f"one of {', '.join(SUBSCRIPTION_STATUSES)}"
        if search is not None and len(search) > MAXIMUM_SEARCH_LENGTH:
            fields["search"] = f"at most {MAXIMUM_SEARCH_LENGTH} characters"
        if fields:
            raise InvalidFields(fields)
        place = place_of(query, 2)
        ended = None if place is None else (place[0], place[1])
        return cls(query.get("plan") or None, status, search, limit_of(query), ended)


async def show(context: Context, request: Request, viewer: DashboardViewer) -> Response:
    """Metrics, a page of customers, tiers, latest orders, daily series, masked keys and recent events."""
    filters = Filters.from_query(request)
    project, now = viewer.project, context.now()
    month_start, month_end = calendar_month(now)
    customers = await _customer_query(context, project, filters)
    found = await dashboard_rows.read(
        context.db,
        project.publishable_key,
        project.platform_id,
        project.mode,
        first_day=dashboard.first_day_of(now[:10]),
        month_start=month_start,
        past_due_after=iso(context.now_seconds() - PAST_DUE_GRACE_SECONDS),
        customers=customers,
        latest=LATEST,
    )
    if found is None:
        raise NotFound()
    tiers = [Tier.from_row(row) for row in found.metrics.tiers]
    shown = [Customer.from_row(row, month_end) for row in found.customers[: filters.limit]]
    return json_response(
        {
            "metrics": dashboard.metrics(found.metrics.totals, found.metrics.usage_days, tiers, now[:10]),
            "customers": [customer.to_json(project.publishable_key) for customer in shown],
            "nextCursor": _next_cursor(customers, shown, len(found.customers) > filters.limit),
            "tiers": [tier.to_json() for tier in tiers],
            "lowStock": dashboard.low_stock(tiers),
            "orders": [Order.from_row(row).to_json() for row in found.orders],
            "usageByDay": dashboard.series(found.metrics.usage_days, "usageCount", "count", now[:10]),
            "revenueByDay": dashboard.series(found.revenue_days, "amount", "amount", now[:10]),
            "keys": _keys(project, found, now),
            "webhook": _webhook(found),
            "filters": _filters(filters, customers, tiers),
        }
    )


async def show_totals(context: Context, request: Request, viewer: DashboardViewer) -> Response:
    """The metrics alone."""
    project, today = viewer.project, context.now()[:10]
    found = await dashboard_rows.read_totals(context.db, project.publishable_key, dashboard.first_day_of(today))
    if found is None:
        raise NotFound()
    tiers = [Tier.from_row(row) for row in found.tiers]
    metrics = dashboard.metrics(found.totals, found.usage_days, tiers, today)
    return json_response({"publishableKey": project.publishable_key, "mode": project.mode, "metrics": metrics})


async def _customer_query(context: Context, project: Project, filters: Filters) -> CustomerQuery:
    """The page that is asked for, one row longer, which tells whether there is another."""
    plan, is_default = filters.plan, False
    if plan is not None:
        tiers = await tier_cache.tiers_of(context, project.publishable_key)
        tier, usual = find_tier(tiers, plan), default_tier(tiers)
        if tier is None:
            raise BadRequest(
                "No tier of this project has that name.", code="unknown_plan", fields={"plan": "no such tier"}
            )
        plan, is_default = tier.name, usual is not None and usual.name == tier.name
    return CustomerQuery(plan, is_default, filters.status, filters.search, filters.place, filters.limit + 1)


def _next_cursor(query: CustomerQuery, shown: list[Customer], there_are_more: bool) -> str | None:
    if not there_are_more:
        return None
    last = shown[-1]
    return cursor_after((last.email or "") if query.by_email else last.created_at, last.user_id)


def _keys(project: Project, found: DashboardRead, now: str) -> dict[str, object]:
    secret_keys = [dashboard.secret_key_json(row, now) for row in found.secret_keys]
    usable = [key["secretKeyMasked"] for key in secret_keys if key["status"] == "active"]
    about = {
        "publishableKey": project.publishable_key,
        "name": project.name,
        "projectType": project.project_type,
        "mode": project.mode,
    }
    return {
        "publishableKey": project.publishable_key,
        "secretKeyMasked": usable[0] if usable else None,
        "apiKeys": [{**about, **key} for key in secret_keys],
        "stripeAccountId": found.account_id,
    }


def _webhook(found: DashboardRead) -> dict[str, object]:
    recent = [{"type": row["type"], "createdAt": row["createdAt"], "status": row["outcome"]} for row in found.events]
    return {"lastEventAt": recent[0]["createdAt"] if recent else None, "recent": recent}


def _filters(filters: Filters, query: CustomerQuery, tiers: list[Tier]) -> dict[str, object]:
    """What was asked for, and what can be."""
    return {
        "plan": query.plan,
        "status": filters.status,
        "search": filters.search,
        "limit": filters.limit,
        "plans": [tier.name for tier in tiers if tier.billing_mode == "subscription"],
        "statuses": list(SUBSCRIPTION_STATUSES),
    }
