"""Guarantee: money that went back is no revenue, whichever event came first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from tests.support.stack import Stack
from tests.support.stripe_accounts import Saas, StripeControls, make_saas
from tests.support.webhooks import send

CHARGE_REFUNDED, INVOICE_PAID = "charge.refunded", "invoice.paid"


def deliver(stack: Stack, event: Mapping[str, Any]) -> None:
    """Sends an event to api-multi, which acknowledges it."""
    answer = send(stack, event)
    assert answer.status_code == 200, answer.text


def subscribe(stack: Stack, stripe: StripeControls, saas: Saas) -> None:
    """One end user pays for a month of `pro`."""
    answer = stack.http("api-multi").post(
        "/api/create-checkout", json={"tier": "pro"}, headers=saas.tenant.headers("user_subscriber")
    )
    assert answer.status_code == 200, answer.text
    stripe.pay(answer.json()["sessionId"])


def refund(stripe: StripeControls, saas: Saas, amount: int) -> None:
    """The seller gives back a part of the last charge."""
    charge = stripe.api("GET", "charges", saas.account)["data"][0]
    stripe.control("refunds", {"charge": charge["id"], "amount": amount})


def shown(stack: Stack, saas: Saas) -> dict[str, Any]:
    answer = stack.http("api-multi").get("/api/dashboard", headers=saas.tenant.headers())
    assert answer.status_code == 200, answer.text
    return answer.json()


def event_of(stripe: StripeControls, saas: Saas, kind: str) -> dict[str, Any]:
    return stripe.look("events", type=kind, account=saas.account)["events"][0]


@pytest.mark.parametrize(
    "order", [(INVOICE_PAID, CHARGE_REFUNDED), (CHARGE_REFUNDED, INVOICE_PAID), (CHARGE_REFUNDED, CHARGE_REFUNDED)]
)
def test_a_refunded_invoice_is_revenue_less_the_refund(
    stack: Stack, stripe: StripeControls, order: tuple[str, str]
) -> None:
    saas = make_saas(stack, stripe)
    stripe.control("webhooks/rules", {"drop": True})
    subscribe(stack, stripe, saas)
    refund(stripe, saas, 900)
    for number, kind in enumerate(order):
        deliver(stack, {**event_of(stripe, saas, kind), "id": f"evt_{saas.account}_{number}"})
    dashboard = shown(stack, saas)
    assert dashboard["metrics"]["revenue"] == 2000
    assert dashboard["revenueByDay"][-1]["amount"] == 2000
    assert dashboard["metrics"]["storeSalesCount"] == 0


def test_a_later_smaller_reading_never_takes_a_refund_back(stack: Stack, stripe: StripeControls) -> None:
    saas = make_saas(stack, stripe)
    subscribe(stack, stripe, saas)
    refund(stripe, saas, 900)
    refund(stripe, saas, 100)
    stripe.drained()
    assert shown(stack, saas)["metrics"]["revenue"] == 1900
    deliver(stack, {**event_of(stripe, saas, INVOICE_PAID), "id": f"evt_{saas.account}_late"})
    assert shown(stack, saas)["metrics"]["revenue"] == 1900


def test_a_foreign_charge_changes_nothing(stack: Stack, stripe: StripeControls) -> None:
    saas = make_saas(stack, stripe)
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
        deliver(stack, {**event, "account": account, "id": f"{event['id']}_{account}"})
    assert shown(stack, saas)["metrics"]["revenue"] == 0
