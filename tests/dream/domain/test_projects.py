"""New projects and promotions of a test project to live mode are compared and fingerprinted as values."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from dream.domain.project_definitions import NewProject, is_local_origin, plan_promotion
from dream.domain.tiers import Tier

BODY: dict[str, Any] = {
    "mode": "test",
    "projectName": " Notes ",
    "projectType": "saas",
    "tiers": [{"name": "free", "displayName": "Free", "price": 0, "limit": 1}],
}


def tier(name: str, price: int, **changes: Any) -> Tier:
    plain = Tier(
        name=name,
        display_name=name.title(),
        description="",
        price=price,
        currency="usd",
        limit=10,
        billing_mode="subscription",
        price_id=f"price_{name}" if price else None,
        product_id=f"prod_{name}" if price else None,
        features=(),
        popular=False,
        trial_days=0,
        image_url=None,
        inventory=None,
    )
    return replace(plain, **changes)


def test_equal_projects_have_one_fingerprint_in_equal_circumstances() -> None:
    project = NewProject.from_json(BODY)
    assert project.name == "Notes"
    assert project.fingerprint("acct_1") == NewProject.from_json({**BODY, "unknown": 1}).fingerprint("acct_1")
    assert project.fingerprint("acct_1") != project.fingerprint("acct_2")
    assert project.fingerprint("acct_1") != NewProject.from_json({**BODY, "mode": "live"}).fingerprint("acct_1")


@pytest.mark.parametrize(
    ("origin", "local"),
    [
        ("http://localhost:3000", True),
        ("https://localhost", True),
        ("http://127.0.0.1:8080", True),
        ("http://[::1]:5173", True),
        ("http://app.localhost", True),
        ("https://localhost.example.com", False),
        ("https://app.example.com", False),
    ],
)
def test_local_origins_stay_with_the_test_project(origin: str, local: bool) -> None:
    assert is_local_origin(origin) is local


def test_a_promotion_compares_what_is_defined_and_not_what_stripe_calls_it() -> None:
    test = [tier("free", 0), tier("pro", 2900), tier("team", 5000)]
    live = [
        tier("free", 0),
        tier("pro", 2900, price_id="price_live", product_id="prod_live"),
        tier("old", 100),
    ]
    promotion = plan_promotion(test, live)
    assert [(change.name, change.action) for change in promotion.changes] == [
        ("free", "unchanged"),
        ("pro", "unchanged"),
        ("team", "create"),
        ("old", "archive"),
    ]
    assert [change.name for change in promotion.changes if change.needs_price] == ["team"]


def test_a_promotion_names_the_fields_that_differ_but_leaves_stock_alone() -> None:
    (change,) = plan_promotion([tier("pro", 3900, limit=20)], [tier("pro", 2900, inventory=3)]).changes
    assert (change.action, set(change.fields), change.needs_price) == ("update", {"price", "limit"}, True)
    assert "inventory" not in change.columns
    (same,) = plan_promotion([tier("pro", 2900, inventory=7)], [tier("pro", 2900, inventory=3)]).changes
    assert same.action == "unchanged"


def test_a_paid_live_tier_without_a_price_gets_one() -> None:
    (change,) = plan_promotion([tier("pro", 2900)], [tier("pro", 2900, price_id=None)]).changes
    assert (change.action, change.needs_price) == ("update", True)


def test_the_fingerprint_of_a_promotion_is_of_what_stripe_has_to_make() -> None:
    one = plan_promotion([tier("pro", 2900, inventory=1)], [])
    other_stock = plan_promotion([tier("pro", 2900, inventory=2)], [])
    other_price = plan_promotion([tier("pro", 3900)], [])
    assert one.fingerprint("x") == other_stock.fingerprint("x")
    assert one.fingerprint("x") != other_price.fingerprint("x")
