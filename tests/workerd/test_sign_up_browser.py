"""sign-up in a real browser: from an app to Clerk's pages and back with a token that works, and what happens when it can't be."""

from __future__ import annotations

import itertools
import re
import time
from collections.abc import Iterator
from urllib.parse import urlencode

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from devstack.stack.stack import Stack
from tests.support.browsers import chromium, sign_in, sign_up
from tests.support.clerk_controls import ClerkControls
from tests.support.sample_app.server import sample_app
from tests.support.stored_subscriptions import store_subscription
from tests.support.tenants import Tenant, make_tenant

_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture(scope="module")
def clerk(stack: Stack) -> Iterator[ClerkControls]:
    controls = ClerkControls(stack)
    yield controls
    controls.close()


@pytest.fixture(scope="module")
def tenant(stack: Stack) -> Tenant:
    return make_tenant(stack)


@pytest.fixture(scope="module")
def app_url(stack: Stack, tenant: Tenant) -> Iterator[str]:
    with sample_app(stack, tenant.publishable_key) as url:
        yield url


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    fresh = browser.new_context()
    yield fresh
    fresh.close()


@pytest.fixture
def complaints() -> list[str]:
    """What the browser held against a page: policy violations and errors of scripts."""
    return []


@pytest.fixture
def page(context: BrowserContext, complaints: list[str]) -> Page:
    opened = context.new_page()
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.on(
        "console",
        lambda message: complaints.append(message.text) if "Content Security Policy" in message.text else None,
    )
    return opened


def new_email() -> str:
    return f"visitor{next(_numbers)}.{time.time_ns()}@example.com"


def arrived(page: Page, app_url: str) -> str:
    """Back in the app with a token that api-multi takes; whose it is."""
    page.wait_for_url(app_url)
    page.locator("body[data-ready=yes]").wait_for()
    return page.inner_text("#user")


def link(stack: Stack, tenant: Tenant, path: str, redirect: str) -> str:
    return f"{stack.url('sign-up')}{path}?{urlencode({'pk': tenant.publishable_key, 'redirect': redirect})}"


def test_sign_up_and_land_in_the_app_with_a_token_that_works(
    stack: Stack, tenant: Tenant, page: Page, app_url: str, complaints: list[str]
) -> None:
    addresses: list[str] = []
    page.on("request", lambda request: addresses.append(request.url))
    page.goto(app_url)
    page.click("#sign-up")
    sign_up(page, new_email())
    user_id = arrived(page, app_url)
    expect(page.locator("#plan")).to_have_text("free")
    page.click("#use")
    expect(page.locator("#result")).to_have_text("counted")
    rows = stack.d1("SELECT publishableKey, email, firstName FROM end_users WHERE clerkUserId = ?1", user_id)
    assert [(row["publishableKey"], row["firstName"]) for row in rows] == [(tenant.publishable_key, "Ada")]
    # No server has seen a session token in an address, and no page of ours broke its own policy.
    tokens = [url for url in addresses if re.search(r"eyJ[\w-]+\.[\w-]+\.", url.partition("#")[0])]
    assert tokens == []
    assert complaints == []


def test_whoever_is_signed_in_comes_straight_back(page: Page, app_url: str, context: BrowserContext) -> None:
    page.goto(app_url)
    page.click("#sign-up")
    sign_up(page, new_email())
    user_id = arrived(page, app_url)
    page.click("#sign-in")
    assert arrived(page, app_url) == user_id
    # The account page: a change of name, and back with a token.
    page.click("#account")
    page.fill("#first-name", "Augusta")
    page.click("#save")
    page.locator("#saved").wait_for()
    page.click("#back")
    assert arrived(page, app_url) == user_id


def test_whoever_signs_out_on_the_account_page_comes_back_without_a_token(page: Page, app_url: str) -> None:
    page.goto(app_url)
    page.click("#sign-up")
    email = new_email()
    sign_up(page, email)
    user_id = arrived(page, app_url)
    page.click("#account")
    page.click("#sign-out")
    page.wait_for_url(app_url)
    expect(page.locator("#user")).to_have_text("nobody")
    page.click("#sign-in")
    sign_in(page, email)
    assert arrived(page, app_url) == user_id


def test_two_tabs_for_two_projects_do_not_mix(
    stack: Stack, tenant: Tenant, context: BrowserContext, app_url: str
) -> None:
    other = make_tenant(stack)
    first, second = context.new_page(), context.new_page()
    first.goto(link(stack, tenant, "/signup", app_url))
    second.goto(link(stack, other, "/signup", app_url))
    sign_up(first, new_email())
    user_id = arrived(first, app_url)
    assert stack.d1("SELECT publishableKey FROM end_users WHERE clerkUserId = ?1", user_id) == [
        {"publishableKey": tenant.publishable_key}
    ]


def test_a_user_of_another_project_keeps_their_token_and_may_change_accounts(
    stack: Stack, tenant: Tenant, page: Page, app_url: str, complaints: list[str]
) -> None:
    page.goto(link(stack, make_tenant(stack), "/signup", app_url))
    sign_up(page, new_email())
    arrived_elsewhere = page.locator("#result")
    arrived_elsewhere.wait_for(state="attached")
    page.goto(link(stack, tenant, "/signin", app_url))
    expect(page.locator("#title")).to_have_text("Another app's account")
    assert page.url.startswith(f"{stack.url('sign-up')}/callback")
    page.goto(link(stack, tenant, "/refresh", app_url))
    expect(page.locator("#title")).to_have_text("Another app's account")
    page.click("#switch")
    page.click("#sign-up-link")
    sign_up(page, new_email())
    arrived(page, app_url)
    assert complaints == []


