"""A person can use the checkout, portal and consent pages in a real browser without JavaScript."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.support.browsers import chromium


@pytest.fixture
def page() -> Iterator[Page]:
    with chromium() as browser:
        yield browser.new_context(java_script_enabled=False).new_page()


def fill_card(page: Page, number: str) -> None:
    page.fill("#cardNumber", number)
    page.fill("#cardExpiry", "12 / 34")
    page.fill("#cardCvc", "123")


def test_a_person_subscribes_switches_cancels_and_changes_their_mind(
    service: Any, client: Any, receiver: Any, page: Page
) -> None:
    prices = [
        client.v1.prices.create(
            {
                "product_data": {"name": name},
                "currency": "usd",
                "unit_amount": amount,
                "recurring": {"interval": "month"},
            }
        )
        for name, amount in (("Hobby", 900), ("Pro", 2900))
    ]
    session = client.v1.checkout.sessions.create(
        {
            "mode": "subscription",
            "line_items": [{"price": prices[0].id, "quantity": 1}],
            "success_url": f"{service.url}/_devstack/?session={{CHECKOUT_SESSION_ID}}",
            "cancel_url": f"{service.url}/_devstack/deliveries",
        }
    )
    page.goto(str(session.url))
    expect(page.get_by_test_id("local-banner")).to_contain_text("Local stand-in")
    expect(page.get_by_test_id("amount-due")).to_have_text("$9.00")
    page.get_by_test_id("cancel").click()
    page.wait_for_url("**/_devstack/deliveries")
    page.goto(str(session.url))
    page.click("#submit")
    expect(page.get_by_test_id("error")).to_have_text("Your email is incomplete.")
    page.fill("#email", "grace@example.com")
    fill_card(page, "4000 0000 0000 0002")
    page.click("#submit")
    expect(page.get_by_test_id("error")).to_have_text("Your card was declined.")
    fill_card(page, "4242 4242 4242 4242")
    page.click("#submit")
    page.wait_for_url(f"**/_devstack/?session={session.id}")
    assert "checkout.session.completed" in receiver.types("/platform"), "the redirect waits for the webhook"
    page.goto(str(session.url))
    expect(page.get_by_test_id("message-page")).to_have_attribute("data-status", "complete")

    done = client.v1.checkout.sessions.retrieve(session.id)
    assert done.customer_details.email == "grace@example.com"
    configuration = client.v1.billing_portal.configurations.create(
        {
            "features": {
                "subscription_cancel": {"enabled": True},
                "subscription_update": {
                    "enabled": True,
                    "default_allowed_updates": ["price"],
                    "products": [{"product": str(price.product), "prices": [price.id]} for price in prices],
                },
            }
        }
    )
    portal = client.v1.billing_portal.sessions.create(
        {"customer": str(done.customer), "configuration": configuration.id}
    )
    page.goto(portal.url)
    page.get_by_test_id("update-subscription").click()
    page.get_by_test_id(f"select-{prices[1].id}").click()
    page.get_by_test_id("confirm").click()
    expect(page.get_by_test_id("plan")).to_have_text("Pro")
    page.get_by_test_id("cancel-subscription").click()
    page.get_by_test_id("confirm").click()
    expect(page.get_by_test_id("subscription-note")).to_contain_text("Your subscription ends on")
    page.get_by_test_id("renew-subscription").click()
    page.get_by_test_id("confirm").click()
    expect(page.get_by_test_id("subscription-note")).to_contain_text("Renews on")
    after = client.v1.subscriptions.retrieve(str(done.subscription))
    assert after.status == "active" and after.cancel_at is None and after["items"].data[0].price.id == prices[1].id


def test_a_person_buys_a_cart_from_a_bank_account(service: Any, client: Any, page: Page) -> None:
    price = client.v1.prices.create({"product_data": {"name": "Mug"}, "currency": "usd", "unit_amount": 1800})
    session = client.v1.checkout.sessions.create(
        {
            "mode": "payment",
            "line_items": [{"price": price.id, "quantity": 2}],
            "success_url": f"{service.url}/_devstack/?bought=1",
            "customer_email": "ada@example.com",
        }
    )
    page.goto(str(session.url))
    expect(page.locator("#email")).to_have_value("ada@example.com")
    page.get_by_test_id("method-bank").click()
    page.click("#submit")
    page.wait_for_url("**/_devstack/?bought=1")
    assert client.v1.checkout.sessions.retrieve(session.id).payment_status == "unpaid"


def test_a_person_consents_to_connect_or_does_not(service: Any, page: Page) -> None:
    landing = f"{service.url}/_devstack/deliveries"
    service.stop()
    service.config["redirectUris"] = [landing]
    service.start()
    url = service.client().oauth.authorize_url({
        "scope": "read_write", "redirect_uri": landing, "state": "s", "response_type": "code",
        "stripe_user": {"email": "shop@example.com"},
    })  # fmt: skip
    page.goto(url)
    expect(page.get_by_test_id("platform")).to_have_text("dream-api")
    expect(page.get_by_test_id("mode")).to_have_text("test")
    expect(page.locator("#email")).to_have_value("shop@example.com")
    page.click("#connect-deny")
    page.wait_for_url("**error=access_denied**")
    page.goto(url)
    page.click("#connect-allow")
    page.wait_for_url("**code=ac_**")
