"""`/signup`, `/signin` and `/account`: links lead to Clerk's pages, and back to the project's own origins only."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from tests.support.in_process.stack import InProcessStack
from tests.support.sign_up_flows import (
    HOME,
    REGISTERED,
    begin,
    cookie_of,
    link,
    with_origin,
)
from tests.support.stack import Stack
from tests.support.tenants import Tenant, make_tenant

HTML = {"Accept": "text/html,application/xhtml+xml"}


@pytest.mark.parametrize(("path", "page"), [("/signup", "sign-up"), ("/signin", "sign-in"), ("/account", "user")])
def test_a_link_leads_to_the_page_of_the_instance_of_its_key(
    stack: Stack, visitor: httpx.Client, tenant: Tenant, live: Tenant, path: str, page: str
) -> None:
    for project, instance in ((tenant, "endUsersTest"), (live, "endUsersLive")):
        answer = visitor.get(path, params=link(project))
        assert answer.status_code == 303
        assert answer.headers["Location"].startswith(
            f"{stack.configuration.clerk_issuer(instance)}/{page}?redirect_url="
        )
        cookie = answer.headers["Set-Cookie"]
        assert "HttpOnly" in cookie and "SameSite=Lax" in cookie and "Path=/" in cookie and "Max-Age=600" in cookie
        assert (answer.headers["Cache-Control"], answer.headers["Referrer-Policy"]) == ("no-store", "no-referrer")


def test_an_account_page_without_a_redirect_starts_no_flow(visitor: httpx.Client, tenant: Tenant) -> None:
    answer = visitor.get("/account", params={"pk": tenant.publishable_key})
    assert (answer.status_code, "Set-Cookie" in answer.headers) == (303, False)
    assert "redirect_url" not in answer.headers["Location"]


ATTACKS = [
    "javascript:alert(document.domain)//https://app.example.com",
    "data:text/html,<script>alert(1)</script>",
    "//evil.example",
    "/\\evil.example",
    "https:evil.example",
    "https://evil.example",
    "https://evil.example/https://app.example.com",
    "https://app.example.com@evil.example",
    "https://app.example.com:443@evil.example",
    "https://app.example.com\\@evil.example",
    "https://app.example.com%2f@evil.example",
    "https://app.example.com%2eevil.example",
    "https://app.example.com.evil.example",
    "https://evilapp.example.com",
    "https://sub.app.example.com",
    "https://app.example.co",
    "https://app.example.comevil.example",
    "https://app.example.com:8443",
    "http://app.example.com",
    "https://app。example。com",
    "https://xn--pp-example-com.example",
    "https://аpp.example.com",
    "https://app.example.com\r\nSet-Cookie: owned=1",
    "https://app.example.com/\r\nLocation: https://evil.example",
    "https://app.example.com\x00.evil.example",
    "\thttps://app.example.com",
    "https://app.example.com/#token=stolen",
    "http://localhost.evil.example",
    "http://localhost@evil.example",
    "http://127.0.0.1.evil.example",
    "http://[::1]:3000/",
    "https://localhost:3000/",
    "",
    '"><script>alert(1)</script>',
    "https://app.example.com/" + "a" * 3000,
]


@pytest.mark.parametrize("redirect", ATTACKS)
@pytest.mark.parametrize("path", ["/signup", "/refresh"])
def test_a_redirect_to_an_origin_that_is_not_registered_is_refused(
    visitor: httpx.Client, tenant: Tenant, path: str, redirect: str
) -> None:
    asked = visitor.get(path, params=link(tenant, redirect))
    assert (asked.status_code, "Location" in asked.headers, "Set-Cookie" in asked.headers) == (400, False, False)
    assert asked.json()["code"] in ("invalid_fields", "redirect_not_allowed")
    browsed = visitor.get(path, params=link(tenant, redirect), headers=HTML)
    assert browsed.status_code == 400
    assert browsed.headers["Content-Type"].startswith("text/html")
    assert "<script" not in browsed.text
    assert "evil" not in browsed.text


@pytest.mark.parametrize(
    "encoded",
    ["https%253A%252F%252Fevil.example", "%00https://evil.example", "https://evil.example%23@app.example.com"],
)
def test_a_redirect_that_is_encoded_twice_or_oddly_is_refused(
    visitor: httpx.Client, tenant: Tenant, encoded: str
) -> None:
    answer = visitor.get(f"/signup?pk={tenant.publishable_key}&redirect={encoded}")
    assert (answer.status_code, "Location" in answer.headers) == (400, False)


def test_of_two_redirects_the_checked_one_is_used(visitor: httpx.Client, tenant: Tenant) -> None:
    url = f"/signin?pk={tenant.publishable_key}&redirect={REGISTERED}&redirect=https://evil.example"
    state = parse_qs(urlsplit(parse_qs(urlsplit(visitor.get(url).headers["Location"]).query)["redirect_url"][0]).query)[
        "state"
    ]
    page = visitor.get("/callback", params={"state": state[0]})
    assert f'data-redirect="{REGISTERED}/"' in page.text
    assert "evil" not in page.text


def test_the_longest_redirect_fits_into_the_cookie(visitor: httpx.Client, tenant: Tenant) -> None:
    longest = f"{REGISTERED}/".ljust(2048, "a")
    state = begin(visitor, tenant, longest)
    assert len(cookie_of(visitor, state)) < 4096 - 200
    assert f'data-redirect="{longest}"' in visitor.get("/callback", params={"state": state}).text
    assert visitor.get("/signin", params=link(tenant, longest + "a")).status_code == 400


def test_localhost_is_allowed_for_test_keys_only(visitor: httpx.Client, tenant: Tenant, live: Tenant) -> None:
    for redirect in ("http://localhost:4321/app", "http://127.0.0.1:4321/app"):
        assert visitor.get("/signup", params=link(tenant, redirect)).status_code == 303
        refused = visitor.get("/signup", params=link(live, redirect))
        assert (refused.status_code, refused.json()["code"]) == (400, "redirect_not_allowed")


def test_an_origin_of_another_project_is_refused(stack: Stack, visitor: httpx.Client, tenant: Tenant) -> None:
    with_origin(stack, make_tenant(stack), "https://other.example.com")
    assert (
        visitor.get("/signin", params=link(tenant, "https://other.example.com/")).json()["code"]
        == "redirect_not_allowed"
    )


def test_a_key_that_names_no_project_is_refused(stack: Stack, visitor: httpx.Client, tenant: Tenant) -> None:
    unpaid = make_tenant(stack, mode="live", live_keys_until="2026-01-01T00:00:00.000Z")
    for key in ("", "pk_test_x", tenant.secret_key, tenant.publishable_key.replace("test", "live"), "<b>pk</b>"):
        for path in ("/signup", "/signin", "/account", "/refresh"):
            answer = visitor.get(path, params={"pk": key, "redirect": HOME}, headers=HTML)
            assert answer.status_code == 400, answer.text
            assert "<b>" not in answer.text
            assert tenant.secret_key not in answer.text
    assert visitor.get("/signup", params=link(unpaid)).status_code == 402


@pytest.mark.parametrize(
    ("issuer", "portal", "page"),
    [
        ("https://clever-cat-7.clerk.accounts.dev", "", "https://clever-cat-7.accounts.dev/sign-in"),
        ("https://clerk.shop.example", "", "https://accounts.shop.example/sign-in"),
        ("https://clerk.shop.example", "https://login.shop.example/", "https://login.shop.example/sign-in"),
    ],
)
def test_the_hosted_page_is_where_clerk_derives_it_from_the_issuer_unless_it_is_configured(
    stack: InProcessStack, visitor: httpx.Client, tenant: Tenant, issuer: str, portal: str, page: str
) -> None:
    """Source: https://clerk.com/docs/guides/customizing-clerk/account-portal"""
    stack.deploy(CLERK_END_USERS_TEST_ISSUER=issuer, CLERK_END_USERS_TEST_ACCOUNT_PORTAL=portal)
    answer = visitor.get("/signin", params=link(tenant))
    assert answer.headers["Location"].partition("?")[0] == page


def test_a_link_says_that_it_is_unavailable_if_no_hosted_page_is_known(
    stack: InProcessStack, visitor: httpx.Client, tenant: Tenant
) -> None:
    stack.deploy(CLERK_END_USERS_TEST_ISSUER="https://id.shop.example", CLERK_END_USERS_TEST_ACCOUNT_PORTAL="")
    answer = visitor.get("/signin", params=link(tenant))
    assert (answer.status_code, answer.json()["code"], "Set-Cookie" in answer.headers) == (503, "misconfigured", False)
