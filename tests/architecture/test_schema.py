"""Every statement of `db/` finds its rows by an index of schema.sql, and all SQL is in `db/`."""

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


@pytest.fixture(scope="module")
def database() -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(":memory:")
    connection.executescript((ROOT / "schema.sql").read_text())
    yield connection
    connection.close()


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
        assert table in SMALL or table not in tables(database), (
            f"dream.db.{name} reads every row of {table} ({step}): change the statement so that an index of schema.sql finds its rows,"
            f" or add an index to schema.sql and in a new migrations/NNNN_what_it_does.sql"
        )


def tables(connection: sqlite3.Connection) -> set[str]:
    return {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}


def test_every_module_of_db_has_statements() -> None:
    modules = {module.name for module in pkgutil.iter_modules(dream.db.__path__)}
    without = modules - READS_OF_OTHER_MODULES - {name.split(".")[0] for name, _ in statements()}
    assert not without, (
        f"dream/db has modules without a statement: {sorted(without)}. Make each statement a module constant,"
        " `NAME = Sql(...)`, so that this file checks it; move what is no SQL out of db"
    )


def created_by(database: sqlite3.Connection, kind: str) -> dict[str, str]:
    """The text of each trigger or index of schema.sql, by name, on one line."""
    rows = database.execute("SELECT name, sql FROM sqlite_master WHERE type = ? AND sql IS NOT NULL", (kind,))
    return {name: " ".join(re.sub(r"--.*", "", sql).split()) for name, sql in rows}


def test_the_triggers_store_the_plan_by_the_rule_that_the_statements_use(database: sqlite3.Connection) -> None:
    triggers = {name: sql for name, sql in created_by(database, "trigger").items() if "subscriptionPlan" in sql}
    subscription_of: dict[str, str] = dict.fromkeys(("end_users_subscribed", "end_users_subscription_changed"), "NEW")
    subscription_of["end_users_already_subscribed"] = "s"
    assert triggers.keys() == {*subscription_of, "end_users_unsubscribed"}
    for name, subscription in subscription_of.items():
        stored = plan_in_force.subscription_plan_stored(subscription)
        assert stored in triggers[name], (
            f"schema.sql: the trigger {name} must store the plan as plan_in_force: {stored}"
        )


def test_the_indexes_of_customers_have_what_their_pages_are_found_by(database: sqlite3.Connection) -> None:
    indexes = created_by(database, "index")
    for name, expressions in {
        "end_users_by_plan": (plan_in_force.STORED_PLAN,),
        "end_users_by_status": (plan_in_force.STORED_STATUS,),
        "end_users_by_plan_and_status": (plan_in_force.STORED_PLAN, plan_in_force.STORED_STATUS),
    }.items():
        for expression in expressions:
            assert expression in indexes[name], f"schema.sql: the index {name} must have {expression}, as plan_in_force"


def test_no_other_module_has_a_rule_for_the_plan() -> None:
    """Which subscription entitles, and which tier is the default one, is asked by the fragments of plan_in_force alone."""
    rule = re.compile(r"pastDueSince >|<> 'free'|IN \('active', 'trialing'")
    for file in (ROOT / "shared" / "dream" / "db").glob("*.py"):
        if file.stem != "plan_in_force":
            assert not rule.search(file.read_text()), f"{file.name}: use the fragments of dream.db.plan_in_force"


def test_all_sql_is_in_db() -> None:
    keywords = re.compile(r"\b(SELECT .+ FROM|INSERT INTO|UPDATE \w+ SET|DELETE FROM)\b")
    for folder in (ROOT / "shared" / "dream", *(ROOT / "workers").glob("*/src")):
        for file in folder.rglob("*.py"):
            if file.parent.name != "db":
                assert not keywords.search(file.read_text()), (
                    f"{file.relative_to(ROOT)} has SQL: move the statement to a module of shared/dream/db, as a constant `Sql(...)`"
                )
