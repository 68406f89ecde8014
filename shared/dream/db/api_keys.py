"""`api_keys` with the project and the payment state that a key stands for."""

from __future__ import annotations

from dream.bindings import Bound, Database, Row, Sql

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


def add(secret_key_hash: str, publishable_key: str, encrypted: str, masked: str, now: str) -> Bound:
    """A new secret key of a project, sealed and masked."""
    return ADD.bind(secret_key_hash, publishable_key, encrypted, masked, now)


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
