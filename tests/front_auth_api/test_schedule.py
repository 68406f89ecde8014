"""One run of the schedule: a job that fails stops no other job."""

from __future__ import annotations

import pytest

from tests.support.developers import Developer
from tests.support.in_process.stack import InProcessStack
from tests.support.nights import WORKER, finished, next_morning
from tests.support.platform_subscriptions import checkout
from tests.support.stripe_accounts import StripeControls, make_saas


def test_a_job_that_d1_fails_is_postponed_and_the_others_run(
    stack: InProcessStack, capsys: pytest.CaptureFixture[str]
) -> None:
    date = next_morning(stack)
    stack.d1_faults.fail(times=1)
    stack.run_scheduled(WORKER)
    (postponed,) = [line for line in capsys.readouterr().out.splitlines() if "job postponed" in line]
    assert '"effects"' in postponed
    assert set(finished(stack, date)) == {"platform_subscriptions", "end_user_subscriptions", "sealed_keys"}


def test_a_job_with_a_mistake_is_logged_with_its_traceback_and_the_others_run(
    stack: InProcessStack,
    stripe: StripeControls,
    newcomer: Developer,
    no_deliveries: None,
    capsys: pytest.CaptureFixture[str],
) -> None:
    stripe.pay(checkout(newcomer)["sessionId"])
    date = next_morning(stack)
    checkpoints = stack.http(WORKER)
    checkpoints.post("/_devstack/checkpoints", json={"armed": {"platform-subscription:read": "fail"}})
    stack.run_scheduled(WORKER)
    (failed,) = [line for line in capsys.readouterr().out.splitlines() if "job platform_subscriptions failed" in line]
    assert "frames" in failed
    assert set(finished(stack, date)) == {"end_user_subscriptions", "sealed_keys"}
    checkpoints.post("/_devstack/checkpoints", json={"armed": {}})
    stack.run_scheduled(WORKER)
    assert set(finished(stack, date)) == {"platform_subscriptions", "end_user_subscriptions", "sealed_keys"}


def test_an_account_that_stripe_refuses_is_skipped_and_the_others_are_checked(
    stack: InProcessStack, stripe: StripeControls, no_deliveries: None, capsys: pytest.CaptureFixture[str]
) -> None:
    projects = [make_saas(stack, stripe) for _ in range(3)]
    api = stack.http("api-multi")
    for saas in projects:
        headers = saas.tenant.headers("user_lost")
        opened = api.post("/api/create-checkout", json={"tier": "pro"}, headers=headers).json()
        stripe.pay(opened["sessionId"])
    refused = projects[1].tenant
    stack.d1("UPDATE stripe_tokens SET stripeUserId = 'acct_unknown' WHERE platformId = ?1", refused.platform_id)
    date = next_morning(stack)
    stack.run_scheduled(WORKER)
    assert finished(stack, date)["end_user_subscriptions"]["repaired"] == 2
    assert "acct_unknown" in capsys.readouterr().out
    plans = [api.get("/api/usage", headers=saas.tenant.headers("user_lost")).json()["plan"] for saas in projects]
    assert plans == ["pro", "free", "pro"]
