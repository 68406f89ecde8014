"""Projects as their developer lists and deletes them. `projects` has how they are created, renamed and promoted.

Every statement takes the developer's Clerk user id, or the id of a platform that was found by it. So a developer never reaches
another developer's project.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from dream.db import api_keys, audit_log, clerk_effects, projects
from dream.db.api_keys import ListedKey
from dream.db.audit_log import AuditEntry
from dream.domain.project import OwnedProject
from dream.runtime.bindings import Bound, Database, Row, Sql

_COLUMNS = "p.publishableKey, p.platformId, p.name, p.projectType, p.mode, p.testPublishableKey"

# Finds a project of the developer whose Clerk user id is ?1.
FIND = Sql(f"""
SELECT {_COLUMNS} FROM platforms f JOIN projects p ON p.platformId = f.platformId
WHERE f.clerkUserId = ?1 AND f.deletedAt IS NULL AND p.publishableKey = ?2
""")

# Lists the projects of a platform with their counts: live before test, the newest of each mode first.
LIST_OF_PLATFORM = Sql(f"""
SELECT {_COLUMNS}, p.createdAt, p.updatedAt, c.endUsers, c.activeSubscriptions,
  (SELECT count(*) FROM tiers t WHERE t.publishableKey = p.publishableKey AND t.archivedAt IS NULL) AS tiersCount
