"""`GET /api/dashboard` and `GET /api/dashboard/totals`: a project's numbers, from facts that were stored when they happened."""

from __future__ import annotations

from dataclasses import dataclass

from api_multi.credentials.dashboard_viewer import DashboardViewer
from dream.db import dashboard as dashboard_rows
from dream.db.customers import CustomerQuery
from dream.db.dashboard import DashboardRead
from dream.domain import dashboard
from dream.domain.billing_period import calendar_month
from dream.domain.cursors import cursor_after, limit_of, place_of
from dream.domain.dashboard import SUBSCRIPTION_STATUSES
from dream.domain.project import Project
from dream.domain.tiers import Tier, default_tier, find_tier
from dream.errors import BadRequest, InvalidFields, NotFound
from dream.http.request import Request
from dream.http.response import Response, json_response
from dream.runtime.context import Context
from dream.services.catalog import tier_cache

LATEST = 10
"""How many of the latest orders and events are shown."""
MAXIMUM_SEARCH_LENGTH = 200


@dataclass(frozen=True, slots=True)
class Filters:
    """Which customers the query asks for. `place` is where the last page ended."""

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
        return cls(query.get("plan") or None, status, search, limit_of(query), place_of(query))


async def show(context: Context, request: Request, viewer: DashboardViewer) -> Response:
    """Metrics, a page of customers, tiers, latest orders, daily series, masked keys and latest events."""
    filters = Filters.from_query(request)
    project, now = viewer.project, context.now()
    today = now[:10]
    query = await _customer_query(context, project, filters)
    found = await dashboard_rows.read(
        context.db,
        project,
        first_day=dashboard.first_day_of(today),
        month=calendar_month(now),
        now=now,
        customer_query=query,
        latest=LATEST,
    )
    if found is None:
        raise NotFound()
    tiers, metrics = found.metrics.tiers, found.metrics
    shown = found.customers[: filters.limit]
    has_more = len(found.customers) > filters.limit
    return json_response(
        {
            "metrics": dashboard.metrics(metrics.totals, metrics.calls_by_day, tiers, today),
            "customers": [customer.to_dashboard_json(project.publishable_key) for customer in shown],
            "nextCursor": cursor_after(*query.place_after(shown[-1])) if has_more else None,
            "tiers": [tier.to_json() for tier in tiers],
            "lowStock": dashboard.low_stock(tiers),
            "orders": [order.to_json() for order in found.orders],
            "usageByDay": dashboard.series(metrics.calls_by_day, "count", today),
            "revenueByDay": dashboard.series(found.revenue_by_day, "amount", today),
            "keys": _keys_json(project, found, now),
            "webhook": _webhook_json(found),
            "filters": _filters_json(filters, query, tiers),
        }
    )


async def show_totals(context: Context, request: Request, viewer: DashboardViewer) -> Response:
    """The metrics alone."""
    project, today = viewer.project, context.now()[:10]
    found = await dashboard_rows.read_metrics(context.db, project.publishable_key, dashboard.first_day_of(today))
    if found is None:
        raise NotFound()
    metrics = dashboard.metrics(found.totals, found.calls_by_day, found.tiers, today)
    return json_response({"publishableKey": project.publishable_key, "mode": project.mode, "metrics": metrics})


async def _customer_query(context: Context, project: Project, filters: Filters) -> CustomerQuery:
    """The page with one row more than is shown, which tells whether there is another page. Raises BadRequest for an unknown plan."""
    plan, is_default = filters.plan, False
    if plan is not None:
        tiers = await tier_cache.tiers_of(context, project.publishable_key)
        tier, default = find_tier(tiers, plan), default_tier(tiers)
        if tier is None:
            raise BadRequest(
                "No tier of this project has that name. Send the name of one of its tiers.",
                code="unknown_plan",
                fields={"plan": "the name of a tier of this project"},
            )
        plan, is_default = tier.name, default is not None and default.name == tier.name
    return CustomerQuery(plan, is_default, filters.status, filters.search, filters.place, filters.limit + 1)


def _keys_json(project: Project, found: DashboardRead, now: str) -> dict[str, object]:
    secret_keys = [key.to_json(now) for key in found.secret_keys]
    active = [key["secretKeyMasked"] for key in secret_keys if key["status"] == "active"]
    of_project = {
        "publishableKey": project.publishable_key,
        "name": project.name,
        "projectType": project.project_type,
        "mode": project.mode,
    }
    return {
        "publishableKey": project.publishable_key,
        "secretKeyMasked": active[0] if active else None,
        "apiKeys": [{**of_project, **key} for key in secret_keys],
        "stripeAccountId": found.account_id,
    }


def _webhook_json(found: DashboardRead) -> dict[str, object]:
    recent = [{"type": each.type, "createdAt": each.created_at, "status": each.outcome} for each in found.events]
    return {"lastEventAt": found.events[0].created_at if found.events else None, "recent": recent}


def _filters_json(filters: Filters, query: CustomerQuery, tiers: tuple[Tier, ...]) -> dict[str, object]:
    """The filters that the query used, and the values that they may have."""
    return {
        "plan": query.plan,
        "status": filters.status,
        "search": filters.search,
        "limit": filters.limit,
        "plans": [tier.name for tier in tiers if tier.billing_mode == "subscription"],
        "statuses": list(SUBSCRIPTION_STATUSES),
    }
