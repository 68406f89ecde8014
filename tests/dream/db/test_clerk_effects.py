"""No effect at Clerk is enqueued for an end user without proven membership. All statements are checked."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import dream.db
from dream.db import clerk_effects, platforms
from dream.runtime.bindings import Bound, Sql
from dream.services.outbox import clerk
from tests.support.in_process.database import SqliteDatabase

ROOT = Path(__file__).resolve().parents[3]
NOW = "2026-01-01T00:00:00.000Z"
KEY, USER = "pk_test_1", "user_1"

STATEMENTS: dict[str, Bound] = {
    "SHOW_PLAN": clerk_effects.show_plan(KEY, USER, NOW),
    "SHOW_PLAN_OF_NEW_MEMBER": clerk_effects.show_plan_of_new_member(KEY, USER, NOW),
    "DELETE_USER": clerk_effects.delete_user(KEY, USER, NOW),
    "CLEAR_METADATA": clerk_effects.clear_metadata("plt_1", None, NOW),
}


def statements() -> Iterator[tuple[str, str, Sql]]:
    for module in pkgutil.iter_modules(dream.db.__path__):
        for name, value in vars(importlib.import_module(f"dream.db.{module.name}")).items():
            if isinstance(value, Sql):
                yield module.name, name, value


def names_a_clerk_effect(text: str) -> bool:
    return any(f"'{kind}'" in text or f'"{kind}"' in text for kind in clerk.EFFECTS)


def test_every_statement_that_enqueues_an_effect_at_clerk_requires_proven_membership() -> None:
    found = [(module, name, sql) for module, name, sql in statements() if names_a_clerk_effect(sql)]
    assert {name for module, name, _ in found if module == "clerk_effects"} == set(STATEMENTS)
    for module, name, sql in found:
        if sql is platforms.ENQUEUE_PLAN:  # developers, who are no end users
            assert "'DEVELOPERS'" in sql and "END_USERS" not in sql
            continue
        assert module == "clerk_effects", f"{module}.{name} enqueues an effect at Clerk"
        assert re.search(rf"\nWHERE {re.escape(clerk_effects.PROVEN)} AND ", sql), f"{name} takes unproven users"


def test_no_other_code_enqueues_an_effect_at_clerk() -> None:
    """`outbox.enqueue` takes any kind: none of its callers may name one of Clerk's."""
    allowed = {
        "shared/dream/db/clerk_effects.py",
        "shared/dream/db/platforms.py",
        "shared/dream/services/outbox/clerk.py",
    }
    for folder in (ROOT / "shared" / "dream", *(ROOT / "workers").glob("*/src")):
        for file in folder.rglob("*.py"):
            if names_a_clerk_effect(file.read_text()):
                assert str(file.relative_to(ROOT)) in allowed, f"{file} names an effect at Clerk"


def owed(proven_at: str | None, statement: Bound) -> list[str]:
    database = SqliteDatabase()
    run = database.connection.execute
    run(
        "INSERT INTO platforms (platformId, clerkUserId, createdAt, updatedAt) VALUES ('plt_1', 'user_developer', ?, ?)",
        (NOW, NOW),
    )
    run(
        "INSERT INTO projects (publishableKey, platformId, name, projectType, mode, createdAt, updatedAt)"
        " VALUES (?, 'plt_1', 'A project', 'saas', 'test', ?, ?)",
        (KEY, NOW, NOW),
    )
    run(
        "INSERT INTO end_users (publishableKey, clerkUserId, provenAt, createdAt, updatedAt) VALUES (?, ?, ?, ?, ?)",
        (KEY, USER, proven_at, NOW, NOW),
    )
    run(statement.statement, statement.values)
    return [row[0] for row in run("SELECT json_extract(payload, '$.instance') FROM outbox").fetchall()]


@pytest.mark.parametrize("name", STATEMENTS)
def test_an_unproven_user_is_owed_nothing_at_clerk(name: str) -> None:
    assert owed(None, STATEMENTS[name]) == []
    assert owed(NOW, STATEMENTS[name]) == ["END_USERS_TEST"]


def test_a_membership_that_was_proven_before_is_no_news() -> None:
    assert owed("2025-01-01T00:00:00.000Z", STATEMENTS["SHOW_PLAN_OF_NEW_MEMBER"]) == []
