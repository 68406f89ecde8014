"""Webhooks are signed and retried as at Stripe, and tests can delay, reorder, duplicate and drop them."""

import json
import time
from typing import Any

import pytest
import stripe

SECRETS = {"/platform": "whsec_platform", "/connect-test": "whsec_connect_test", "/connect-live": "whsec_connect_live"}


def test_every_delivery_is_signed_now_and_accepted_by_the_official_library(
    service: Any, client: Any, receiver: Any
) -> None:
    account = service.connect("test")
    service.control("clock", {"advanceSeconds": 40 * 86_400})
    client.v1.products.create({"name": "Ours"}, {"idempotency_key": "made-once"})
    service.client("test", account).v1.products.create({"name": "Theirs"})
    service.settle()
    assert sorted(d.path for d in receiver.deliveries) == ["/connect-test", "/connect-test", "/platform"]
    for delivery in receiver.deliveries:
        event = stripe.Webhook.construct_event(delivery.body, delivery.signature, SECRETS[delivery.path])
        assert abs(int(delivery.signature.split(",")[0].removeprefix("t=")) - time.time()) < 30
        assert event.api_version == stripe.api_version and event.livemode is False and event.pending_webhooks == 1
        assert event.created > time.time() + 39 * 86_400 or event.type == "account.application.authorized"
        with pytest.raises(stripe.SignatureVerificationError):
            stripe.Webhook.construct_event(delivery.body, delivery.signature, "whsec_other")
    ours = next(d.event for d in receiver.deliveries if d.path == "/platform")
    assert "account" not in ours and ours["request"]["idempotency_key"] == "made-once"
    theirs = [d.event for d in receiver.deliveries if d.path == "/connect-test"][-1]
    assert theirs["account"] == account and theirs["request"]["id"].startswith("req_")
    assert client.v1.events.retrieve(ours["id"]).pending_webhooks == 0
    assert [e.id for e in client.v1.events.list({"type": "product.*"}).data] == [ours["id"]]
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.events.retrieve(theirs["id"])


def test_an_update_has_the_previous_attributes(service: Any, client: Any, receiver: Any) -> None:
    product = client.v1.products.create({"name": "Mug", "metadata": {"a": "1"}})
    client.v1.products.update(product.id, {"name": "Cup", "metadata": {"a": "2", "b": "3"}})
    client.v1.products.update(product.id, {"name": "Cup"})
    service.settle()
    previous = [e["data"]["previous_attributes"] for e in receiver.events("product.updated")]
    assert [{k: v for k, v in p.items() if k != "updated"} for p in previous] == [
        {"name": "Mug", "metadata": {"a": "1", "b": None}}
    ]


@pytest.mark.parametrize("status", [500, 404, 302])
def test_a_refused_delivery_is_tried_again_with_back_off(service: Any, client: Any, receiver: Any, status: int) -> None:
    receiver.answer = lambda delivery: status if len(receiver.deliveries) < 3 else 200
    client.v1.products.create({"name": "Mug"})
    service.settle()
    assert len({d.event["id"] for d in receiver.deliveries}) == 1 and len(receiver.deliveries) == 3
    row = service.look("webhooks")["deliveries"][0]
    assert (row["state"], row["attempts"], row["status"]) == ("delivered", 3, 200)


def test_deliveries_that_never_succeed_are_given_up_and_can_be_resent(service: Any, client: Any, receiver: Any) -> None:
    receiver.answer = lambda delivery: 500
    client.v1.products.create({"name": "Mug"})
    service.settle()
    row = service.look("webhooks")["deliveries"][0]
    assert (row["state"], row["attempts"]) == ("failed", 5)
    receiver.answer = lambda delivery: 200
    service.control("webhooks/resend", {"event": row["event"]})
    service.settle()
    assert service.look("webhooks", state="delivered")["deliveries"][0]["event"] == row["event"]
    page = service.http.get("/_devstack/deliveries").text
    assert "product.created" in page and "failed" in page
    assert row["event"] in service.http.get(f"/_devstack/deliveries/{row['id']}").text


