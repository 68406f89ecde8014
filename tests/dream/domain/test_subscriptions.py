"""Which facts of a Stripe subscription are stored, and which project and user own it."""

from __future__ import annotations

from typing import Any

import pytest

from dream.domain.subscriptions import Owner, monthly_amount


@pytest.mark.parametrize(
    ("amount", "interval", "count", "monthly"),
    [
        (2900, "month", 1, 2900),
        (12000, "year", 1, 1000),
        (3000, "month", 3, 1000),
        (700, "week", 1, 3044),
        (100, "day", 1, 3044),
        (5, "year", 1, 0),
        (7, "year", 1, 1),
        (0, "month", 1, 0),
    ],
)
def test_prices_are_compared_by_month(amount: int, interval: str, count: int, monthly: int) -> None:
    assert monthly_amount(amount, interval, count) == monthly


@pytest.mark.parametrize(
    "metadata",
    [
        {},
        {"publishableKey": "pk"},
        {"userId": "u"},
        {"publishableKey": "", "userId": "u"},
        {"publishableKey": "pk", "userId": ""},
        {"publishableKey": 1, "userId": "u"},
    ],
)
def test_metadata_that_do_not_name_project_and_user_are_not_ours(metadata: dict[str, Any]) -> None:
    assert Owner.from_metadata(metadata) is None


def test_metadata_name_the_owner_and_nothing_else() -> None:
    owner = Owner("pk_test", "user_1")
    assert Owner.from_metadata({**owner.to_metadata(), "plan": "pro"}) == owner
