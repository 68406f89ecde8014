"""schema.sql and migrations/ say the same, and every statement of `db/` finds its rows by an index."""

from __future__ import annotations

import importlib
import pkgutil
import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

import dream.db
from dream.db import plan_in_force
from dream.runtime.bindings import Sql

ROOT = Path(__file__).resolve().parents[2]

# Tables that stay small by nature: nothing but a row per open matter.
SMALL = {"outbox", "json_each", "project_drafts", "one_time_tokens"}

# These run statements of other modules in one batch.
READS_OF_OTHER_MODULES = {"store_front", "subscribers"}


def objects(connection: sqlite3.Connection) -> list[tuple[str, str, str]]:
    rows = connection.execute("SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY type, name")
    return [(kind, name, " ".join(re.sub(r"--.*", "", sql).split())) for kind, name, sql in rows]


@pytest.fixture(scope="module")
def database() -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(":memory:")
    connection.executescript((ROOT / "schema.sql").read_text())
    yield connection
    connection.close()


def test_the_migrations_add_up_to_the_schema(database: sqlite3.Connection) -> None:
    migrated = sqlite3.connect(":memory:")
    files = sorted((ROOT / "migrations").glob("*.sql"))
    assert [file.name[:4] for file in files] == [f"{number:04d}" for number in range(1, len(files) + 1)]
    for file in files:
        migrated.executescript(file.read_text())
    assert objects(migrated) == objects(database)
    migrated.close()


def statements() -> Iterator[tuple[str, Sql]]:
    for module in pkgutil.iter_modules(dream.db.__path__):
        for name, value in vars(importlib.import_module(f"dream.db.{module.name}")).items():
            if isinstance(value, Sql):
                yield f"{module.name}.{name}", value


@pytest.mark.parametrize(
    ("name", "statement"), list(statements()), ids=lambda value: "" if isinstance(value, Sql) else value
)
def test_no_statement_scans_a_table_that_grows(database: sqlite3.Connection, name: str, statement: Sql) -> None:
    values = [None] * max((int(number) for number in re.findall(r"\?(\d+)", statement)), default=0)
    plan = [row[3] for row in database.execute(f"EXPLAIN QUERY PLAN {statement}", values)]
    aliases = dict(re.findall(r"(?:FROM|JOIN)\s+(\w+)\s+(?:AS\s+)?(\w+)", statement))
    for step in plan:
        scanned = re.match(r"SCAN (\w+)(?! CONSTANT ROW)", step)
        if scanned is None or scanned[1] in ("CONSTANT",):
            continue
        table = {alias: table for table, alias in aliases.items()}.get(scanned[1], scanned[1])
        assert table in SMALL or table not in tables(database), f"{name}: {step}"


def tables(connection: sqlite3.Connection) -> set[str]:
    return {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}


def test_every_module_of_db_has_statements() -> None:
    modules = {module.name for module in pkgutil.iter_modules(dream.db.__path__)}
    assert modules - READS_OF_OTHER_MODULES == {name.split(".")[0] for name, _ in statements()}


def test_the_triggers_store_the_plan_by_the_rule_that_the_statements_use(database: sqlite3.Connection) -> None:
    triggers = {name: sql for kind, name, sql in objects(database) if kind == "trigger" and "subscriptionPlan" in sql}
    storing = dict.fromkeys(("end_users_subscribed", "end_users_subscription_changed"), "NEW")
    storing["end_users_already_subscribed"] = "s"
    assert triggers.keys() == {*storing, "end_users_unsubscribed"}
    for name, subscription in storing.items():
        assert plan_in_force.subscription_plan_stored(subscription) in triggers[name], name


def test_the_indexes_of_customers_hold_what_their_pages_are_found_by(database: sqlite3.Connection) -> None:
    indexes = {name: sql for kind, name, sql in objects(database) if kind == "index"}
    for name, expressions in {
        "end_users_by_plan": (plan_in_force.STORED_PLAN,),
        "end_users_by_status": (plan_in_force.STORED_STATUS,),
        "end_users_by_plan_and_status": (plan_in_force.STORED_PLAN, plan_in_force.STORED_STATUS),
    }.items():
        assert all(expression in indexes[name] for expression in expressions), name


def test_only_the_plan_in_force_has_a_rule_for_the_plan() -> None:
    """No other module of `db` asks which subscription entitles, or which tier is the default one."""
    rule = re.compile(r"pastDueSince >|<> 'free'|IN \('active', 'trialing'")
    for file in (ROOT / "shared" / "dream" / "db").glob("*.py"):
        if file.stem != "plan_in_force":
            assert not rule.search(file.read_text()), file.name


def test_all_sql_is_in_db() -> None:
    keywords = re.compile(r"\b(SELECT .+ FROM|INSERT INTO|UPDATE \w+ SET|DELETE FROM)\b")
    for folder in (ROOT / "shared" / "dream", *(ROOT / "workers").glob("*/src")):
        for file in folder.rglob("*.py"):
            if file.parent.name != "db":
                assert not keywords.search(file.read_text()), f"{file.relative_to(ROOT)} has SQL"
