"""Tests the built dashboard in a real browser: a developer's first fifteen minutes, and every page on a phone."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect

from devstack.stack.stack import FRONTEND, NODE, Stack
from tests.support.browsers import chromium, sign_up
from tests.support.waiting import eventually

VITE = FRONTEND / "node_modules" / "vite" / "bin" / "vite.js"
PHONE_WIDTH = 380
SECRET = re.compile(r"sk_test_\w{20,}")
# Clerk logs this warning on every test instance.
EXPECTED_WARNING = "development keys"


@pytest.fixture(scope="module")
def site(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL of the built dashboard, served at the address that the workers and Clerk are configured with."""
    folder = tmp_path_factory.mktemp("dashboard")
    environment = {**os.environ, **stack.frontend_variables()}
    build = [NODE, VITE, "build", "--outDir", folder, "--logLevel", "error"]
    subprocess.run(build, cwd=FRONTEND, env=environment, check=True, timeout=120)
    port = str(stack.configuration.ports.frontend)
    serve = [NODE, VITE, "preview", "--outDir", folder, "--host", "127.0.0.1", "--port", port, "--strictPort"]
    log = (folder / "preview.log").open("w")
    server = subprocess.Popen(serve, cwd=FRONTEND, env=environment, stdout=log, stderr=subprocess.STDOUT)
    url = stack.url("frontend")
    eventually(lambda: _answers(url))
    yield url
    server.terminate()
    server.wait(timeout=10)
    log.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture
def complaints() -> list[str]:
    """Errors and warnings that the dashboard wrote to the browser console."""
    return []


@pytest.fixture
def page(browser: Browser, site: str, complaints: list[str]) -> Iterator[Page]:
    context: BrowserContext = browser.new_context()
    context.grant_permissions(["clipboard-read", "clipboard-write"], origin=site)
    opened = context.new_page()
    opened.set_default_timeout(15_000)

    def hear(message: ConsoleMessage) -> None:
        at_home = opened.url.startswith(site)
        if at_home and message.type in ("error", "warning") and EXPECTED_WARNING not in message.text:
            complaints.append(f"{message.type}: {message.text}")

    opened.on("console", hear)
    opened.on("pageerror", lambda error: complaints.append(f"uncaught: {error}"))
    yield opened
    context.close()