def test_refresh_goes_on_as_soon_as_the_plan_is_paid(stack: Stack, tenant: Tenant, page: Page, app_url: str) -> None:
    page.goto(app_url)
    page.click("#sign-up")
    sign_up(page, new_email())
    user_id = arrived(page, app_url)
    page.goto(link(stack, tenant, "/refresh", app_url))
    expect(page.locator("#title")).to_have_text("Confirming your plan")
    expect(page.locator("#progress")).to_be_visible()
    store_subscription(stack, tenant.publishable_key, user_id)
    assert arrived(page, app_url) == user_id
    expect(page.locator("#plan")).to_have_text("pro")
    expect(page.locator("#pending")).to_have_text("no")


def test_refresh_gives_up_in_time_and_says_so(stack: Stack, tenant: Tenant, page: Page, app_url: str) -> None:
    page.goto(app_url)
    page.click("#sign-up")
    sign_up(page, new_email())
    user_id = arrived(page, app_url)
    page.clock.install()
    page.goto(link(stack, tenant, "/refresh", app_url))
    expect(page.locator("#progress")).to_be_visible()
    for _ in range(60):
        page.clock.run_for(1_000)
        if page.locator("#continue").is_visible():
            break
    expect(page.locator("#title")).to_have_text("Almost there")
    page.click("#continue")
    assert arrived(page, app_url) == user_id
    expect(page.locator("#pending")).to_have_text("yes")


def test_refresh_without_a_session_signs_in_first(stack: Stack, tenant: Tenant, page: Page, app_url: str) -> None:
    page.goto(link(stack, tenant, "/refresh", app_url))
    page.locator("#sign-in-form").wait_for()
    page.click("#sign-up-link")
    sign_up(page, new_email())
    arrived(page, app_url)


def test_a_live_key_signs_up_at_the_live_instance(stack: Stack, browser: Browser, clerk: ClerkControls) -> None:
    live = make_tenant(stack, mode="live")
    stack.d1(
        "INSERT INTO redirect_origins (publishableKey, origin) VALUES (?1, ?2)",
        live.publishable_key,
        "https://live.example",
    )
    context = browser.new_context()
    page = context.new_page()
    page.route(
        "https://live.example/**", lambda route: route.fulfill(body="<h1>Live app</h1>", content_type="text/html")
    )
    page.goto(link(stack, live, "/signup", "https://live.example/in?from=ad"))
    assert page.url.startswith(f"{stack.configuration.clerk_issuer('endUsersLive')}/sign-up")
    sign_up(page, new_email())
    page.wait_for_url("https://live.example/in?from=ad#**")
    token = re.search(r"token=([^&]+)", page.url)
    assert token
    context.close()
    answers = [
        httpx.get(
            f"{stack.url('api-multi')}/api/usage",
            headers={"X-Publishable-Key": project.publishable_key, "X-Clerk-Token": token[1]},
            timeout=60,
        ).status_code
        for project in (live, make_tenant(stack))
    ]
    assert answers == [200, 401]


def test_without_javascript_a_page_says_what_to_do(
    stack: Stack, tenant: Tenant, browser: Browser, app_url: str
) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(link(stack, tenant, "/signup", app_url))
    sign_up(page, new_email())
    page.wait_for_url("**/callback?**")
    expect(page.locator(".note")).to_contain_text("This step needs JavaScript")
    expect(page.get_by_role("link", name="go back to the app")).to_have_attribute("href", app_url)
    context.close()


def test_a_page_whose_clerk_does_not_load_offers_another_try(
    stack: Stack, tenant: Tenant, page: Page, app_url: str, complaints: list[str]
) -> None:
    page.route("**/npm/**", lambda route: route.abort())
    page.goto(link(stack, tenant, "/signup", app_url))
    sign_up(page, new_email())
    expect(page.locator("#title")).to_have_text("That did not work")
    page.unroute("**/npm/**")
    page.click("#retry")
    arrived(page, app_url)
    assert complaints == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_is_readable_in_both_schemes(stack: Stack, browser: Browser, tenant: Tenant, scheme: str) -> None:
    """WCAG 2.2, 1.4.3: a contrast of 4.5 to 1."""
    context = browser.new_context(color_scheme="dark" if scheme == "dark" else "light")
    page = context.new_page()
    page.goto(link(stack, tenant, "/signup", "https://elsewhere.example"))
    shades = page.evaluate(
        """() => ["#title", "#message"].map((id) => [getComputedStyle(document.querySelector(id)).color,
            getComputedStyle(document.querySelector(".card")).backgroundColor])"""
    )
    context.close()
    for text, back in shades:
        lighter, darker = sorted((luminance(text), luminance(back)), reverse=True)
        assert (lighter + 0.05) / (darker + 0.05) >= 4.5


def luminance(color: str) -> float:
    """Relative luminance of a CSS `rgb(r, g, b)`."""
    parts = [int(part) / 255 for part in re.findall(r"\d+", color)[:3]]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