FROM projects p JOIN project_totals c ON c.publishableKey = p.publishableKey
WHERE p.platformId = ?1 ORDER BY p.mode, p.createdAt DESC, p.publishableKey
""")

# Deletes a project. Foreign keys delete all its rows in other tables.
DELETE = Sql("DELETE FROM projects WHERE publishableKey = ?1 AND platformId = ?2")

# Deletes all projects of a platform.
DELETE_ALL = Sql("DELETE FROM projects WHERE platformId = ?1")

# The statements below enqueue the clean-up at Stripe, Clerk and R2 before projects are deleted.
# Platform ?1, project ?2 (NULL: all projects of the platform), now ?3.
_PROJECTS = "projects p WHERE p.platformId = ?1 AND (?2 IS NULL OR p.publishableKey = ?2)"
_PROJECTS_WITH_ACCOUNT = f"""
FROM (SELECT p.publishableKey, p.mode, a.stripeUserId FROM
  (SELECT * FROM {_PROJECTS}) p
  JOIN stripe_tokens a ON a.platformId = p.platformId AND a.mode = p.mode AND a.status = 'connected') p"""
_INSERT_EFFECT = "INSERT INTO outbox (kind, subject, payload, nextAttemptAt, createdAt)"
_REPLACE_EFFECT = """ON CONFLICT (kind, subject) DO UPDATE SET
  payload = excluded.payload, version = version + 1, attempts = 0, nextAttemptAt = excluded.nextAttemptAt, lastError = NULL"""


def _enqueue_on_account(kind: str, field: str, column: str, source: str) -> Sql:
    """Enqueues an effect on the connected account for each `column` of the rows `source` of the projects."""
    return Sql(f"""
{_INSERT_EFFECT}
SELECT DISTINCT '{kind}', {column},
  json_object('mode', p.mode, 'account', p.stripeUserId, '{field}', {column}), ?3, ?3
{_PROJECTS_WITH_ACCOUNT} JOIN {source}
{_REPLACE_EFFECT}
""")


# Archives the product of every tier, archived tiers included.
ENQUEUE_ARCHIVING_PRODUCTS = _enqueue_on_account(
    "archive_product",
    "productId",
    "t.productId",
    "tiers t ON t.publishableKey = p.publishableKey WHERE t.productId IS NOT NULL",
)

# Cancels every subscription that has not ended.
ENQUEUE_CANCELING_SUBSCRIPTIONS = _enqueue_on_account(
    "cancel_subscription",
    "subscriptionId",
    "s.subscriptionId",
    "subscriptions s ON s.publishableKey = p.publishableKey WHERE s.endedAt IS NULL",
)

# Expires every checkout session for a subscription.
ENQUEUE_EXPIRING_CHECKOUTS = _enqueue_on_account(
    "expire_session",
    "sessionId",
    "c.sessionId",
    "checkout_sessions c ON c.publishableKey = p.publishableKey WHERE true",
)

# Expires the checkout session of every open order.
ENQUEUE_EXPIRING_ORDERS = _enqueue_on_account(
    "expire_session",
    "sessionId",
    "o.sessionId",
    "orders o ON o.publishableKey = p.publishableKey WHERE o.status = 'open' AND o.sessionId IS NOT NULL",
)

# Deletes the images of the tiers that the developer uploaded.
ENQUEUE_DELETING_IMAGES = Sql(f"""
{_INSERT_EFFECT}
SELECT DISTINCT 'delete_image', ?1 || ' ' || t.imageUrl, json_object('platformId', ?1, 'url', t.imageUrl), ?3, ?3
FROM (SELECT * FROM {_PROJECTS}) p JOIN tiers t ON t.publishableKey = p.publishableKey
WHERE t.imageUrl LIKE '%/api/assets/%'
{_REPLACE_EFFECT}
""")

# Deletes the images that were uploaded with the project's own keys.
ENQUEUE_DELETING_UPLOADS = Sql(f"""
{_INSERT_EFFECT}
SELECT 'delete_images', p.publishableKey, json_object('owner', p.publishableKey), ?3, ?3 FROM {_PROJECTS}
{_REPLACE_EFFECT}
""")

# Whether any tier of the platform, archived tiers included, has this image.
SHOWS_IMAGE = Sql("""
SELECT 1 AS answer FROM projects p JOIN tiers t ON t.publishableKey = p.publishableKey
WHERE p.platformId = ?1 AND t.imageUrl = ?2 LIMIT 1
""")

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class ListedProject:
    """A project with its counts, and its working secret keys, the current key first."""

    project: OwnedProject
    tiers_count: int
    end_users: int
    active_subscriptions: int
    created_at: str
    updated_at: str
    keys: tuple[ListedKey, ...]


@dataclass(frozen=True, slots=True)
class ProjectDetails:
    """A listed project with its redirect origins and its latest audit entries, newest first."""

    listed: ListedProject
    redirect_origins: tuple[str, ...]
    audit: tuple[AuditEntry, ...]


@dataclass(frozen=True, slots=True)
class PlatformDetails:
    """All projects of a platform, and the latest audit entries that concern no single project."""

    projects: tuple[ProjectDetails, ...]
    audit: tuple[AuditEntry, ...]

    def find(self, publishable_key: str) -> ProjectDetails | None:
        return next((each for each in self.projects if each.listed.project.publishable_key == publishable_key), None)


async def find(db: Database, clerk_user_id: str, publishable_key: str) -> OwnedProject | None:
    """The project, if it belongs to this developer."""
    row = await db.first(FIND, clerk_user_id, publishable_key)
    return None if row is None else projects.owned_project_from(row)


async def list_of_platform(db: Database, platform_id: str, now: str) -> tuple[ListedProject, ...]:
    """All projects of the platform: live before test, the newest of each mode first."""
    rows, keys = await db.batch([LIST_OF_PLATFORM.bind(platform_id), api_keys.list_of_platform(platform_id, now)])
    return _listed_from(rows, keys)


async def change_and_list(
    db: Database, platform_id: str, statements: Sequence[Bound], audit_entries: int, now: str
) -> PlatformDetails:
    """Runs the statements, then lists all projects of the platform in the same transaction.

    `audit_entries` is the maximum number of audit entries of each project, and of the platform.
    """
    *_, rows, keys, origins, audit, platform_audit = await db.batch(
        [
            *statements,
            LIST_OF_PLATFORM.bind(platform_id),
            api_keys.list_of_platform(platform_id, now),
            projects.list_origins_of_platform(platform_id),
            audit_log.recent_of_projects(platform_id, audit_entries),
            audit_log.recent_of_platform(platform_id, audit_entries),
        ]
    )
    origins_by_project = _grouped([(row["publishableKey"], row["origin"]) for row in origins])
    audit_by_project = _grouped([(row["publishableKey"], audit_log.entry_from(row)) for row in audit])
    return PlatformDetails(
        tuple(
            ProjectDetails(
                listed,
                origins_by_project.get(listed.project.publishable_key, ()),
                audit_by_project.get(listed.project.publishable_key, ()),
            )
            for listed in _listed_from(rows, keys)
        ),
        tuple(audit_log.entry_from(row) for row in platform_audit),
    )


async def delete(db: Database, project: OwnedProject, audit: Bound, now: str) -> tuple[str, ...]:
    """Deletes a project with all its data, and enqueues its clean-up. Returns the hashes of its secret keys."""
    hashes, *_ = await db.batch(
        [
            api_keys.hashes_of_project(project.publishable_key),
            *enqueue_clean_up(project.platform_id, project.publishable_key, now),
            audit,
            DELETE.bind(project.publishable_key, project.platform_id),
        ]
    )
    return tuple(row["secretKeyHash"] for row in hashes)


def delete_all(platform_id: str) -> Bound:
    """Deletes all projects of a developer whose account was deleted."""
    return DELETE_ALL.bind(platform_id)


def enqueue_clean_up(platform_id: str, publishable_key: str | None, now: str) -> list[Bound]:
    """Enqueues what a deletion leaves to do at Stripe, Clerk and R2, for one project or for all (None).

    Comes before the deletion in its batch.
    """
    statements = (
        ENQUEUE_ARCHIVING_PRODUCTS,
        ENQUEUE_CANCELING_SUBSCRIPTIONS,
        ENQUEUE_EXPIRING_CHECKOUTS,
        ENQUEUE_EXPIRING_ORDERS,
        ENQUEUE_DELETING_IMAGES,
        ENQUEUE_DELETING_UPLOADS,
    )
    return [
        *(statement.bind(platform_id, publishable_key, now) for statement in statements),
        clerk_effects.leave_projects(platform_id, publishable_key, now),
    ]


async def shows_image(db: Database, platform_id: str, url: str) -> bool:
    """Whether any tier of the platform has this image."""
    return await db.value(SHOWS_IMAGE, platform_id, url) is not None


def _listed_from(rows: Sequence[Row], keys: Sequence[Row]) -> tuple[ListedProject, ...]:
    keys_by_project = _grouped([(row["publishableKey"], api_keys.listed_key_from(row)) for row in keys])
    return tuple(
        ListedProject(
            project=projects.owned_project_from(row),
            tiers_count=row["tiersCount"],
            end_users=row["endUsers"],
            active_subscriptions=row["activeSubscriptions"],
            created_at=row["createdAt"],
            updated_at=row["updatedAt"],
            keys=keys_by_project.get(row["publishableKey"], ()),
        )
        for row in rows
    )


def _grouped(pairs: Sequence[tuple[str, Item]]) -> Mapping[str, tuple[Item, ...]]:
    """The items by publishable key, in their order."""
    groups: dict[str, list[Item]] = {}
    for publishable_key, item in pairs:
        groups.setdefault(publishable_key, []).append(item)
    return {publishable_key: tuple(items) for publishable_key, items in groups.items()}
