"""Guarantee: a list of words, such as the statuses of an order, is the same in Python, in schema.sql, in openapi.yaml and in SQL.

The dashboard takes its words from openapi.yaml (`make types`), and `frontend/src/components/Badge.tsx` does not compile while one of
them has no colour.
"""

from __future__ import annotations

import ast
import importlib
import pkgutil
import re
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import pytest
import stripe
import yaml

import dream.db
from dream.db.clerk_effects import Kind as ClerkKind
from dream.db.one_time_tokens import Purpose
from dream.db.outbox import Kind
from dream.db.payments import PaymentKind
from dream.db.stock import ReservationStatus
from dream.db.stripe_tokens import ConnectionStatus
from dream.domain.keys import DashboardKeyStatus, KeyStatus, Mode, ProjectKeyStatus
from dream.domain.orders import OrderStatus
from dream.domain.platform_billing import Plan
from dream.domain.project import ProjectType
from dream.domain.project_definitions import Action
from dream.domain.subscriptions import ShownSubscriptionStatus, SubscriptionStatus
from dream.domain.tiers import BillingMode
from dream.domain.usage import CountOutcome
from dream.runtime.bindings import Sql
from dream.services.outbox.effects import ALL as ALL_EFFECTS
from dream.webhooks.processing import Outcome, Source
from tests.support import schema

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Enumeration:
    """One list of words: its Literal, and every place that repeats it.

    `checked` are columns with a `CHECK (column IN (...))`, `unchecked` are columns that take other words too, `contract` are the
    places of `enum:` lists in openapi.yaml.
    """

    name: str
    literal: Any
    checked: tuple[str, ...] = ()
    unchecked: tuple[str, ...] = ()
    contract: tuple[str, ...] = ()

    @property
    def words(self) -> set[str]:
        return set(get_args(self.literal))


ENUMERATIONS = (
    Enumeration(
        "Mode",
        Mode,
        checked=("stripe_tokens.mode", "one_time_tokens.mode", "projects.mode", "project_drafts.mode"),
        contract=("components/schemas/Mode",),
    ),
    Enumeration(
        "ProjectType", ProjectType, checked=("projects.projectType",), contract=("components/schemas/ProjectType",)
    ),
    Enumeration(
        "BillingMode", BillingMode, checked=("tiers.billingMode",), contract=("components/schemas/BillingMode",)
    ),
    # Stripe may add a word. We store it; what it entitles to is decided by the words that we know.
    Enumeration(
        "SubscriptionStatus",
        SubscriptionStatus,
        unchecked=("platforms.subscriptionStatus", "end_users.subscriptionStatus", "subscriptions.status"),
    ),
    Enumeration(
        "ShownSubscriptionStatus", ShownSubscriptionStatus, contract=("components/schemas/SubscriptionStatus",)
    ),
    Enumeration("OrderStatus", OrderStatus, checked=("orders.status",), contract=("components/schemas/OrderStatus",)),
    Enumeration("ReservationStatus", ReservationStatus, checked=("stock_reservations.status",)),
    Enumeration("PaymentKind", PaymentKind, checked=("payments.kind",)),
    Enumeration("CountOutcome", CountOutcome, checked=("usage_counts.outcome",)),
    Enumeration("KeyStatus", KeyStatus, checked=("api_keys.status",)),
    Enumeration(
        "DashboardKeyStatus",
        DashboardKeyStatus,
        contract=("components/schemas/Dashboard/properties/keys/properties/apiKeys/items/properties/status",),
    ),
    Enumeration("ProjectKeyStatus", ProjectKeyStatus, contract=("components/schemas/ProjectKey/properties/status",)),
    Enumeration("ConnectionStatus", ConnectionStatus, checked=("stripe_tokens.status",)),
    Enumeration("Purpose of a one-time token", Purpose, checked=("one_time_tokens.purpose",)),
    Enumeration("Plan", Plan, contract=("components/schemas/PlatformSubscription/properties/plan",)),
    Enumeration(
        "Action of a promotion",
        Action,
        contract=("components/schemas/Promotion/properties/changes/items/properties/action",),
    ),
    Enumeration("Source of an event", Source, checked=("events.source",)),
    Enumeration(
        "Outcome of an event",
        Outcome,
        checked=("events.outcome",),
        contract=("components/schemas/Dashboard/properties/webhook/properties/recent/items/properties/status",),
    ),
    Enumeration("Kind of an outbox row", Kind, unchecked=("outbox.kind",)),
    Enumeration("Kind of an outbox row for Clerk", ClerkKind, unchecked=("outbox.kind",)),
)

