"""Tiers in a request: every wrong field is named, and no JSON breaks the parser."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dream.domain.project_definitions import NewProject
from dream.domain.tier_definitions import CURRENCY, TierDefinition, TierUpdates, TypesMixed, parse_new_tier
from dream.domain.tiers import Tier
from dream.errors import ApiError, InvalidFields

PRO = {"name": "pro", "displayName": "Pro", "price": 2900, "limit": 5000}
FIELDS = (
    "name",
    "displayName",
    "description",
    "price",
    "limit",
    "billingMode",
    "features",
    "popular",
    "trialDays",
    "imageUrl",
    "inventory",
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=8,
)


def tier_of(definition: TierDefinition) -> Tier:
    return Tier(
        name=definition.name,
        display_name=definition.display_name,
        description=definition.description,
        price=definition.price_cents,
        currency=CURRENCY,
        limit=definition.limit,
        billing_mode=definition.billing_mode,
        price_id="price_1",
        product_id="prod_1",
        features=definition.features,
        popular=definition.popular,
        trial_days=definition.trial_days,
        image_url=definition.image_url,
        inventory=definition.inventory,
    )


def test_what_is_optional_has_a_plain_default() -> None:
    tier = parse_new_tier(PRO, "saas")
    assert (tier.description, tier.features, tier.popular, tier.trial_days) == ("", (), False, 0)
    assert (tier.image_url, tier.inventory, tier.billing_mode) == (None, None, "subscription")
    product = parse_new_tier({"name": "mug", "displayName": "Mug", "price": 1}, "store")
    assert (product.limit, product.billing_mode, product.interval) == (None, "one_off", None)


def test_unlimited_is_no_limit_and_features_may_be_one_text() -> None:
    tier = parse_new_tier({**PRO, "limit": "unlimited", "features": "A, B,, C "}, "saas")
    assert (tier.limit, tier.features) == (None, ("A", "B", "C"))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", "Pro"),
        ("name", "a b"),
        ("name", "-a"),
        ("name", "a" * 41),
        ("name", "prö"),
        ("price", 1.0),
        ("price", "100"),
        ("price", True),
        ("price", -1),
        ("price", 100_000_000),
        ("limit", "many"),
        ("limit", None),
        ("limit", 2**40),
        ("displayName", " "),
        ("displayName", "x\x00y"),
        ("features", [1]),
        ("features", ["x"] * 51),
        ("imageUrl", "ftp://example.com/a.png"),
        ("imageUrl", "https://user:pass@example.com/a.png"),
        ("inventory", "3"),
        ("trialDays", 731),
        ("popular", 1),
    ],
)
def test_a_wrong_value_is_named(field: str, value: object) -> None:
    with pytest.raises(InvalidFields) as refused:
        parse_new_tier({**PRO, field: value}, "saas")
    assert set(refused.value.extra["fields"]) == {f"tier.{field}"}


@given(st.dictionaries(st.sampled_from(FIELDS), VALUES) | VALUES, st.sampled_from(["saas", "store"]))
def test_no_json_breaks_the_parser(sent: object, project_type: Any) -> None:
    try:
        tier = parse_new_tier(sent, project_type)
    except (InvalidFields, TypesMixed):
        return
    assert tier.price_cents >= 0
    assert tier.billing_mode == ("subscription" if project_type == "saas" else "one_off")


@given(st.dictionaries(st.sampled_from(FIELDS), VALUES) | VALUES)
def test_no_json_breaks_the_updates(sent: object) -> None:
    before = parse_new_tier(PRO, "saas")
    try:
        updates = TierUpdates.from_json(sent, tier_of(before), "saas")
    except (InvalidFields, TypesMixed):
        return
    after = updates.applied_to(tier_of(before)).to_row()
    assert {name for name in after if after[name] != before.to_row()[name]} <= updates.columns.keys()


@given(
    st.dictionaries(st.sampled_from(["mode", "projectName", "projectType", "tiers"]), VALUES)
    | st.fixed_dictionaries({"tiers": st.lists(st.dictionaries(st.sampled_from(FIELDS), VALUES) | VALUES, max_size=3)})
)
def test_no_json_breaks_the_project(body: dict[str, Any]) -> None:
    with pytest.raises(ApiError) as refused:
        NewProject.from_json({"mode": None, **body})
    assert refused.value.status == 400


def test_updates_name_only_what_changes() -> None:
    tier = tier_of(parse_new_tier(PRO, "saas"))
    updates = TierUpdates.from_json({"limit": "unlimited", "billingMode": "subscription", "name": "pro"}, tier, "saas")
    assert updates.columns == {"limit": None}
    assert not updates.show_at_stripe
    assert TierUpdates.from_json({"imageUrl": None}, tier, "saas").show_at_stripe
