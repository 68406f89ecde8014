"""A developer's story, told once from end to end: a real browser at the local Clerk and Stripe, the workers in workerd.

Sign up, pay, connect, create, edit, rotate, promote; then cancel, the grace time, 402, and pay again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect

from devstack.stack.ports import Ports
from devstack.stack.stack import Stack
from dream.domain import keys
from dream.domain.keys import Mode
from tests.support.browsers import chromium
from tests.support.stripe_accounts import StripeControls
from tests.support.waiting import eventually

DAY_SECONDS = 24 * 3600
DASHBOARD = """<!doctype html><title>Dashboard</title><h1>Dashboard</h1>
<script crossorigin="anonymous" src="{issuer}/npm/@clerk/clerk-js@6/dist/clerk.browser.js"
  data-clerk-publishable-key="{key}" data-clerk-proxy-url="{issuer}"></script>"""
CALL = """async ({method, url, body}) => {
  const token = await Clerk.session.getToken({skipCache: true});
  const headers = {Authorization: `Bearer ${token}`};
  if (body !== null) headers["Content-Type"] = "application/json";
  const answer = await fetch(url, {method, headers, body: body === null ? undefined : JSON.stringify(body)});
  return {status: answer.status, json: await answer.json(), requestId: answer.headers.get("X-Request-Id")};
}"""
EMAIL, PASSWORD = "grace@developer.example", "analytical-engine-7"
SHOP = "Notes and mugs"
SAAS: Mapping[str, Any] = {
    "mode": "test",
    "projectName": "Notes",
    "projectType": "saas",
    "tiers": [
        {"name": "free", "displayName": "Free", "price": 0, "limit": 100},
        {"name": "pro", "displayName": "Pro", "price": 2900, "limit": 5000},
        {"name": "legacy", "displayName": "Legacy", "price": 500, "limit": 200},
    ],
}
STORE: Mapping[str, Any] = {
    "mode": "test",
    "projectName": "Mugs",
    "projectType": "store",
    "tiers": [{"name": "mug", "displayName": "Mug", "price": 1200, "inventory": 5}],
}


@dataclass
class Dashboard:
    """The developer at a browser: a bare dashboard that speaks to the workers from its own origin, with clerk-js's tokens."""

    stack: Stack
    page: Page

    def open(self, path: str = "/") -> None:
        self.page.goto(f"{self.stack.url('frontend')}{path}")
        self.loaded()

    def loaded(self) -> None:
        self.page.wait_for_url(f"{self.stack.url('frontend')}/**")
        self.page.evaluate("() => Clerk.load()")

    def sign_up(self) -> None:
        self.open()
        self.page.evaluate("url => Clerk.redirectToSignUp({redirectUrl: url})", f"{self.stack.url('frontend')}/")
        for field, text in (("first-name", "Grace"), ("last-name", "Hopper"), ("email-address", EMAIL)):
            self.page.fill(f"#{field}", text)
        self.page.fill("#password", PASSWORD)
        self.page.click("#submit")
        self.loaded()

    def sign_in(self) -> None:
        """Sessions do not outlive the months that the story skips."""
        self.open()
        if self.page.evaluate("() => Clerk.session === null"):
            self.page.evaluate("url => Clerk.redirectToSignIn({redirectUrl: url})", f"{self.stack.url('frontend')}/")
            self.page.fill("#email-address", EMAIL)
            self.page.fill("#password", PASSWORD)
            self.page.click("#submit")
            self.loaded()

    def call(self, method: str, path: str, body: Any = None, worker: str = "front-auth-api") -> tuple[int, Any]:
        asked = {"method": method, "url": f"{self.stack.url(worker)}{path}", "body": body}
        answer = self.page.evaluate(CALL, asked)
        assert answer["requestId"], "the browser may read the request id"
        return answer["status"], answer["json"]

    def ok(self, method: str, path: str, body: Any = None, worker: str = "front-auth-api") -> Any:
        status, answer = self.call(method, path, body, worker)
        assert status == 200, answer
        return answer

    def pay(self, url: str) -> None:
        """At Stripe's page, by card."""
        self.page.goto(url)
        expect(self.page.get_by_test_id("amount-due")).to_have_text("$15.00")
        if self.page.locator("#email").is_editable():
            self.page.fill("#email", EMAIL)
        for field, text in (("cardNumber", "4242424242424242"), ("cardExpiry", "12 / 40"), ("cardCvc", "123")):
            self.page.fill(f"#{field}", text)
        self.page.click("#submit")
        self.loaded()

    def connect(self, mode: Mode) -> str:
        """Consent at Stripe; the address that the browser comes back to."""
        self.page.goto(self.ok("POST", "/authorize", {"mode": mode}, "oauth-api")["url"])
        own = self.page.get_by_label(SHOP)
        if own.count():
            own.check()
        else:
            self.page.get_by_test_id("account-new").check()
            self.page.fill("#email", EMAIL)
            self.page.fill("#business_name", SHOP)
        self.page.click("#connect-allow")
        self.page.wait_for_url(f"{self.stack.url('frontend')}/**")
        address = self.page.url
        self.loaded()
        return address


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack of the story's own, for it moves the clock by months."""
    own = Stack(tmp_path_factory.mktemp("story"), Ports.free(), reload_on_save=False, frontend=False)
    own.start()
    yield own
    own.stop()


