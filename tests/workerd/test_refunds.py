"""Guarantee: money that went back is no revenue, whichever event came first. In workerd, with Stripe's stand-in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from devstack.stack import Stack
from tests.stores import Stripe
from tests.stripe_accounts import Saas, StripeControls, make_saas

CHARGE_REFUNDED, INVOICE_PAID = "charge.refunded", "invoice.paid"


@pytest.fixture
def controls(stack: Stack) -> Iterator[StripeControls]:
    controls = StripeControls(stack)
    yield controls
    controls.clear("webhooks/rules")
    controls.close()


@pytest.fixture
def stripe(stack: Stack) -> Iterator[Stripe]:
    stripe = Stripe(stack)
    yield stripe
    stripe.close()


def subscribe(stack: Stack, controls: StripeControls, saas: Saas) -> None:
    """One end user pays for a month of `pro`."""
    answer = httpx.post(
        f"{stack.url('api-multi')}/api/create-checkout",
        json={"tier": "pro"},
        headers=saas.tenant.headers("user_subscriber"),
        timeout=60,
    )
    assert answer.status_code == 200, answer.text
    controls.pay(answer.json()["sessionId"])


def refund(controls: StripeControls, saas: Saas, amount: int) -> None:
    """The seller gives back a part of the last charge."""
    charge = controls.api("GET", "charges", saas.account)["data"][0]
    controls.control("refunds", {"charge": charge["id"], "amount": amount})


def shown(stack: Stack, saas: Saas) -> dict[str, Any]:
    answer = httpx.get(f"{stack.url('api-multi')}/api/dashboard", headers=saas.tenant.headers(), timeout=60)
    assert answer.status_code == 200, answer.text
    return answer.json()


def event_of(controls: StripeControls, saas: Saas, kind: str) -> dict[str, Any]:
    return controls.look("events", type=kind, account=saas.account)["events"][0]


@pytest.mark.parametrize(
    "order", [(INVOICE_PAID, CHARGE_REFUNDED), (CHARGE_REFUNDED, INVOICE_PAID), (CHARGE_REFUNDED, CHARGE_REFUNDED)]
)
def test_a_refunded_invoice_is_revenue_less_the_refund(
    stack: Stack, controls: StripeControls, stripe: Stripe, order: tuple[str, str]
) -> None:
    saas = make_saas(stack, controls)
    controls.control("webhooks/rules", {"drop": True})
    subscribe(stack, controls, saas)
    refund(controls, saas, 900)
    for number, kind in enumerate(order):
        body, headers = stripe.signed({**event_of(controls, saas, kind), "id": f"evt_{saas.account}_{number}"})
        answer = httpx.post(f"{stack.url('api-multi')}/webhook/stripe", content=body, headers=headers, timeout=60)
        assert answer.status_code == 200, answer.text
    dashboard = shown(stack, saas)
    assert dashboard["metrics"]["revenue"] == 2000
    assert dashboard["revenueByDay"][-1]["amount"] == 2000
    assert dashboard["metrics"]["storeSalesCount"] == 0


def test_a_later_smaller_reading_never_takes_a_refund_back(
    stack: Stack, controls: StripeControls, stripe: Stripe
) -> None:
    saas = make_saas(stack, controls)
    subscribe(stack, controls, saas)
    refund(controls, saas, 900)
    refund(controls, saas, 100)
    controls.drained()
    assert shown(stack, saas)["metrics"]["revenue"] == 1900
    body, headers = stripe.signed({**event_of(controls, saas, INVOICE_PAID), "id": f"evt_{saas.account}_late"})
    assert httpx.post(f"{stack.url('api-multi')}/webhook/stripe", content=body, headers=headers).status_code == 200
    assert shown(stack, saas)["metrics"]["revenue"] == 1900


def test_a_foreign_charge_changes_nothing(stack: Stack, controls: StripeControls, stripe: Stripe) -> None:
    saas = make_saas(stack, controls)
    event = {
        "id": f"evt_{saas.account}_foreign",
        "object": "event",
        "type": CHARGE_REFUNDED,
        "account": saas.account,
        "livemode": False,
        "created": 1_780_000_000,
        "data": {"object": {"id": "ch_of_nobody"}},
    }
    for account in (saas.account, "acct_of_nobody", None):
        body, headers = stripe.signed({**event, "account": account, "id": f"{event['id']}_{account}"})
        answer = httpx.post(f"{stack.url('api-multi')}/webhook/stripe", content=body, headers=headers, timeout=60)
        assert answer.status_code == 200, answer.text
    assert shown(stack, saas)["metrics"]["revenue"] == 0
