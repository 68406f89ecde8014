"""Drafts that nobody finished: one whose Stripe account does not answer waits, and one without an account is deleted."""

from __future__ import annotations

from functools import partial

import pytest

from tests.support.created_projects import SAAS
from tests.support.developers import Developer
from tests.support.in_process.stack import InProcessStack
from tests.support.killing import die_at
from tests.support.stripe_accounts import StripeControls

WORKER = "front-auth-api"
UNFINISHED = "SELECT draftId FROM project_drafts WHERE settledAt IS NULL"


@pytest.fixture
def abandoned(stack: InProcessStack, developer: Developer) -> Developer:
    """A developer whose draft died a day ago."""
    die_at(stack, "oauth-api", "create-products:made", partial(developer.post, "/create-products", SAAS))
    stack.clock.offset_seconds = 26 * 3600
    return developer


def on_sale(stripe: StripeControls, developer: Developer) -> int:
    """How many products the draft's account has on sale."""
    return len(stripe.api("GET", "products", developer.accounts["test"], active="true")["data"])


def test_a_draft_waits_while_stripe_does_not_answer(
    stack: InProcessStack, stripe: StripeControls, abandoned: Developer, capsys: pytest.CaptureFixture[str]
) -> None:
    stripe.control("faults", {"method": "GET", "path": "/v1/products", "times": 50, "status": 500})
    stack.run_scheduled(WORKER)
    stripe.clear("faults")
    assert len(stack.d1(UNFINISHED)) == 1
    assert '"event": "abandoned draft' in capsys.readouterr().out
    stack.run_scheduled(WORKER)
    stack.run_scheduled(WORKER)
    assert stack.d1(UNFINISHED) == []
    assert on_sale(stripe, abandoned) == 0


def test_a_draft_of_an_account_that_stripe_no_longer_connects_is_deleted(
    stack: InProcessStack, stripe: StripeControls, abandoned: Developer
) -> None:
    stack.d1("UPDATE stripe_tokens SET stripeUserId = 'acct_unknown'")
    stack.run_scheduled(WORKER)
    assert stack.d1(UNFINISHED) == []
    assert on_sale(stripe, abandoned) == 2


def test_a_draft_of_a_disconnected_account_is_deleted(
    stack: InProcessStack, stripe: StripeControls, abandoned: Developer
) -> None:
    stack.d1("UPDATE stripe_tokens SET status = 'revoked'")
    stack.run_scheduled(WORKER)
    assert stack.d1(UNFINISHED) == []
    assert on_sale(stripe, abandoned) == 2