def test_a_developer_goes_from_sign_up_to_a_working_project(
    stack: Stack, site: str, page: Page, complaints: list[str]
) -> None:
    page.goto(site)
    page.get_by_test_id("sign-up").click()
    sign_up(page, "dashboard@developer.example")

    # Pay at Stripe. The dashboard shows the paid plan after the return.
    page.get_by_test_id("subscribe").click()
    for field, text in (("cardNumber", "4242424242424242"), ("cardExpiry", "12 / 40"), ("cardCvc", "123")):
        page.fill(f"#{field}", text)
    page.click("#submit")
    page.get_by_test_id("connect-test").click()

    # Allow the connection at Stripe.
    page.get_by_test_id("account-new").check()
    page.fill("#email", "dashboard@developer.example")
    page.fill("#business_name", "Weather and sons")
    page.click("#connect-allow")
    expect(page.get_by_text("Your Stripe account is connected in test mode.")).to_be_visible()

    # Create a project from the presets. A missing name gets a message.
    page.get_by_test_id("new-project").click()
    page.get_by_test_id("create-project").click()
    expect(page.get_by_text("Enter a project name.")).to_be_visible()
    page.get_by_label("Project name").fill("Weather API")
    page.get_by_test_id("create-project").click()
    secret_key = page.get_by_test_id("secret-key").inner_text()
    assert SECRET.fullmatch(secret_key)
    page.get_by_label("Copy the secret key").click()
    assert page.evaluate("() => navigator.clipboard.readText()") == secret_key
    assert _counts(stack, secret_key)
    page.get_by_test_id("open-project").click()
    expect(page.get_by_role("heading", name="Weather API")).to_be_visible()
    expect(page.get_by_role("figure").first).to_contain_text("1 call")

    # A customer who made a call is listed. A search without a match says so.
    _open(page, "Customers")
    expect(page.get_by_role("row")).to_have_count(2)
    page.get_by_label("Search customers").fill("nobody@example.com")
    expect(page.get_by_text("No customers found")).to_be_visible()

    # Add, change and delete a tier.
    _open(page, "Tiers")
    page.get_by_test_id("add-tier").click()
    page.get_by_label("Name").fill("Team Plus")
    page.get_by_label("Price a month").fill("99.50")
    page.get_by_test_id("save-tier").click()
    tiers = page.get_by_test_id("tiers")
    expect(tiers).to_contain_text("$99.50")
    expect(tiers).to_contain_text("unlimited calls a month")
    page.get_by_label("Edit Team Plus").click()
    page.get_by_label("Calls a month").fill("5000")
    page.get_by_test_id("save-tier").click()
    expect(tiers).to_contain_text("5,000 calls a month")
    page.get_by_label("Delete Team Plus").click()
    page.get_by_test_id("confirm-delete-tier").click()
    expect(tiers).not_to_contain_text("Team Plus")

    # Rotate the key: the new key works, and the old key works for its grace time.
    _open(page, "Keys")
    page.get_by_test_id("reveal-key").click()
    expect(page.get_by_test_id("secret-key")).to_have_text(secret_key)
    page.get_by_test_id("rotate-key").click()
    page.get_by_label("In one hour").check()
    page.get_by_test_id("confirm-rotate").click()
    rotated = page.get_by_role("dialog").get_by_test_id("secret-key").inner_text()
    assert rotated != secret_key
    page.get_by_test_id("rotated").click()
    expect(page.get_by_test_id("keys").get_by_role("listitem")).to_have_count(2)
    assert _counts(stack, rotated)
    assert _counts(stack, secret_key)

    # Promotion asks for the live connection first, then shows the changes.
    _open(page, "Settings")
    page.get_by_test_id("preview-promotion").click()
    page.get_by_role("button", name="Connect now").click()
    page.get_by_label("Weather and sons").check()
    page.click("#connect-allow")
    expect(page.get_by_text("Your Stripe account is connected in live mode.")).to_be_visible()
    page.get_by_role("link", name="Weather API").click()
    _open(page, "Settings")
    page.get_by_test_id("preview-promotion").click()
    expect(page.get_by_role("dialog").get_by_role("listitem")).to_have_count(2)
    page.get_by_test_id("promote").click()
    live_key = page.get_by_role("dialog").get_by_test_id("secret-key").inner_text()
    assert live_key.startswith("sk_live_")
    assert _counts(stack, live_key)

    # Delete the test project by typing its name. The live project stays.
    page.get_by_role("button", name="Stay here").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.get_by_label("Type “Weather API” to confirm").fill("Weather API")
    page.get_by_test_id("delete-project").click()
    expect(page.get_by_test_id("projects").get_by_role("link")).to_have_count(1)
    expect(page.get_by_test_id("projects")).to_contain_text("live")
    assert not _counts(stack, rotated)
    assert _counts(stack, live_key)
    page.get_by_role("link", name="Billing and Stripe").click()
    expect(page.get_by_text("stripe connected")).to_have_count(2)
    assert [each for each in complaints if "428" not in each] == []


def test_no_page_is_wider_than_a_phone(stack: Stack, site: str, page: Page, complaints: list[str]) -> None:
    demo = stack.state["demo"]
    page.set_viewport_size({"width": PHONE_WIDTH, "height": 800})
    page.goto(site)
    _fits(page)
    page.get_by_test_id("sign-in").click()
    page.fill("#email-address", demo["developer"]["email"])
    page.fill("#password", demo["developer"]["password"])
    page.click("#submit")
    expect(page.get_by_test_id("projects").get_by_role("link")).to_have_count(2)
    _fits(page)
    saas, store = (f"/projects/{demo[each]['publishableKey']}" for each in ("saas", "store"))
    sections = [f"{saas}{each}" for each in ("", "/customers", "/tiers", "/keys", "/settings")]
    for path in ("/projects/new", "/account", *sections, store, f"{store}/orders", f"{store}/tiers"):
        page.goto(f"{site}{path}")
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        expect(page.locator(".skeleton")).to_have_count(0)
        _fits(page)
    assert complaints == []


def _open(page: Page, section: str) -> None:
    page.get_by_role("navigation", name="Project sections").get_by_role("link", name=section).click()


def _fits(page: Page) -> None:
    assert page.evaluate("() => document.documentElement.scrollWidth") <= PHONE_WIDTH, page.url


def _counts(stack: Stack, secret_key: str) -> bool:
    headers = {"Authorization": f"Bearer {secret_key}", "X-User-Id": "user_of_weather"}
    return httpx.post(f"{stack.url('api-multi')}/api/data", headers=headers, timeout=60).status_code == 200


def _answers(url: str) -> bool:
    try:
        return httpx.get(url).status_code == 200
    except httpx.TransportError:
        return False
