"""What a project's dashboard reads: running totals, daily series, keys, and pages of other modules. Every statement finds its rows
by an index, whatever the size of the project, and all of them go in one batch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from dream.db import connected_accounts, customers, events, orders, tiers
from dream.db.customers import CustomerQuery
from dream.db.events import RecentEvent
from dream.domain.dashboard import ProjectTotals, SecretKeyState
from dream.domain.end_users import EndUser
from dream.domain.orders import Order
from dream.domain.project import Project
from dream.domain.tiers import Tier
from dream.runtime.bindings import Bound, Database, Row, Sql

# Finds a project of the developer whose Clerk user id is ?2. Another developer's project is not found.
PROJECT_OF_DEVELOPER = Sql("""
SELECT p.publishableKey, p.platformId, p.name, p.projectType, p.mode, f.liveKeysUntil
FROM projects p JOIN platforms f ON f.platformId = p.platformId
WHERE p.publishableKey = ?1 AND f.clerkUserId = ?2
""")

# Reads the running totals, which triggers keep up to date.
TOTALS = Sql("""
SELECT endUsers, activeSubscriptions, cancelingSubscriptions, monthlyAmount, revenue, storeSales, storeRevenue
FROM project_totals WHERE publishableKey = ?1
""")

# Reads the counted calls of each day since ?2.
USAGE_DAYS = Sql("SELECT date, usageCount FROM usage_days WHERE publishableKey = ?1 AND date >= ?2 ORDER BY date")

# Reads the revenue of each day since ?2.
REVENUE_DAYS = Sql("SELECT date, amount FROM revenue_days WHERE publishableKey = ?1 AND date >= ?2 ORDER BY date")

# Lists the latest secret keys of a project, masked, the newest first.
SECRET_KEYS = Sql("""
SELECT secretKeyMasked, status, expiresAt, createdAt, lastUsedAt FROM api_keys
WHERE publishableKey = ?1 ORDER BY createdAt DESC LIMIT 20
""")


@dataclass(frozen=True, slots=True)
class MetricsRead:
    """What the metrics are computed from. `calls_by_day` has the days (YYYY-MM-DD) with calls, since the first day asked for."""

    totals: ProjectTotals
    calls_by_day: Mapping[str, int]
    tiers: tuple[Tier, ...]


@dataclass(frozen=True, slots=True)
class DashboardRead:
    """The whole dashboard. `revenue_by_day` has the days (YYYY-MM-DD) with revenue, in minor units."""

    metrics: MetricsRead
    revenue_by_day: Mapping[str, int]
    customers: tuple[EndUser, ...]
    orders: tuple[Order, ...]
    secret_keys: tuple[SecretKeyState, ...]
    account_id: str | None
    events: tuple[RecentEvent, ...]


def _totals_from(row: Row) -> ProjectTotals:
    return ProjectTotals(
        end_users=row["endUsers"],
        active_subscriptions=row["activeSubscriptions"],
        canceling_subscriptions=row["cancelingSubscriptions"],
        monthly_amount=row["monthlyAmount"],
        revenue=row["revenue"],
        store_sales=row["storeSales"],
        store_revenue=row["storeRevenue"],
    )


def _metrics_from(totals: list[Row], usage_days: list[Row], tier_rows: list[Row]) -> MetricsRead:
    calls_by_day = {row["date"]: row["usageCount"] for row in usage_days}
    return MetricsRead(_totals_from(totals[0]), calls_by_day, tiers.tiers_from(tier_rows))


def _secret_key_from(row: Row) -> SecretKeyState:
    return SecretKeyState(
        masked=row["secretKeyMasked"],
        status=row["status"],
        expires_at=row["expiresAt"],
        created_at=row["createdAt"],
        last_used_at=row["lastUsedAt"],
    )


def _project_from(row: Row) -> Project:
    return Project(
        publishable_key=row["publishableKey"],
        platform_id=row["platformId"],
        name=row["name"],
        project_type=row["projectType"],
        mode=row["mode"],
        live_keys_until=row["liveKeysUntil"],
    )


async def find_project_of_developer(db: Database, publishable_key: str, clerk_user_id: str) -> Project | None:
    """The project, if it belongs to this developer."""
    row = await db.first(PROJECT_OF_DEVELOPER, publishable_key, clerk_user_id)
    return None if row is None else _project_from(row)


async def read_metrics(db: Database, publishable_key: str, first_day: str) -> MetricsRead | None:
    """What the metrics are computed from, in one round trip. None if the project does not exist any more."""
    totals, usage_days, tier_rows = await db.batch(_metrics_statements(publishable_key, first_day))
    return _metrics_from(totals, usage_days, tier_rows) if totals else None


async def read(
    db: Database,
    project: Project,
    *,
    first_day: str,
    month: tuple[str, str],
    now: str,
    customer_query: CustomerQuery,
    latest: int,
) -> DashboardRead | None:
    """The whole dashboard in one round trip, with the `latest` orders and events. None if the project does not exist any more.

    `first_day` is YYYY-MM-DD; `month` is the calendar month (its first moment, the first moment of the next), ISO 8601 UTC.
    """
    key = project.publishable_key
    totals, usage_days, tier_rows, revenue_days, users, order_rows, secret_keys, accounts, event_rows = await db.batch(
        [
            *_metrics_statements(key, first_day),
            REVENUE_DAYS.bind(key, first_day),
            customer_query.bind(key, month[0], now),
            orders.page(key, None, None, latest),
            SECRET_KEYS.bind(key),
            connected_accounts.of_platform(project.platform_id, project.mode),
            events.RECENT_OF_PROJECT.bind(key, latest),
        ]
    )
    if not totals:
        return None
    account = connected_accounts.account_from(accounts)
    return DashboardRead(
        metrics=_metrics_from(totals, usage_days, tier_rows),
        revenue_by_day={row["date"]: row["amount"] for row in revenue_days},
        customers=customers.end_users_from(users, month[1]),
        orders=orders.orders_from(order_rows),
        secret_keys=tuple(_secret_key_from(row) for row in secret_keys),
        account_id=None if account is None else account.account_id,
        events=events.recent_events_from(event_rows),
    )


def _metrics_statements(publishable_key: str, first_day: str) -> list[Bound]:
    return [
        TOTALS.bind(publishable_key),
        USAGE_DAYS.bind(publishable_key, first_day),
        tiers.LIST_OF_PROJECT.bind(publishable_key),
    ]
