"""A flow is tied to one browser by a signed cookie, and lasts ten minutes."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json

import httpx

from tests.support.clerk_controls import ClerkControls
from tests.support.in_process.stack import InProcessStack
from tests.support.sign_up_flows import (
    begin,
    complete,
    cookie_of,
    with_origin,
)
from tests.support.stack import Stack
from tests.support.tenants import Tenant, make_tenant


def signed(secret: str, payload: str) -> str:
    made = hmac.new(secret.encode(), b"sign-up flow\n" + payload.encode(), hashlib.sha256).digest()
    return f"{payload}.{base64.urlsafe_b64encode(made).decode()}"


def test_a_flow_is_completed_only_in_the_browser_that_began_it(
    stack: Stack, visitor: httpx.Client, tenant: Tenant
) -> None:
    state = begin(visitor, tenant)
    with stack.client(stack.url("sign-up")) as elsewhere:
        answer = elsewhere.get("/callback", params={"state": state})
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_state")
        begin(elsewhere, tenant)
        assert elsewhere.get("/callback", params={"state": state}).status_code == 400
    assert visitor.get("/callback", params={"state": state}).status_code == 200


def test_a_forged_cookie_is_refused(stack: Stack, visitor: httpx.Client, tenant: Tenant, clerk: ClerkControls) -> None:
    state = begin(visitor, tenant)
    payload, _, signature = cookie_of(visitor, state).partition(".")
    evil = json.loads(base64.urlsafe_b64decode(payload))
    evil[2] = "https://evil.example/"
    forged = base64.urlsafe_b64encode(json.dumps(evil).encode()).decode()
    token = clerk.token("endUsersTest", clerk.make_user("endUsersTest"))
    for value in (
        f"{forged}.{signature}",
        f"{forged}.",
        forged,
        signed("another secret", forged),
        f"{payload}.{signature[:-2]}A=",
        f"{payload}.{signature}.",
        "." * 50,
        "é",
        "x" * 5000,
        "[" * 3000,
    ):
        headers = {b"Cookie": f"dream_flow_{state}={value}".encode()}
        with stack.client(stack.url("sign-up")) as other:
            for method, path in (("GET", "/callback"), ("POST", "/oauth/complete")):
                sent = {**headers, b"Authorization": f"Bearer {token}".encode()}
                answer = other.request(method, path, params={"state": state}, headers=sent)
                assert (answer.status_code, answer.json()["code"]) == (400, "invalid_state"), (value[:60], answer.text)


def test_a_cookie_of_one_flow_is_refused_by_another(stack: Stack, visitor: httpx.Client, tenant: Tenant) -> None:
    first, second = begin(visitor, tenant), begin(visitor, with_origin(stack, make_tenant(stack)))
    value = cookie_of(visitor, first)
    with stack.client(stack.url("sign-up")) as other:
        headers = {"Cookie": f"dream_flow_{second}={value}"}
        assert other.get("/callback", params={"state": second}, headers=headers).status_code == 400


def test_a_flow_lasts_ten_minutes(stack: InProcessStack, visitor: httpx.Client, tenant: Tenant) -> None:
    state = begin(visitor, tenant)
    stack.clock.offset_seconds = 590
    assert visitor.get("/callback", params={"state": state}).status_code == 200
    stack.clock.offset_seconds = 601
    assert visitor.get("/callback", params={"state": state}).json()["code"] == "invalid_state"


def test_an_origin_that_was_removed_gets_no_token(stack: Stack, visitor: httpx.Client, clerk: ClerkControls) -> None:
    tenant = with_origin(stack, make_tenant(stack))
    state = begin(visitor, tenant)
    stack.d1("DELETE FROM redirect_origins WHERE publishableKey = ?1", tenant.publishable_key)
    token = clerk.token("endUsersTest", clerk.make_user("endUsersTest"))
    assert visitor.get("/callback", params={"state": state}).json()["code"] == "redirect_not_allowed"
    assert complete(visitor, token, state=state).json()["code"] == "redirect_not_allowed"