@pytest.fixture(scope="module")
def stripe(stack: Stack) -> Iterator[StripeControls]:
    controls = StripeControls(stack)
    yield controls
    controls.close()


@pytest.fixture(scope="module")
def dashboard_page(stack: Stack) -> Iterator[None]:
    """A page with clerk-js where the dashboard would be: at its own origin, which the workers and Clerk know."""
    configuration = stack.configuration
    html = DASHBOARD.format(
        issuer=configuration.clerk_issuer("developers"), key=configuration.clerk_publishable_key("developers", "test")
    ).encode()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(html)))
            self.end_headers()
            self.wfile.write(html)

        def log_message(self, format: str, *args: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", configuration.ports.frontend), Handler)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def dashboard(stack: Stack, dashboard_page: None) -> Iterator[Dashboard]:
    with chromium() as browser:
        yield Dashboard(stack, browser.new_page())


def metadata(stack: Stack, user_id: str) -> Mapping[str, Any]:
    headers = {"Authorization": f"Bearer {stack.state['clerkSecretKeys']['developers']}"}
    answer = httpx.get(f"{stack.url('clerk')}/v1/users/{user_id}", headers=headers)
    return answer.raise_for_status().json()["public_metadata"]


def count(stack: Stack, secret_key: str) -> int:
    """Status of a counted call of an end user."""
    headers = {"Authorization": f"Bearer {secret_key}", "X-User-Id": "user_of_an_app"}
    return httpx.post(f"{stack.url('api-multi')}/api/data", headers=headers, json={}, timeout=60).status_code


def travel(stripe: StripeControls, seconds: int) -> None:
    """Time passes, and all that it brings is delivered."""
    stripe.control("clock", {"advanceSeconds": seconds})
    stripe.drained()


def test_from_sign_up_to_live_and_through_a_cancellation_and_back(
    stack: Stack, stripe: StripeControls, dashboard: Dashboard
) -> None:
    # Sign up, and who am I.
    dashboard.sign_up()
    user_id = dashboard.page.evaluate("() => Clerk.user.id")
    platform_id = dashboard.ok("POST", "/generate-platform-id", {})["platformId"]
    assert dashboard.ok("GET", "/get-platform-id")["platformId"] == platform_id
    verified = dashboard.ok("POST", "/verify-auth", {})
    assert (verified["userId"], verified["plan"], verified["usage"]["limit"]) == (user_id, "free", 5)
    for path, body in (("/create-products", SAAS), ("/authorize", {"mode": "test"})):
        status, refused = dashboard.call("POST", path, body, "oauth-api")
        assert (status, refused["code"]) == (402, "payment_required")

    # Pay.
    dashboard.pay(dashboard.ok("POST", "/create-checkout", {})["checkoutUrl"])
    stripe.drained()
    state = dashboard.ok("GET", "/subscription")
    assert (state["plan"], state["status"], state["liveKeysActive"]) == ("paid", "active", True)
    eventually(lambda: metadata(stack, user_id).get("plan") == "paid")
    assert dashboard.ok("POST", "/verify-auth", {})["usage"]["limit"] == 500

    # Connect, and create.
    status, refused = dashboard.call("POST", "/create-products", SAAS, "oauth-api")
    assert (status, refused["code"]) == (409, "stripe_not_connected")
    assert "stripe=connected" in dashboard.connect("test")
    saas = dashboard.ok("POST", "/create-products", SAAS, "oauth-api")
    store = dashboard.ok("POST", "/create-products", STORE, "oauth-api")
    assert keys.mode_of(saas["secretKey"]) == keys.mode_of(store["secretKey"]) == "test"
    assert count(stack, saas["secretKey"]) == 200

    # Edit, add and delete tiers; the keys stay.
    pk = saas["publishableKey"]
    changed = {"publishableKey": pk, "tierName": "pro", "updates": {"price": 3900, "limit": 9000}}
    dashboard.ok("PUT", "/tiers", changed, "oauth-api")
    added = {"name": "max", "displayName": "Max", "price": 9900, "limit": "unlimited"}
    dashboard.ok("POST", "/tiers/add", {"publishableKey": pk, "tier": added}, "oauth-api")
    dashboard.ok("DELETE", "/tiers", {"publishableKey": pk, "tierName": "legacy"}, "oauth-api")
    listed = dashboard.ok("GET", f"/tiers?publishableKey={pk}", worker="oauth-api")["tiers"]
    assert {(tier["name"], tier["price"], tier["limit"]) for tier in listed} == {
        ("free", 0, 100),
        ("pro", 3900, 9000),
        ("max", 9900, "unlimited"),
    }
    assert count(stack, saas["secretKey"]) == 200

    # Rotate the key.
    rotated = dashboard.ok("POST", "/projects/rotate-key", {"publishableKey": pk})
    assert count(stack, saas["secretKey"]) == 401
    assert count(stack, rotated["secretKey"]) == 200

    # Promote to live.
    status, refused = dashboard.call("POST", "/promote-to-live", {"publishableKey": pk}, "oauth-api")
    assert (status, refused["code"]) == (428, "live_connection_required")
    assert "stripe=connected" in dashboard.connect("live")
    planned = dashboard.ok("POST", "/promote-to-live", {"publishableKey": pk, "dryRun": True}, "oauth-api")
    assert "secretKey" not in planned
    live = dashboard.ok("POST", "/promote-to-live", {"publishableKey": pk}, "oauth-api")
    assert keys.mode_of(live["secretKey"]) == "live"
    assert count(stack, live["secretKey"]) == 200

    # See it all.
    dashboard.ok("PATCH", f"/projects/{pk}", {"name": "Notes 2", "redirectOrigins": ["https://notes.example.com"]})
    account = dashboard.ok("GET", "/projects")
    assert {"payment.succeeded", "subscription.active", "stripe.connected"} <= {
        entry["action"] for entry in account["audit"]
    }
    projects = {each["publishableKey"]: each for each in account["projects"]}
    assert set(projects) == {pk, store["publishableKey"], live["publishableKey"]}
    assert (projects[pk]["name"], projects[pk]["tiersCount"]) == ("Notes 2", 3)
    assert projects[pk]["redirectOrigins"] == ["https://notes.example.com"]
    assert projects[live["publishableKey"]]["testPublishableKey"] == pk
    assert projects[store["publishableKey"]]["projectType"] == "store"
    assert {"key.rotated", "project.renamed"} <= {entry["action"] for entry in projects[pk]["audit"]}
    for shown in projects.values():
        assert re.fullmatch(r"sk_(test|live)_?…\w{4}", shown["secretKeyMasked"]), shown["secretKeyMasked"]
    credentials = dashboard.ok("GET", f"/get-credentials?publishableKey={pk}")
    assert credentials["platformId"] == platform_id
    assert (credentials["testPublishableKey"], credentials["testSecretKey"]) == (pk, rotated["secretKey"])
    assert credentials["livePublishableKey"] == live["publishableKey"]
    assert credentials["liveSecretKey"] == live["secretKey"]
    assert {product["tier"] for product in credentials["testProducts"]} == {"free", "pro", "max"}
    assert {product["tier"] for product in credentials["liveProducts"]} == {"free", "pro", "max"}

    # Cancel in the portal: all goes on until the paid month is over.
    dashboard.page.goto(dashboard.ok("POST", "/billing-portal", {})["url"])
    dashboard.page.get_by_test_id("cancel-subscription").click()
    dashboard.page.get_by_test_id("confirm").click()
    stripe.drained()
    dashboard.open()
    state = dashboard.ok("GET", "/subscription")
    assert (state["plan"], state["cancelAtPeriodEnd"]) == ("paid", True)

    # The month is over: nothing new can be made, live keys work for a week.
    travel(stripe, 32 * DAY_SECONDS)
    dashboard.sign_in()
    state = dashboard.ok("GET", "/subscription")
    assert (state["plan"], state["status"], state["liveKeysActive"]) == ("free", "canceled", True)
    stack.run_scheduled("front-auth-api")
    assert metadata(stack, user_id)["plan"] == "free"
    for path, body in (
        ("/create-products", {**SAAS, "projectName": "Another"}),
        ("/authorize", {"mode": "test"}),
        ("/promote-to-live", {"publishableKey": pk}),
    ):
        status, refused = dashboard.call("POST", path, body, "oauth-api")
        assert (status, refused["code"]) == (402, "payment_required")
    assert count(stack, live["secretKey"]) == 200

    # The week is over: live keys pause, test keys do not.
    travel(stripe, 7 * DAY_SECONDS)
    assert count(stack, live["secretKey"]) == 402
    assert count(stack, rotated["secretKey"]) == 200
    dashboard.sign_in()
    assert dashboard.ok("GET", "/subscription")["liveKeysActive"] is False

    # Pay again, and everything is as it was.
    dashboard.pay(dashboard.ok("POST", "/create-checkout", {})["url"])
    stripe.drained()
    assert dashboard.ok("GET", "/subscription")["plan"] == "paid"
    eventually(lambda: count(stack, live["secretKey"]) == 200)
    eventually(lambda: metadata(stack, user_id).get("plan") == "paid")
    again = dashboard.ok("POST", "/create-products", {**SAAS, "projectName": "Another"}, "oauth-api")
    assert count(stack, again["secretKey"]) == 200


def test_a_renewal_that_fails_leaves_a_week_of_grace_and_comes_back_with_the_money(
    stack: Stack, stripe: StripeControls, dashboard: Dashboard
) -> None:
    """The story goes on: the card declines, the grace time runs out, the card pays again."""
    dashboard.sign_in()
    live = dashboard.ok("GET", "/get-credentials")["liveSecretKey"]
    (row,) = stack.d1("SELECT * FROM platforms WHERE email = ?1", EMAIL)
    behaviour = f"payment-methods/{row['subscriptionId']}/behaviour"
    stripe.control(behaviour, {"decline": "insufficient_funds"})
    travel(stripe, 31 * DAY_SECONDS + 7200)
    dashboard.sign_in()
    state = dashboard.ok("GET", "/subscription")
    assert (state["status"], state["plan"], state["liveKeysActive"]) == ("past_due", "paid", True)
    assert count(stack, live) == 200
    travel(stripe, 7 * DAY_SECONDS)
    dashboard.sign_in()
    state = dashboard.ok("GET", "/subscription")
    assert (state["plan"], state["liveKeysActive"]) == ("free", False)
    assert count(stack, live) == 402
    stripe.control(behaviour, {"decline": None})
    travel(stripe, 9 * DAY_SECONDS)
    dashboard.sign_in()
    state = dashboard.ok("GET", "/subscription")
    assert (state["status"], state["plan"], state["liveKeysActive"]) == ("active", "paid", True)
    eventually(lambda: count(stack, live) == 200)
