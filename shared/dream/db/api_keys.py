"""`api_keys`: the secret keys of projects. A key is found together with its project and the payment state of the platform."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dream.crypto.secret_keys import NewSecretKey
from dream.db.projects import project_from
from dream.domain.project import Project
from dream.runtime.bindings import Bound, Database, Row, Sql

_PROJECT = """
  p.publishableKey, p.platformId, p.name, p.projectType, p.mode, f.liveKeysUntil
"""

# Finds the project of a secret key that works at ?2. It has no publishableKey in WHERE: the hash identifies the project.
FIND_BY_SECRET_KEY_HASH = Sql(f"""
SELECT {_PROJECT}, k.expiresAt
FROM api_keys k
JOIN projects p ON p.publishableKey = k.publishableKey
JOIN platforms f ON f.platformId = p.platformId
WHERE k.secretKeyHash = ?1 AND k.status = 'active' AND (k.expiresAt IS NULL OR k.expiresAt > ?2)
""")

# Records that a secret key was used.
SET_LAST_USED = Sql("UPDATE api_keys SET lastUsedAt = ?2 WHERE secretKeyHash = ?1 AND status = 'active'")

# Finds the project of a publishable key. A publishable key does not expire.
FIND_BY_PUBLISHABLE_KEY = Sql(f"""
SELECT {_PROJECT}, NULL AS expiresAt
FROM projects p JOIN platforms f ON f.platformId = p.platformId
WHERE p.publishableKey = ?1
""")

# Inserts a secret key.
ADD = Sql("""
INSERT INTO api_keys (secretKeyHash, publishableKey, secretKeyEncrypted, secretKeyMasked, createdAt)
VALUES (?1, ?2, ?3, ?4, ?5)
""")

# Finds the current secret key of a project. A rotated key has expiresAt set and is not the current one.
CURRENT_OF_PROJECT = Sql("""
SELECT secretKeyHash, secretKeyEncrypted, secretKeyMasked FROM api_keys
WHERE publishableKey = ?1 AND status = 'active' AND expiresAt IS NULL ORDER BY createdAt DESC LIMIT 1
""")

# Ends every active key of a project at ?2. A key that already ends earlier keeps its earlier end. Now is ?3.
END_EARLIER = Sql("""
UPDATE api_keys SET
  expiresAt = min(coalesce(expiresAt, ?2), ?2),
  status = CASE WHEN ?2 <= ?3 THEN 'revoked' ELSE status END,
  revokedAt = CASE WHEN ?2 <= ?3 THEN ?3 ELSE revokedAt END
