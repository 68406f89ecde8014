"""Developers' Stripe accounts in the stand-in, and projects whose tiers are sold there."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dream.domain.keys import Mode
from tests.support.stack import Stack
from tests.support.tenants import CREATED, Tenant, make_platform, make_tenant

API_VERSION = "2026-10-28.endive"
_numbers = itertools.count(1)


class StripeControls:
    """The stand-in's API as the platform's keys see it, and its controls."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._keys: Mapping[str, str] = stack.state["stripeSecretKeys"]
        self._http = stack.client(stack.url("stripe"))

    def close(self) -> None:
        self._http.close()

    def control(self, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """POST to one of the controls."""
        answer = self._http.post(f"/_devstack/{path}", json=body or {})
        assert answer.is_success, answer.text
        return answer.json()

    def look(self, path: str, /, **query: str) -> Any:
        """GET of one of the controls."""
        answer = self._http.get(f"/_devstack/{path}", params=query)
        assert answer.is_success, answer.text
        return answer.json()

    def clear(self, path: str) -> None:
        """DELETE of one of the controls."""
        assert self._http.delete(f"/_devstack/{path}").is_success

    def api(
        self, method: str, path: str, account: str | None, key_mode: Mode = "test", /, **form: str | int
    ) -> dict[str, Any]:
        """One API call on an account. Nested parameters are spelled in brackets: `**{"metadata[a]": "b"}`."""
        headers = {"Authorization": f"Bearer {self._keys[key_mode]}", "Stripe-Version": API_VERSION}
        if account is not None:
            headers["Stripe-Account"] = account
        parameters: dict[str, Any] = {"params": form} if method == "GET" else {"data": form}
        answer = self._http.request(method, f"/v1/{path}", headers=headers, **parameters)
        assert answer.is_success, answer.text
        return answer.json()

    def drained(self, patience_seconds: int = 60) -> None:
        """Wait until every webhook was delivered."""
        self._stack.deliver(patience_seconds)

    def pay(self, session_id: str, **how: str) -> dict[str, Any]:
        """The buyer pays a checkout session, by default with a valid card."""
        return self.control(f"checkout/{session_id}/pay", how)


@dataclass(frozen=True)
class Saas:
    """A project whose tiers are sold on a Stripe account of its developer."""

    tenant: Tenant
    account: str
    prices: Mapping[str, str]
    products: Mapping[str, str]


def make_account(stack: Stack, stripe: StripeControls, platform_id: str, mode: Mode = "test") -> str:
    """A Stripe account, linked at Stripe and in D1."""
    account: str = stripe.control("accounts", {"email": f"seller{next(_numbers)}@example.com", "connect": mode})["id"]
    stack.d1(
        "INSERT INTO stripe_tokens (platformId, mode, stripeUserId, scope, connectedAt) VALUES (?1, ?2, ?3, 'read_write', ?4)",
        platform_id,
        mode,
        account,
        CREATED,
    )
    return account


def make_saas(
    stack: Stack,
    stripe: StripeControls,
    *,
    tiers: Sequence[Mapping[str, Any]] | None = None,
    mode: Mode = "test",
    platform: tuple[str, str] | None = None,
    account: str | None = None,
) -> Saas:
    """A project whose tiers are sold: by default `free`, `starter` and `pro`. A tier's `interval` is a month if it names none."""
    platform = platform or make_platform(stack)
    account = account or make_account(stack, stripe, platform[0], mode)
    wanted = tiers or (
        {"name": "free", "displayName": "Free", "price": 0, "limit": 3},
        {"name": "starter", "displayName": "Starter", "price": 900, "limit": 10},
        {"name": "pro", "displayName": "Pro Plan", "price": 2900, "limit": 100},
    )
    prices: dict[str, str] = {}
    products: dict[str, str] = {}
    rows: list[dict[str, Any]] = []
    for tier in wanted:
        row = dict(tier)
        interval = row.pop("interval", "month")
        if row["price"] > 0:
            product = stripe.api("POST", "products", account, mode, name=row.get("displayName", row["name"]))
            price = stripe.api(
                "POST",
                "prices",
                account,
                mode,
                product=product["id"],
                unit_amount=row["price"],
                currency="usd",
                **{"recurring[interval]": interval},
            )
            row |= {"priceId": price["id"], "productId": product["id"]}
            prices[row["name"]], products[row["name"]] = price["id"], product["id"]
        rows.append(row)
    tenant = make_tenant(stack, tiers=rows, mode=mode, platform=platform)
    return Saas(tenant, account, prices, products)
