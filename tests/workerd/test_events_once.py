"""Guarantee: of all deliveries of one event, one commits; the database itself sees to it. In workerd."""

from __future__ import annotations

import asyncio
import secrets
from collections import Counter

import httpx

from devstack.stack import Stack
from tests.support.webhooks import signed

DELIVERIES = 20


def test_of_deliveries_at_the_same_moment_one_commits(stack: Stack) -> None:
    event_id = f"evt_{secrets.token_hex(8)}"
    event = {
        "id": event_id,
        "object": "event",
        "type": "customer.subscription.deleted",
        "account": "acct_of_nobody",
        "livemode": False,
        "created": 1_790_000_000,
        "data": {"object": {"id": "sub_of_nobody", "object": "subscription", "metadata": {}}},
    }
    body, headers = signed(stack, event)

    async def deliver_all() -> list[httpx.Response]:
        async with httpx.AsyncClient(base_url=stack.url("api-multi"), timeout=60) as client:
            calls = [client.post("/webhook/stripe", content=body, headers=headers) for _ in range(DELIVERIES)]
            return await asyncio.gather(*calls)

    answers = asyncio.run(deliver_all())
    assert {answer.status_code for answer in answers} == {200}
    assert Counter(answer.json()["duplicate"] for answer in answers) == {False: 1, True: DELIVERIES - 1}
    rows = stack.d1("SELECT outcome, attempts FROM events WHERE eventId = ?1", event_id)
    assert len(rows) == 1
    assert rows[0]["outcome"] in ("ignored", "rejected")