CLAIM_CURE = (
    "Define the words once as a Literal in shared/dream (in domain/, or in the module of db/ whose column they fill), and add the"
    " place to its line of ENUMERATIONS in tests/architecture/test_enumerations.py."
)


def problems_of(kind: str, places: Mapping[str, set[str]], claims: Mapping[str, Enumeration], cure: str) -> list[str]:
    """What is wrong with these places: not claimed, gone, or with other words than the Literal."""
    found = [f"{place}: no Literal claims this {kind}. {CLAIM_CURE}" for place in places.keys() - claims.keys()]
    found += [
        f"{place}: there is no such {kind}. Delete it from ENUMERATIONS." for place in claims.keys() - places.keys()
    ]
    for place in places.keys() & claims.keys():
        there, here = places[place], claims[place].words
        if there != here:
            differences = [f"has {sorted(there - here)} too many"] * bool(there - here)
            differences += [f"lacks {sorted(here - there)}"] * bool(here - there)
            found.append(f"{place}: {' and '.join(differences)}, as the Literal {claims[place].name} says. {cure}")
    return sorted(found)


def report(problems: list[str]) -> None:
    assert not problems, "\n" + "\n".join(problems)


@pytest.fixture(scope="module")
def database() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.executescript((ROOT / "schema.sql").read_text())
        yield connection


def enums_of(node: Any, place: str = "") -> Iterator[tuple[str, set[str]]]:
    """Every `enum:` list of a document with its place. Null stands for no word."""
    if isinstance(node, dict):
        if "enum" in node:
            yield place, {word for word in node["enum"] if word is not None}
        for name, value in node.items():
            yield from enums_of(value, f"{place}/{name}".removeprefix("/"))
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from enums_of(value, f"{place}/{index}")


def test_every_check_of_the_schema_has_the_words_of_its_literal(database: sqlite3.Connection) -> None:
    places = {
        f"{table.name}.{column.name}": {str(word) for word in column.allowed}
        for table in schema.read_tables(database).values()
        for column in table.columns
        if column.allowed and set(column.allowed) != {0, 1}
    }
    claims = {place: each for each in ENUMERATIONS for place in each.checked}
    cure = "Change the CHECK in schema.sql and in a new migrations/NNNN_what_it_does.sql, or the Literal."
    report(problems_of("CHECK of schema.sql", places, claims, cure))


def test_every_enum_of_the_contract_has_the_words_of_its_literal() -> None:
    places = dict(enums_of(yaml.safe_load((ROOT / "openapi.yaml").read_text())))
    claims = {place: each for each in ENUMERATIONS for place in each.contract}
    cure = "Change the enum in openapi.yaml and run `make types` for the dashboard, or change the Literal."
    report(problems_of("enum of openapi.yaml", places, claims, cure))


def test_columns_without_a_check_exist(database: sqlite3.Connection) -> None:
    columns = {
        f"{table.name}.{column.name}" for table in schema.read_tables(database).values() for column in table.columns
    }
    missing = {place for each in ENUMERATIONS for place in each.unchecked} - columns
    assert not missing, f"schema.sql has no {sorted(missing)}: delete them from ENUMERATIONS"


# SQL ------------------------------------------------------------------------------------------------------------


def sql_texts(connection: sqlite3.Connection) -> Iterator[tuple[str, str]]:
    """Triggers and indexes of the schema, and all statements of `dream.db`, with their names."""
    for kind, name, sql in connection.execute("SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL"):
        if kind != "table":
            yield f"schema.sql: {kind} {name}", sql
    for module in pkgutil.iter_modules(dream.db.__path__):
        for name, value in vars(importlib.import_module(f"dream.db.{module.name}")).items():
            if isinstance(value, Sql):
                yield f"dream.db.{module.name}.{name}", value


def compared_words(sql: str) -> Iterator[tuple[str, str]]:
    """(column, word) of each `column = 'word'`, `column <> 'word'` and `column IN ('word', ...)`."""
    yield from re.findall(r"\b(\w+) (?:=|<>|IS|IS NOT) '([^']*)'", sql)
    for column, listed in re.findall(r"\b(\w+) (?:NOT )?IN \(('[^)]*')\)", sql):
        yield from ((column, str(word)) for word in schema.values_in(listed))