def test_paused_deliveries_can_be_sent_in_any_order(service: Any, client: Any, receiver: Any) -> None:
    service.control("webhooks/pause")
    names = [f"P{n}" for n in range(6)]
    for name in names:
        client.v1.products.create({"name": name})
    pending = service.look("webhooks/pending")["deliveries"]
    assert len(pending) == 6 and receiver.deliveries == []
    service.control("webhooks/deliver", {"ids": [pending[5]["id"], pending[0]["id"]]})
    assert [d.event["data"]["object"]["name"] for d in receiver.deliveries] == ["P5", "P0"]
    service.control("webhooks/resume", {"order": [row["id"] for row in reversed(pending)]})
    service.settle()
    assert [d.event["data"]["object"]["name"] for d in receiver.deliveries] == ["P5", "P0", "P4", "P3", "P2", "P1"]


def test_deliveries_can_be_duplicated_shuffled_delayed_and_dropped(service: Any, client: Any, receiver: Any) -> None:
    service.control("webhooks/rules", {"duplicate": 2})
    client.v1.products.create({"name": "Mug"})
    service.settle()
    assert len(receiver.deliveries) == 3 and len({d.event["id"] for d in receiver.deliveries}) == 1

    service.control("webhooks/rules", {"drop": True, "types": ["product.created"]})
    client.v1.products.create({"name": "Mug"})
    client.v1.customers.create({"name": "Ada"})
    service.settle()
    assert receiver.types()[3:] == ["customer.created"]
    assert service.look("webhooks", state="dropped")["deliveries"][0]["type"] == "product.created"

    service.control("webhooks/rules", {"delaySeconds": 0.4})
    began = time.monotonic()
    client.v1.customers.create({"name": "Bob"})
    service.settle()
    assert time.monotonic() - began >= 0.4

    service.control("webhooks/rules", {"shuffle": True, "seed": 7})
    service.control("webhooks/pause")
    made = [client.v1.customers.create({"name": f"C{n}"}).id for n in range(8)]
    service.control("webhooks/resume", {"shuffle": True})
    service.settle()
    order = [d.event["data"]["object"]["id"] for d in receiver.deliveries[-8:]]
    assert order != made and sorted(order) == sorted(made)


def test_undelivered_events_survive_a_restart(service: Any, client: Any, receiver: Any) -> None:
    service.control("webhooks/pause")
    client.v1.products.create({"name": "Mug"})
    service.stop()
    service.start()
    assert receiver.deliveries == []
    service.control("webhooks/resume")
    service.settle()
    assert receiver.types() == ["product.created"]


def test_subscribers_get_the_moved_clock_before_webhooks_are_sent(service: Any, client: Any, receiver: Any) -> None:
    seen: list[list[int]] = []

    def answer(delivery: Any) -> int:
        seen.append(list(receiver.clock_pushes))
        return 200

    price = client.v1.prices.create({"product_data": {"name": "Mug"}, "currency": "usd", "unit_amount": 900})
    client.v1.checkout.sessions.create(
        {"mode": "payment", "line_items": [{"price": price.id, "quantity": 1}], "success_url": "https://a.b/"}
    )
    service.settle()
    receiver.answer = answer
    service.advance(days=2)
    assert receiver.types()[-1] == "checkout.session.expired" and seen == [[2 * 86_400]]
    assert service.control("clock", {"reset": True})["offsetSeconds"] == 0


def test_a_session_expires_by_itself_in_real_time(service: Any, client: Any, receiver: Any) -> None:
    price = client.v1.prices.create({"product_data": {"name": "Mug"}, "currency": "usd", "unit_amount": 900})
    session = client.v1.checkout.sessions.create(
        {
            "mode": "payment",
            "line_items": [{"price": price.id, "quantity": 1}],
            "success_url": "https://a.b/",
            "expires_at": service.look("clock")["now"] + 1802,
        }
    )
    service.control("clock", {"advanceSeconds": 1800})
    assert client.v1.checkout.sessions.retrieve(session.id).status == "open"
    deadline = time.monotonic() + 10
    while "checkout.session.expired" not in receiver.types() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert receiver.types().count("checkout.session.expired") == 1


def test_stored_events_equal_the_sent_events(service: Any, client: Any, receiver: Any) -> None:
    client.v1.products.create({"name": "Mug"})
    service.settle()
    (sent,) = receiver.deliveries
    logged = service.look("events", type="product.created")["events"][0]
    assert {**logged, "pending_webhooks": 1} == json.loads(sent.body)
