"""`api_keys` with the project and the payment state that a key stands for."""

from __future__ import annotations

from dream.crypto.secret_keys import NewSecretKey
from dream.runtime.bindings import Bound, Database, Row, Sql

_PROJECT = """
  p.publishableKey, p.platformId, p.name, p.projectType, p.mode, f.liveKeysUntil
"""

# Not by publishable_key: the hash is what tells the project.
FIND_BY_SECRET_KEY_HASH = Sql(f"""
SELECT {_PROJECT}, k.expiresAt
FROM api_keys k
JOIN projects p ON p.publishableKey = k.publishableKey
JOIN platforms f ON f.platformId = p.platformId
WHERE k.secretKeyHash = ?1 AND k.status = 'active' AND (k.expiresAt IS NULL OR k.expiresAt > ?2)
""")

TOUCH_LAST_USED = Sql("UPDATE api_keys SET lastUsedAt = ?2 WHERE secretKeyHash = ?1 AND status = 'active'")

FIND_BY_PUBLISHABLE_KEY = Sql(f"""
SELECT {_PROJECT}, NULL AS expiresAt
FROM projects p JOIN platforms f ON f.platformId = p.platformId
WHERE p.publishableKey = ?1
""")

ADD = Sql("""
INSERT INTO api_keys (secretKeyHash, publishableKey, secretKeyEncrypted, secretKeyMasked, createdAt)
VALUES (?1, ?2, ?3, ?4, ?5)
""")

# The key in use; rotated ones in their grace time come after it.
CURRENT_OF_PROJECT = Sql("""
SELECT secretKeyHash, secretKeyEncrypted, secretKeyMasked FROM api_keys
WHERE publishableKey = ?1 AND status = 'active' AND expiresAt IS NULL ORDER BY createdAt DESC LIMIT 1
""")

# A key's end only ever comes nearer: at ?2, or at the earlier moment it already had. Now is ?3.
END_EARLIER = Sql("""
UPDATE api_keys SET
  expiresAt = min(coalesce(expiresAt, ?2), ?2),
  status = CASE WHEN ?2 <= ?3 THEN 'revoked' ELSE status END,
  revokedAt = CASE WHEN ?2 <= ?3 THEN ?3 ELSE revokedAt END
WHERE publishableKey = ?1 AND status = 'active'
RETURNING secretKeyHash
""")

REVOKE = Sql("""
UPDATE api_keys SET status = 'revoked', revokedAt = ?3
WHERE publishableKey = ?1 AND status = 'active' AND (?2 IS NULL OR substr(secretKeyHash, 1, length(?2)) = ?2)
RETURNING secretKeyHash, secretKeyMasked
""")

HASHES_OF_PROJECT = Sql("SELECT secretKeyHash FROM api_keys WHERE publishableKey = ?1")

LIST_OF_PLATFORM = Sql("""
SELECT k.publishableKey, k.secretKeyHash, k.secretKeyMasked, k.expiresAt, k.createdAt, k.lastUsedAt
FROM projects p JOIN api_keys k ON k.publishableKey = p.publishableKey
WHERE p.platformId = ?1 AND k.status = 'active' AND (k.expiresAt IS NULL OR k.expiresAt > ?2)
ORDER BY k.publishableKey, k.expiresAt IS NOT NULL, k.createdAt DESC
""")

KEYS_OF_PLATFORM = Sql("""
SELECT p.publishableKey, k.secretKeyHash
FROM projects p LEFT JOIN api_keys k ON k.publishableKey = p.publishableKey
WHERE p.platformId = ?1
""")

SEALED_KEY = Sql("""
SELECT secretKeyEncrypted AS answer FROM api_keys WHERE publishableKey = ?1 AND secretKeyHash = ?2 AND status = 'active'
""")

# For the schedule, over all projects: sealed keys in the order of their hashes.
LIST_SEALED = Sql("""
SELECT secretKeyHash, secretKeyEncrypted FROM api_keys WHERE secretKeyHash > ?1 ORDER BY secretKeyHash LIMIT ?2
""")

RESEAL = Sql("UPDATE api_keys SET secretKeyEncrypted = ?3 WHERE secretKeyHash = ?1 AND secretKeyEncrypted = ?2")


def add(publishable_key: str, key: NewSecretKey, now: str) -> Bound:
    """Adds a secret key to a project, sealed and masked."""
    return ADD.bind(key.secret_hash, publishable_key, key.sealed, key.masked, now)


async def current_of_project(db: Database, publishable_key: str) -> Row | None:
    """The secret key in use, sealed and masked; None when it was revoked."""
    return await db.first(CURRENT_OF_PROJECT, publishable_key)


async def use_by_secret_key_hash(db: Database, secret_key_hash: str, now: str) -> Row | None:
    """The project of a usable secret key, noting that it was used."""
    bound = [TOUCH_LAST_USED.bind(secret_key_hash, now), FIND_BY_SECRET_KEY_HASH.bind(secret_key_hash, now)]
    rows = (await db.batch(bound))[1]
    return rows[0] if rows else None


async def find_by_publishable_key(db: Database, publishable_key: str) -> Row | None:
    """The project of a publishable key."""
    return await db.first(FIND_BY_PUBLISHABLE_KEY, publishable_key)


def end_earlier(publishable_key: str, at: str, now: str) -> Bound:
    """Every key of the project stops at that moment, or sooner if it was to; `at` = `now` revokes them. Returns their hashes."""
    return END_EARLIER.bind(publishable_key, at, now)


def revoke(publishable_key: str, hash_prefix: str | None, now: str) -> Bound:
    """The key whose hash begins so, or all keys of the project, stop at once. Returns hashes and masks."""
    return REVOKE.bind(publishable_key, hash_prefix, now)


def hashes_of_project(publishable_key: str) -> Bound:
    return HASHES_OF_PROJECT.bind(publishable_key)


def list_of_platform(platform_id: str, now: str) -> Bound:
    """Every key that works of every project of the platform, the current one of each project first."""
    return LIST_OF_PLATFORM.bind(platform_id, now)


async def names_of_platform(db: Database, platform_id: str) -> tuple[list[str], list[str]]:
    """All publishable keys, and all hashes of secret keys, of the platform's projects: what caches know them by."""
    return split_names(await db.all(KEYS_OF_PLATFORM, platform_id))


def names_bound(platform_id: str) -> Bound:
    """The same for a batch; `split_names` reads its rows."""
    return KEYS_OF_PLATFORM.bind(platform_id)


def split_names(rows: list[Row]) -> tuple[list[str], list[str]]:
    publishable_keys = sorted({row["publishableKey"] for row in rows})
    return publishable_keys, [row["secretKeyHash"] for row in rows if row["secretKeyHash"] is not None]


async def sealed_key(db: Database, publishable_key: str, secret_key_hash: str) -> str | None:
    """The sealed text of a key that works."""
    return await db.value(SEALED_KEY, publishable_key, secret_key_hash)


async def list_sealed(db: Database, after: str, count: int) -> list[Row]:
    """Up to `count` sealed keys behind the hash `after`."""
    return await db.all(LIST_SEALED, after, count)


def reseal(secret_key_hash: str, sealed: str, resealed: str) -> Bound:
    """The same key under another encryption key, unless somebody was faster."""
    return RESEAL.bind(secret_key_hash, sealed, resealed)
