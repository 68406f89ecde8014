"""An end user's way through sign-up, as an app and its browser make the requests."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import httpx

from tests.support.stack import Stack
from tests.support.tenants import Tenant

REGISTERED = "https://app.example.com"
"""An origin that `with_origin` allows a project to redirect to."""
HOME = f"{REGISTERED}/home?tab=1"


def with_origin(stack: Stack, tenant: Tenant, origin: str = REGISTERED) -> Tenant:
    """Allows the project to redirect to the origin."""
    stack.d1("INSERT INTO redirect_origins (publishableKey, origin) VALUES (?1, ?2)", tenant.publishable_key, origin)
    return tenant


def link(tenant: Tenant, redirect: str = HOME) -> dict[str, str]:
    """The query of a link from an app to a hosted page."""
    return {"pk": tenant.publishable_key, "redirect": redirect}


def begin(visitor: httpx.Client, tenant: Tenant, redirect: str = HOME, page: str = "/signin") -> str:
    """Begins a flow as a browser does; returns its state."""
    answer = visitor.get(page, params=link(tenant, redirect))
    assert answer.status_code == 303, answer.text
    back = parse_qs(urlsplit(answer.headers["Location"]).query)["redirect_url"][0]
    return parse_qs(urlsplit(back).query)["state"][0]


def complete(
    visitor: httpx.Client, token: str, tenant: Tenant | None = None, state: str | None = None
) -> httpx.Response:
    """Completes the flow of `state`, or joins the tenant's project without a flow."""
    return visitor.send(completion_of(visitor, token, tenant, state))


def completion_of(
    visitor: httpx.Client, token: str, tenant: Tenant | None = None, state: str | None = None
) -> httpx.Request:
    """The request of such a call, for `stack.at_once`."""
    headers = {"Authorization": f"Bearer {token}"}
    if tenant is not None:
        headers["X-Publishable-Key"] = tenant.publishable_key
    params = {} if state is None else {"state": state}
    return visitor.build_request("POST", "/oauth/complete", params=params, headers=headers)


def cookie_of(visitor: httpx.Client, state: str) -> str:
    """The cookie of the flow, as the visitor keeps it."""
    value = visitor.cookies.get(f"dream_flow_{state}")
    assert value
    return value.strip('"')


def projects_of(stack: Stack, user_id: str) -> list[str]:
    """Publishable keys of the projects that the user belongs to."""
    return [
        r["publishableKey"] for r in stack.d1("SELECT publishableKey FROM end_users WHERE clerkUserId = ?1", user_id)
    ]
