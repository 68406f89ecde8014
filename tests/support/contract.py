"""Sends the same requests to two stacks and makes their answers comparable: ids, tokens and times are masked."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.support.clerk_controls import ClerkControls
from tests.support.developers import make_developer
from tests.support.stack import Stack
from tests.support.stores import Seller, make_seller, make_store
from tests.support.stripe_accounts import StripeControls, make_saas
from tests.support.tenants import Tenant, make_tenant

SERVICES = ("api-multi", "front-auth-api", "oauth-api", "sign-up", "stripe", "clerk", "frontend")
HEADERS = (
    "access-control-allow-headers", "access-control-allow-methods", "access-control-allow-origin",
    "access-control-expose-headers", "access-control-max-age", "allow", "cache-control", "content-security-policy",
    "content-type", "cross-origin-resource-policy", "etag", "idempotent-replayed", "location", "referrer-policy",
    "retry-after", "set-cookie", "strict-transport-security", "vary", "x-content-type-options", "x-frame-options",
)  # fmt: skip
# Ids, tokens, times and counters, which differ in each run.
VOLATILE = (
    (re.compile(r"\breq_[0-9a-f]+"), "<request>"),
    (re.compile(r"eyJ[\w-]+\.[\w-]+\.[\w-]+"), "<token>"),
    (re.compile(r"\b(?:pk|sk)_(test|live)_[\w…*.•]+"), r"<key \1>"),
    (re.compile(r"\b[\w.]+@(?=example\.com)"), "<person>@"),
    (re.compile(r"\b(?:user|acct|sess)_[A-Za-z0-9]{12,}"), "<id>"),
    (re.compile(r"\b[a-z]{2,5}_(?:test_|live_)?[A-Za-z0-9-]*[A-Z0-9][A-Za-z0-9_-]{5,}"), "<id>"),
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z"), "<time>"),
    (re.compile(r"\b[0-9a-f]{16}\b"), "<key id>"),
    (re.compile(r"(state|ticket|client_id|dream_flow|dream_connect)[\w-]*(=|%3D)[^;&\s\"]+"), r"\1\2<state>"),
    (re.compile(r"(\"nextCursor\":)\"[^\"]+\""), r'\1"<cursor>"'),
)


@dataclass(frozen=True)
class Case:
    """One request. `{name}` in its path, headers and body stands for a fact of the scene."""

    name: str
    worker: str
    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    body: Any = None
    """Bytes as they are; everything else as JSON."""
    keep: Mapping[str, str] = field(default_factory=dict[str, str])
    """Facts that later cases use: fact by field of the answer."""

    def __str__(self) -> str:
        return f"{self.worker}-{self.name}".replace(" ", "-")


class Scene:
    """Tenants of each kind on one stack. `facts` are their keys, tokens and ids."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        stripe, clerk = StripeControls(stack), ClerkControls(stack)
        paid = make_developer(stack, stripe)
        unpaid = make_developer(stack, stripe, paid=False, connected=())
        saas = make_saas(stack, stripe, platform=(paid.platform_id, paid.user_id), account=paid.accounts["test"]).tenant
        seller: Seller = make_seller(stack, stripe)
        products = [{"name": "mug", "price": 1200, "inventory": 5}, {"name": "poster", "price": 900, "inventory": 0}]
        store = make_store(stack, stripe, seller, products)
        unpaid_live = make_tenant(stack, mode="live", live_keys_until="2026-01-01T00:00:00.000Z")
        user = clerk.make_user("endUsersTest")
        self.facts: dict[str, str] = {
            **_keys("saas", saas),
            **_keys("store", store.tenant),
            **_keys("unpaid", unpaid_live),
            "developer": paid.token,
            "unpaid_developer": unpaid.token,
            "user_token": clerk.token("endUsersTest", user, expiresIn=3600),
            "user": user,
            "platform": paid.platform_id,
            "account": paid.accounts["test"],
            **{f"url {service}": stack.url(service) for service in SERVICES},
        }
        for controls in (store, stripe, clerk):
            controls.close()

    def answer(self, case: Case) -> httpx.Response:
        client = self.stack.http(case.worker)
        headers = {name: self._filled(value) for name, value in case.headers.items()}
        body: dict[str, Any] = {}
        if case.body is not None:
            body = {"content": case.body} if isinstance(case.body, bytes) else {"json": self._filled_json(case.body)}
        answer = client.request(case.method, self._filled(case.path), headers=headers, **body)
        for fact, name in case.keep.items():
            self.facts[fact] = answer.json()[name]
        return answer

    def comparable(self, answer: httpx.Response) -> dict[str, Any]:
        """Status, headers that matter and body, with facts by their names and volatile parts masked."""
        text = (
            answer.text if answer.headers.get("content-type", "").partition("/")[0] != "image" else answer.content.hex()
        )
        return {
            "status": answer.status_code,
            "headers": {name: self._masked(answer.headers[name]) for name in HEADERS if name in answer.headers},
            "shows round trips": "x-round-trips" in answer.headers,
            "names the request": answer.headers.get("x-request-id", "") in text or "requestId" not in text,
            "body": _parsed(self._masked(text)),
        }

    def _filled(self, text: str) -> str:
        return re.sub(r"\{([\w -]+)\}", lambda found: self.facts[found[1]], text)

    def _filled_json(self, value: Any) -> Any:
        if isinstance(value, str):
            return self._filled(value)
        if isinstance(value, dict):
            return {name: self._filled_json(each) for name, each in value.items()}
        if isinstance(value, list):
            return [self._filled_json(each) for each in value]
        return value

    def _masked(self, text: str) -> str:
        for name, value in sorted(self.facts.items(), key=lambda fact: -len(fact[1])):
            for spelled in (value, value.replace(":", "%3A").replace("/", "%2F")):
                text = text.replace(spelled, f"<{name}>")
        for pattern, mask in VOLATILE:
            text = pattern.sub(mask, text)
        return text


def _keys(name: str, tenant: Tenant) -> dict[str, str]:
    return {f"{name}_pk": tenant.publishable_key, f"{name}_sk": tenant.secret_key}


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