WHERE publishableKey = ?1 AND status = 'active'
RETURNING secretKeyHash
""")

# Revokes the active key whose hash begins with ?2, or all active keys of the project if ?2 is NULL. Now is ?3.
REVOKE = Sql("""
UPDATE api_keys SET status = 'revoked', revokedAt = ?3
WHERE publishableKey = ?1 AND status = 'active' AND (?2 IS NULL OR substr(secretKeyHash, 1, length(?2)) = ?2)
RETURNING secretKeyHash, secretKeyMasked
""")

# Lists the hashes of all secret keys of a project, revoked keys included.
HASHES_OF_PROJECT = Sql("SELECT secretKeyHash FROM api_keys WHERE publishableKey = ?1")

# Lists the keys that work at ?2, of every project of a platform, the current key of each project first.
LIST_OF_PLATFORM = Sql("""
SELECT k.publishableKey, k.secretKeyHash, k.secretKeyMasked, k.expiresAt, k.createdAt, k.lastUsedAt
FROM projects p JOIN api_keys k ON k.publishableKey = p.publishableKey
WHERE p.platformId = ?1 AND k.status = 'active' AND (k.expiresAt IS NULL OR k.expiresAt > ?2)
ORDER BY k.publishableKey, k.expiresAt IS NOT NULL, k.createdAt DESC
""")

# Lists each project of a platform with each of its secret keys, revoked keys included.
KEYS_OF_PLATFORM = Sql("""
SELECT p.publishableKey, k.secretKeyHash
FROM projects p LEFT JOIN api_keys k ON k.publishableKey = p.publishableKey
WHERE p.platformId = ?1
""")

# Reads the encrypted text of an active key.
SEALED_KEY = Sql("""
SELECT secretKeyEncrypted AS answer FROM api_keys WHERE publishableKey = ?1 AND secretKeyHash = ?2 AND status = 'active'
""")

# For the schedule, over all projects: lists encrypted keys in the order of their hashes.
LIST_SEALED = Sql("""
SELECT secretKeyHash, secretKeyEncrypted FROM api_keys WHERE secretKeyHash > ?1 ORDER BY secretKeyHash LIMIT ?2
""")

# For the schedule: replaces the encrypted text ?2 of a key by ?3. Changes nothing if the text has changed since it was read.
RESEAL = Sql("UPDATE api_keys SET secretKeyEncrypted = ?3 WHERE secretKeyHash = ?1 AND secretKeyEncrypted = ?2")


@dataclass(frozen=True, slots=True)
class WorkingKey:
    """A publishable or secret key that works: its project and, for a rotated secret key, when it stops (ISO 8601 UTC)."""

    project: Project
    expires_at: str | None


@dataclass(frozen=True, slots=True)
class SealedKey:
    """A secret key as D1 stores it: its hash and the encrypted key. `sealed` is None if the key cannot be shown again."""

    secret_key_hash: str
    sealed: str | None


@dataclass(frozen=True, slots=True)
class CurrentKey:
    """The secret key that a project uses now."""

    secret_key_hash: str
    sealed: str | None
    masked: str


@dataclass(frozen=True, slots=True)
class ListedKey:
    """A secret key as the dashboard lists it. `expires_at` is set on a rotated key in its grace time."""

    publishable_key: str
    secret_key_hash: str
    masked: str
    expires_at: str | None
    created_at: str
    last_used_at: str | None


@dataclass(frozen=True, slots=True)
class RevokedKey:
    """A secret key that was revoked just now."""

    secret_key_hash: str
    masked: str


@dataclass(frozen=True, slots=True)
class PlatformKeys:
    """All publishable keys of a platform and the hashes of all its secret keys. The key caches use them as names."""

    publishable_keys: tuple[str, ...]
    secret_key_hashes: tuple[str, ...]


def _working_key_from(row: Row) -> WorkingKey:
    return WorkingKey(project_from(row), row["expiresAt"])


def listed_key_from(row: Row) -> ListedKey:
    """Maps a row of LIST_OF_PLATFORM. For modules of `db` only."""
    return ListedKey(
        publishable_key=row["publishableKey"],
        secret_key_hash=row["secretKeyHash"],
        masked=row["secretKeyMasked"],
        expires_at=row["expiresAt"],
        created_at=row["createdAt"],
        last_used_at=row["lastUsedAt"],
    )


async def use_by_secret_key_hash(db: Database, secret_key_hash: str, now: str) -> WorkingKey | None:
    """Finds a secret key that works, and records that it was used."""
    _, rows = await db.batch(
        [SET_LAST_USED.bind(secret_key_hash, now), FIND_BY_SECRET_KEY_HASH.bind(secret_key_hash, now)]
    )
    return _working_key_from(rows[0]) if rows else None


async def find_by_publishable_key(db: Database, publishable_key: str) -> WorkingKey | None:
    row = await db.first(FIND_BY_PUBLISHABLE_KEY, publishable_key)
    return None if row is None else _working_key_from(row)


async def current_of_project(db: Database, publishable_key: str) -> CurrentKey | None:
    """The current secret key of the project. None if it was revoked."""
    row = await db.first(CURRENT_OF_PROJECT, publishable_key)
    if row is None:
        return None
    return CurrentKey(row["secretKeyHash"], row["secretKeyEncrypted"], row["secretKeyMasked"])


async def keys_of_platform(db: Database, platform_id: str) -> PlatformKeys:
    """All keys of the platform, revoked keys included."""
    rows = await db.all(KEYS_OF_PLATFORM, platform_id)
    return PlatformKeys(
        tuple(sorted({row["publishableKey"] for row in rows})),
        tuple(row["secretKeyHash"] for row in rows if row["secretKeyHash"] is not None),
    )


async def sealed_key(db: Database, publishable_key: str, secret_key_hash: str) -> str | None:
    """The encrypted text of an active key."""
    return await db.value(SEALED_KEY, publishable_key, secret_key_hash)


async def list_sealed(db: Database, after: str, count: int) -> list[SealedKey]:
    """Up to `count` keys whose hash sorts after `after`, in the order of their hashes."""
    rows = await db.all(LIST_SEALED, after, count)
    return [SealedKey(row["secretKeyHash"], row["secretKeyEncrypted"]) for row in rows]


async def rotate(
    db: Database, publishable_key: str, new_key: NewSecretKey, old_keys_end_at: str, audit: Bound, now: str
) -> tuple[str, ...]:
    """Adds a secret key and ends all others of the project at `old_keys_end_at`; `now` revokes them at once.

    Returns the hashes of the other keys. Raises ConstraintFailed if the project does not exist any more.
    """
    ended, *_ = await db.batch(
        [END_EARLIER.bind(publishable_key, old_keys_end_at, now), add(publishable_key, new_key, now), audit]
    )
    return tuple(row["secretKeyHash"] for row in ended)


async def revoke(
    db: Database, publishable_key: str, hash_prefix: str | None, audit: Bound, now: str
) -> Sequence[RevokedKey]:
    """Revokes the active key whose hash begins with `hash_prefix`, or all active keys of the project if it is None."""
    revoked, _ = await db.batch([REVOKE.bind(publishable_key, hash_prefix, now), audit])
    return [RevokedKey(row["secretKeyHash"], row["secretKeyMasked"]) for row in revoked]


def add(publishable_key: str, key: NewSecretKey, now: str) -> Bound:
    """Adds a secret key to a project, encrypted and masked."""
    return ADD.bind(key.secret_hash, publishable_key, key.sealed, key.masked, now)


def hashes_of_project(publishable_key: str) -> Bound:
    """The hashes of all secret keys of the project, revoked keys included."""
    return HASHES_OF_PROJECT.bind(publishable_key)


def list_of_platform(platform_id: str, now: str) -> Bound:
    """The working keys of every project of the platform, the current key of each project first."""
    return LIST_OF_PLATFORM.bind(platform_id, now)


def reseal(secret_key_hash: str, sealed: str, resealed: str) -> Bound:
    """Stores the key encrypted with another encryption key, unless another run did so first."""
    return RESEAL.bind(secret_key_hash, sealed, resealed)
