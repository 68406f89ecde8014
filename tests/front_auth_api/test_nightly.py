"""The nightly jobs find what no event said: subscriptions that changed at Stripe only. A run that was cut short goes on."""

from __future__ import annotations

import httpx
import pytest

from tests.support.developers import Developer
from tests.support.in_process.stack import InProcessStack
from tests.support.nights import WORKER, finished, next_morning, night
from tests.support.platform_subscriptions import checkout
from tests.support.stripe_accounts import StripeControls, make_account, make_saas
from tests.support.tenants import make_platform

SLICES_PER_RUN = 20
"""How many accounts one minute's run checks."""


def drifted(capsys: pytest.CaptureFixture[str], subscription_id: str) -> int:
    """How often the log said that this subscription had drifted, since it was last looked at."""
    lines = capsys.readouterr().out.splitlines()
    return sum(subscription_id in line and "drifted" in line for line in lines)


def test_a_developers_payment_without_an_event_is_found_at_night(
    stack: InProcessStack,
    stripe: StripeControls,
    newcomer: Developer,
    no_deliveries: None,
    capsys: pytest.CaptureFixture[str],
) -> None:
    subscription_id = stripe.pay(checkout(newcomer)["sessionId"])["subscription"]
    assert newcomer.front_auth("GET", "/subscription").json()["plan"] == "free"
    jobs = finished(stack, night(stack))
    assert jobs["platform_subscriptions"]["repaired"] == 1
    assert newcomer.front_auth("GET", "/subscription").json()["plan"] == "paid"
    assert drifted(capsys, subscription_id) == 1
    stripe.api("DELETE", f"subscriptions/{subscription_id}", None)
    night(stack)
    state = newcomer.front_auth("GET", "/subscription").json()
    assert (state["status"], state["plan"], state["liveKeysActive"]) == ("canceled", "free", True)
    assert drifted(capsys, subscription_id) == 1
    night(stack)
    assert drifted(capsys, subscription_id) == 0, "the night before has repaired it"


def test_an_end_users_subscription_without_an_event_is_found_at_night(
    stack: InProcessStack,
    stripe: StripeControls,
    api: httpx.Client,
    no_deliveries: None,
    capsys: pytest.CaptureFixture[str],
) -> None:
    saas = make_saas(stack, stripe)
    headers = saas.tenant.headers("user_lost")

    def plan() -> str:
        return api.get("/api/usage", headers=headers).json()["plan"]

    opened = api.post("/api/create-checkout", json={"tier": "pro"}, headers=headers).json()
    subscription_id = stripe.pay(opened["sessionId"])["subscription"]
    assert plan() == "free"
    jobs = finished(stack, night(stack))
    assert jobs["end_user_subscriptions"]["repaired"] == 1
    assert plan() == "pro"
    assert drifted(capsys, subscription_id) == 1
    stripe.api("DELETE", f"subscriptions/{subscription_id}", saas.account)
    night(stack)
    assert plan() == "free"
    night(stack)
    assert drifted(capsys, subscription_id) == 1


def test_a_night_that_was_cut_short_goes_on_where_it_stopped(stack: InProcessStack, stripe: StripeControls) -> None:
    for _ in range(SLICES_PER_RUN + 1):
        make_account(stack, stripe, make_platform(stack)[0])
    date = next_morning(stack)
    stack.run_scheduled(WORKER)
    (begun,) = stack.d1("SELECT * FROM nightly_runs WHERE job = 'end_user_subscriptions' AND run = ?1", date)
    assert begun["finishedAt"] is None
    assert begun["cursor"]
    stack.kill_workers()
    stack.run_scheduled(WORKER)
    assert "end_user_subscriptions" in finished(stack, date), "a run from the start would need two minutes again"
