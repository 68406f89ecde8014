"""Guarantee: of all deliveries of one event, one commits; the database itself sees to it. In workerd."""

from __future__ import annotations

from collections import Counter

from devstack.stack.stack import Stack
from tests.support.webhooks import event_of, send_at_once

DELIVERIES = 20


def test_of_deliveries_at_the_same_moment_one_commits(stack: Stack) -> None:
    subscription = {"id": "sub_of_nobody", "object": "subscription", "metadata": {}}
    event = event_of("customer.subscription.deleted", subscription, account="acct_of_nobody")
    answers = send_at_once(stack, [event] * DELIVERIES)
    assert {answer.status_code for answer in answers} == {200}
    assert Counter(answer.json()["duplicate"] for answer in answers) == {False: 1, True: DELIVERIES - 1}
    rows = stack.d1("SELECT outcome, attempts FROM events WHERE eventId = ?1", event["id"])
    assert len(rows) == 1
    assert rows[0]["outcome"] in ("ignored", "rejected")
