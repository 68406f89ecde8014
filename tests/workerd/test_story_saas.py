"""An end user's story, told once in a real browser: sign up, use an app to its limit, upgrade, switch, cancel, undo, end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from devstack.stack.ports import Ports
from devstack.stack.stack import Stack
from tests.support.browsers import chromium
from tests.support.sample_app.server import sample_app
from tests.support.stripe_accounts import Saas, StripeControls, make_saas

EMAIL, PASSWORD = "ada@user.example", "difference-engine-3"
DAY_SECONDS = 24 * 3600


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack of the story's own, for it moves the clock."""
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
def saas(stack: Stack, stripe: StripeControls) -> Saas:
    return make_saas(stack, stripe)


@pytest.fixture(scope="module")
def app_url(stack: Stack, saas: Saas) -> Iterator[str]:
    """Where the sample app is."""
    with sample_app(stack, saas.tenant.publishable_key) as url:
        yield url


@dataclass
class Visitor:
    """The end user at their browser."""

    page: Page
    app_url: str

    def arrived(self) -> None:
        """Back in the app, with a token that counts."""
        self.page.wait_for_url(self.app_url)
        self.page.locator("body[data-ready=yes]").wait_for()

    def open(self) -> None:
        self.page.goto(self.app_url)
        self.arrived()

    def sees(self, plan: str, count: int, limit: int) -> None:
        for name, text in (("plan", plan), ("count", str(count)), ("limit", str(limit))):
            expect(self.page.locator(f"#{name}")).to_have_text(text)

    def use(self, times: int) -> None:
        for _ in range(times):
            self.page.click("#use")
            expect(self.page.locator("#result")).to_have_text("counted")

    def sign_up(self) -> None:
        self.page.goto(self.app_url)
        self.page.click("#sign-up")
        for field, text in (("first-name", "Ada"), ("last-name", "Lovelace"), ("email-address", EMAIL)):
            self.page.fill(f"#{field}", text)
        self.page.fill("#password", PASSWORD)
        self.page.click("#submit")
        self.arrived()

    def sign_in_again(self) -> None:
        """The session has ended with the weeks that passed: the app sends its user to sign in."""
        self.page.context.clear_cookies()
        self.page.goto(self.app_url)
        self.page.fill("#email-address", EMAIL)
        self.page.fill("#password", PASSWORD)
        self.page.click("#submit")
        self.arrived()

    def upgrade(self) -> None:
        self.page.click("#upgrade")
        for field, text in (("cardNumber", "4242424242424242"), ("cardExpiry", "12 / 40"), ("cardCvc", "123")):
            self.page.fill(f"#{field}", text)
        if self.page.locator("#email").is_editable():
            self.page.fill("#email", EMAIL)
        self.page.click("#submit")
        self.arrived()

    def manage(self, *clicks: str) -> None:
        """In the portal, press these one after the other, and come back to the app."""
        self.page.click("#manage")
        for each in clicks:
            self.page.get_by_test_id(each).click()
        self.page.get_by_test_id("return-link").click()
        self.arrived()


@pytest.fixture
def visitor(app_url: str) -> Iterator[Visitor]:
    with chromium() as browser:
        yield Visitor(browser.new_page(), app_url)


def test_from_sign_up_to_the_end_of_the_subscription(
    stack: Stack, stripe: StripeControls, saas: Saas, visitor: Visitor
) -> None:
    # Sign up, and use the free tier to its limit.
    visitor.sign_up()
    visitor.sees("free", 0, 3)
    visitor.use(3)
    visitor.page.click("#use")
    expect(visitor.page.locator("#result")).to_have_text("refused: tier_limit_reached; starter allows more")
    visitor.sees("free", 3, 3)

    # Upgrade: the limit has grown when the browser is back, without anybody waiting.
    visitor.upgrade()
    visitor.sees("starter", 0, 10)
    visitor.use(2)
    visitor.sees("starter", 2, 10)

    # Switch the plan in the portal: what was counted stays counted.
    visitor.manage("update-subscription", f"select-{saas.prices['pro']}", "confirm")
    stripe.drained()
    visitor.open()
    visitor.sees("pro", 2, 100)

    # Cancel, and think better of it.
    visitor.manage("cancel-subscription", "confirm")
    stripe.drained()
    assert subscription(stack)["cancelAt"] == subscription(stack)["currentPeriodEnd"]
    visitor.open()
    visitor.sees("pro", 2, 100)
    visitor.manage("renew-subscription", "confirm")
    stripe.drained()
    assert subscription(stack)["cancelAt"] is None

    # Cancel for good: the plan lasts as long as it was paid for.
    visitor.manage("cancel-subscription", "confirm")
    stripe.control("clock", {"advanceSeconds": 32 * DAY_SECONDS})
    stripe.drained()
    assert subscription(stack)["status"] == "canceled"
    visitor.sign_in_again()
    visitor.sees("free", 0, 3)

    # What was paid is what is shown: the first month, and the difference of the switch is never paid.
    paid = stack.d1("SELECT amountPaid FROM payments WHERE publishableKey = ?1", saas.tenant.publishable_key)
    assert [each["amountPaid"] for each in paid] == [900]


def subscription(stack: Stack) -> dict[str, Any]:
    return stack.d1("SELECT * FROM subscriptions")[0]
