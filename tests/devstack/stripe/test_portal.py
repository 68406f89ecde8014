"""The billing portal: its configurations, sessions and flows, and the changes that its pages make."""

from typing import Any

import pytest
import stripe

RETURN = "https://app.example/account"


@pytest.fixture
def plans(client: Any) -> list[Any]:
    made: list[Any] = []
    for name, amount in (("Basic", 1000), ("Pro", 3000)):
        product = client.v1.products.create({"name": name})
        params: Any = {
            "product": product.id,
            "currency": "usd",
            "unit_amount": amount,
            "recurring": {"interval": "month"},
        }
        made.append(client.v1.prices.create(params))
    return made


@pytest.fixture
def subscription(service: Any, client: Any, plans: list[Any]) -> Any:
    session = client.v1.checkout.sessions.create(
        {
            "mode": "subscription",
            "line_items": [{"price": plans[0].id, "quantity": 1}],
            "success_url": "https://a.b/",
        }
    )
    return client.v1.subscriptions.retrieve(service.control(f"checkout/{session.id}/pay")["subscription"])


@pytest.fixture
def configuration(client: Any, plans: list[Any]) -> Any:
    products: Any = [{"product": price.product, "prices": [price.id]} for price in plans]
    return client.v1.billing_portal.configurations.create(
        {
            "features": {
                "subscription_cancel": {"enabled": True},
                "payment_method_update": {"enabled": True},
                "subscription_update": {
                    "enabled": True,
                    "default_allowed_updates": ["price"],
                    "proration_behavior": "none",
                    "products": products,
                },
            }
        }
    )


def open_portal(client: Any, subscription: Any, configuration: Any, **flow: Any) -> Any:
    params: Any = {"customer": subscription.customer, "configuration": configuration.id, "return_url": RETURN}
    if flow:
        params["flow_data"] = flow
    return client.v1.billing_portal.sessions.create(params)


def test_without_a_default_configuration_the_portal_cannot_be_opened(
    service: Any, client: Any, subscription: Any, configuration: Any
) -> None:
    assert configuration.is_default is False
    with pytest.raises(stripe.InvalidRequestError, match="default configuration has not been created"):
        client.v1.billing_portal.sessions.create({"customer": subscription.customer})
    made = service.control("portal/default")
    assert made["is_default"] is True
    session = client.v1.billing_portal.sessions.create({"customer": subscription.customer})
    assert session.configuration == made["id"] and session.livemode is False


def test_canceling_in_the_portal_sets_a_moment_and_not_the_flag(
    service: Any, client: Any, subscription: Any, configuration: Any
) -> None:
    session = open_portal(client, subscription, configuration)
    home = session.url.removeprefix(service.url)
    assert "Renews on" in service.http.get(home).text
    done = service.http.post(f"{home}/subscriptions/{subscription.id}/cancel")
    assert done.status_code == 303
    after = client.v1.subscriptions.retrieve(subscription.id)
    assert after.cancel_at_period_end is False and after.cancel_at == after["items"].data[0].current_period_end
    assert "Your subscription ends on" in service.http.get(home).text
    service.http.post(f"{home}/subscriptions/{subscription.id}/renew")
    assert client.v1.subscriptions.retrieve(subscription.id).cancel_at is None
    service.http.post(f"{home}/subscriptions/{subscription.id}/cancel")
    assert client.v1.subscriptions.update(subscription.id, {"cancel_at": ""}).cancel_at is None


def test_a_flow_confirms_one_switch_and_goes_back(
    service: Any, client: Any, subscription: Any, configuration: Any, plans: list[Any]
) -> None:
    item = subscription["items"].data[0]
    session = open_portal(
        client,
        subscription,
        configuration,
        type="subscription_update_confirm",
        subscription_update_confirm={
            "subscription": subscription.id,
            "items": [{"id": item.id, "price": plans[1].id, "quantity": 1}],
        },
        after_completion={"type": "redirect", "redirect": {"return_url": RETURN}},
    )
    start = service.http.get(session.url)
    assert start.status_code == 303
    page = service.http.get(start.headers["location"])
    assert "New: Pro" in page.text
    done = service.http.post(start.headers["location"])
    assert done.headers["location"] == RETURN
    assert client.v1.subscriptions.retrieve(subscription.id)["items"].data[0].price.id == plans[1].id


def test_flows_are_refused_as_stripe_refuses_them(client: Any, subscription: Any, plans: list[Any]) -> None:
    bare = client.v1.billing_portal.configurations.create({"features": {"invoice_history": {"enabled": True}}})
    for kind in ("subscription_cancel", "subscription_update"):
        flow: Any = {"type": kind, kind: {"subscription": subscription.id}}
        with pytest.raises(stripe.InvalidRequestError, match="disabled"):
            open_portal(client, subscription, bare, **flow)
    with pytest.raises(stripe.InvalidRequestError):
        open_portal(client, subscription, bare, type="subscription_cancel")


def test_a_canceled_subscription_cannot_be_canceled_again(client: Any, subscription: Any, configuration: Any) -> None:
    client.v1.subscriptions.update(subscription.id, {"cancel_at_period_end": True})
    flow: Any = {"type": "subscription_cancel", "subscription_cancel": {"subscription": subscription.id}}
    with pytest.raises(stripe.InvalidRequestError, match="already set to be canceled"):
        open_portal(client, subscription, configuration, **flow)
    assert client.v1.subscriptions.cancel(subscription.id).status == "canceled"
    with pytest.raises(stripe.InvalidRequestError) as gone:
        client.v1.subscriptions.cancel(subscription.id)
    assert gone.value.http_status == 404


def test_only_allowed_plans_and_own_subscriptions_can_be_reached(
    service: Any, client: Any, subscription: Any, configuration: Any
) -> None:
    other = client.v1.prices.create(
        {
            "product_data": {"name": "Secret"},
            "currency": "usd",
            "unit_amount": 1,
            "recurring": {"interval": "month"},
        }
    )
    session = open_portal(client, subscription, configuration)
    assert service.http.post(f"{session.url}/subscriptions/{subscription.id}/update/{other.id}").status_code == 404
    stranger = client.v1.customers.create({"email": "eve@example.com"})
    hers = client.v1.billing_portal.sessions.create({"customer": stranger.id, "configuration": configuration.id})
    assert service.http.post(f"{hers.url}/subscriptions/{subscription.id}/cancel").status_code == 404
    assert client.v1.subscriptions.retrieve(subscription.id).cancel_at is None


def test_a_portal_link_expires(service: Any, client: Any, subscription: Any, configuration: Any) -> None:
    session = open_portal(client, subscription, configuration)
    service.control("clock", {"advanceSeconds": 3700})
    assert service.http.get(session.url).status_code == 410


def test_a_new_card_in_the_portal_is_charged_next(
    service: Any, client: Any, subscription: Any, configuration: Any
) -> None:
    session = open_portal(client, subscription, configuration)
    card = {"cardNumber": "4000 0000 0000 0002", "cardExpiry": "12/40", "cardCvc": "123"}
    refused = service.http.post(f"{session.url}/payment-methods", data=card)
    assert refused.status_code == 402 and "Your card was declined." in refused.text
    card["cardNumber"] = "5555 5555 5555 4444"
    assert service.http.post(f"{session.url}/payment-methods", data=card).status_code == 303
    method = client.v1.subscriptions.retrieve(
        subscription.id, {"expand": ["default_payment_method"]}
    ).default_payment_method
    assert method.card.brand == "mastercard" and method.card.last4 == "4444"
