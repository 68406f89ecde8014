"""Projects as the developer who owns them sees and deletes them. How they are made and named is in `projects`.

Every statement takes the developer, or a platform that was looked up by the developer: another's project is like none.
"""

from __future__ import annotations

from dream.db import clerk_effects
from dream.runtime.bindings import Bound, Database, Row, Sql

_COLUMNS = (
    "p.publishableKey, p.platformId, p.name, p.projectType, p.mode, p.testPublishableKey, p.createdAt, p.updatedAt"
)

FIND = Sql(f"""
SELECT {_COLUMNS} FROM platforms f JOIN projects p ON p.platformId = f.platformId
WHERE f.clerkUserId = ?1 AND f.deletedAt IS NULL AND p.publishableKey = ?2
""")

LIST_OF_PLATFORM = Sql(f"""
SELECT {_COLUMNS}, c.endUsers, c.activeSubscriptions,
  (SELECT count(*) FROM tiers t WHERE t.publishableKey = p.publishableKey AND t.archivedAt IS NULL) AS tiersCount
FROM projects p JOIN project_totals c ON c.publishableKey = p.publishableKey
WHERE p.platformId = ?1 ORDER BY p.mode, p.createdAt DESC, p.publishableKey
""")

DELETE = Sql("DELETE FROM projects WHERE publishableKey = ?1 AND platformId = ?2")

DELETE_ALL = Sql("DELETE FROM projects WHERE platformId = ?1")

# What is owed to Stripe, Clerk and R2 once projects of platform ?1 are gone: of project ?2, or of all when it is NULL. Now is ?3.
_PROJECTS = "projects p WHERE p.platformId = ?1 AND (?2 IS NULL OR p.publishableKey = ?2)"
_ACCOUNTS = f"""
FROM (SELECT p.publishableKey, p.mode, a.stripeUserId FROM
  (SELECT * FROM {_PROJECTS}) p
  JOIN stripe_tokens a ON a.platformId = p.platformId AND a.mode = p.mode AND a.status = 'connected') p"""
_OWE = "INSERT INTO outbox (kind, subject, payload, nextAttemptAt, createdAt)"
_RENEW = """ON CONFLICT (kind, subject) DO UPDATE SET
  payload = excluded.payload, version = version + 1, attempts = 0, nextAttemptAt = excluded.nextAttemptAt, lastError = NULL"""


def _owe_on_account(kind: str, field: str, column: str, source: str) -> Sql:
    """An effect on the connected account for each `column` of the rows `source` of the projects."""
    return Sql(f"""
{_OWE}
SELECT DISTINCT '{kind}', {column},
  json_object('mode', p.mode, 'account', p.stripeUserId, '{field}', {column}), ?3, ?3
{_ACCOUNTS} JOIN {source}
{_RENEW}
""")


OWE_ARCHIVING = _owe_on_account(
    "archive_product",
    "productId",
    "t.productId",
    "tiers t ON t.publishableKey = p.publishableKey WHERE t.productId IS NOT NULL",
)

OWE_CANCELING = _owe_on_account(
    "cancel_subscription",
    "subscriptionId",
    "s.subscriptionId",
    "subscriptions s ON s.publishableKey = p.publishableKey WHERE s.endedAt IS NULL",
)

OWE_EXPIRING_CHECKOUTS = _owe_on_account(
    "expire_session",
    "sessionId",
    "c.sessionId",
    "checkout_sessions c ON c.publishableKey = p.publishableKey WHERE true",
)

OWE_EXPIRING_ORDERS = _owe_on_account(
    "expire_session",
    "sessionId",
    "o.sessionId",
    "orders o ON o.publishableKey = p.publishableKey WHERE o.status = 'open' AND o.sessionId IS NOT NULL",
)

OWE_DELETING_IMAGES = Sql(f"""
{_OWE}
SELECT DISTINCT 'delete_image', ?1 || ' ' || t.imageUrl, json_object('platformId', ?1, 'url', t.imageUrl), ?3, ?3
FROM (SELECT * FROM {_PROJECTS}) p JOIN tiers t ON t.publishableKey = p.publishableKey
WHERE t.imageUrl LIKE '%/api/assets/%'
{_RENEW}
""")

# What was uploaded with a project's own keys.
OWE_DELETING_UPLOADS = Sql(f"""
{_OWE}
SELECT 'delete_images', p.publishableKey, json_object('owner', p.publishableKey), ?3, ?3 FROM {_PROJECTS}
{_RENEW}
""")

SHOWS_IMAGE = Sql("""
SELECT 1 AS answer FROM projects p JOIN tiers t ON t.publishableKey = p.publishableKey
WHERE p.platformId = ?1 AND t.imageUrl = ?2 LIMIT 1
""")


async def find(db: Database, clerk_user_id: str, publishable_key: str) -> Row | None:
    """The project, if it is this developer's."""
    return await db.first(FIND, clerk_user_id, publishable_key)


def list_of_platform(platform_id: str) -> Bound:
    """All projects of the platform with the numbers of their tiers, end users and subscriptions; live before test."""
    return LIST_OF_PLATFORM.bind(platform_id)


def delete(publishable_key: str, platform_id: str) -> Bound:
    """The project and all that hangs on it."""
    return DELETE.bind(publishable_key, platform_id)


def delete_all(platform_id: str) -> Bound:
    """All projects of a developer who is gone."""
    return DELETE_ALL.bind(platform_id)


def owe_cleaning_up(platform_id: str, publishable_key: str | None, now: str) -> list[Bound]:
    """All effects that the deletion of a project, or of all (None), owes. Stand before it in its batch."""
    owed = (
        OWE_ARCHIVING,
        OWE_CANCELING,
        OWE_EXPIRING_CHECKOUTS,
        OWE_EXPIRING_ORDERS,
        OWE_DELETING_IMAGES,
        OWE_DELETING_UPLOADS,
    )
    return [
        *(statement.bind(platform_id, publishable_key, now) for statement in owed),
        clerk_effects.clear_metadata(platform_id, publishable_key, now),
    ]


async def shows_image(db: Database, platform_id: str, url: str) -> bool:
    """Whether any product of the platform shows this image."""
    return await db.value(SHOWS_IMAGE, platform_id, url) is not None