def test_sql_compares_with_words_that_exist(database: sqlite3.Connection) -> None:
    known: dict[str, set[str]] = {}
    for each in ENUMERATIONS:
        for place in (*each.checked, *each.unchecked):
            known.setdefault(place.partition(".")[2], set()).update(each.words)
    compared = [(where, *pair) for where, sql in sql_texts(database) for pair in compared_words(sql)]
    assert len(compared) > 50, "the words that SQL compares with were not found"
    report(
        [
            f"{where}: no Literal has the word '{word}' for a column {column}. Spell it as the Literal does, or add it there."
            for where, column, word in compared
            if column in known and word not in known[column]
        ]
    )


def test_every_kind_of_the_outbox_has_an_effect_and_sql_enqueues_no_other(database: sqlite3.Connection) -> None:
    kinds = {*get_args(Kind), *get_args(ClerkKind)}
    assert set(ALL_EFFECTS) == kinds, (
        f"effects without a kind: {sorted(ALL_EFFECTS.keys() - kinds)} (add them to Kind in dream/db/outbox.py or clerk_effects.py);"
        f" kinds without an effect: {sorted(kinds - ALL_EFFECTS.keys())} (add them to EFFECTS, or delete them from Kind)"
    )
    inserted = [
        (where, kind)
        for where, sql in sql_texts(database)
        for kind in re.findall(r"INSERT INTO outbox \([^)]*\)\s+SELECT (?:DISTINCT )?'(\w+)'", sql)
    ]
    assert len(inserted) > 10, "the statements that enqueue were not found"
    report(
        [
            f"{where} enqueues '{kind}': add it to Kind in dream/db/outbox.py"
            for where, kind in inserted
            if kind not in kinds
        ]
    )


# Python ---------------------------------------------------------------------------------------------------------


def lists_of_words(file: Path) -> Iterator[tuple[int, bool, frozenset[str]]]:
    """Each Literal, tuple, list and set of at least two constant strings: its line, whether it is a Literal, its words."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    literals = {
        id(node.slice)
        for node in ast.walk(tree)
        if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name) and node.value.id == "Literal"
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Tuple | ast.List | ast.Set):
            words = [each.value for each in node.elts if isinstance(each, ast.Constant) and isinstance(each.value, str)]
            if len(words) == len(node.elts) > 1:
                yield node.lineno, id(node) in literals, frozenset(words)


def test_no_literal_is_written_twice_or_copied_by_hand() -> None:
    places: dict[frozenset[str], list[tuple[str, bool]]] = {}
    for folder in (ROOT / "shared" / "dream", *ROOT.glob("workers/*/src")):
        for file in sorted(folder.rglob("*.py")):
            for line, is_literal, words in lists_of_words(file):
                places.setdefault(words, []).append((f"{file.relative_to(ROOT)}:{line}", is_literal))
    report(
        [
            f"{sorted(words)} is written in {', '.join(where for where, _ in found)}: keep one Literal, import it"
            " elsewhere, and take its words by get_args"
            for words, found in places.items()
            if len(found) > 1 and any(is_literal for _, is_literal in found)
        ]
    )


def test_subscription_statuses_are_stripes() -> None:
    """The stripe package names the words of the API version that it is pinned to, and allows others besides."""
    literal = next(each for each in get_args(stripe.Subscription.__annotations__["status"]) if get_args(each))
    assert set(get_args(literal)) == set(get_args(SubscriptionStatus)), (
        "Stripe has other statuses than SubscriptionStatus in dream/domain/subscriptions.py: decide which of them entitle, and add"
        " them to the Literal and to SubscriptionStatus in openapi.yaml"
    )


# The checker itself -----------------------------------------------------------------------------------------------


def test_what_is_not_claimed_or_differs_is_told_with_its_cure() -> None:
    claims = {"orders.status": Enumeration("OrderStatus", OrderStatus), "gone.status": Enumeration("Mode", Mode)}
    places = {"orders.status": set(get_args(OrderStatus)) - {"paid"} | {"lost"}, "new.kind": {"a", "b"}}
    new, gone, differing = sorted(
        problems_of("CHECK", places, claims, "Do this."), key=lambda problem: problem[0] != "n"
    )
    assert new.startswith("new.kind: no Literal claims this CHECK. Define the words once as a Literal")
    assert gone == "gone.status: there is no such CHECK. Delete it from ENUMERATIONS."
    assert (
        differing
        == "orders.status: has ['lost'] too many and lacks ['paid'], as the Literal OrderStatus says. Do this."
    )
