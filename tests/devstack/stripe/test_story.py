"""Whole stories with the official stripe package: subscriptions, trials, carts, bank debits, disputes."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import stripe

from devstack.stripe import periods
from tests.devstack.stripe.conftest import Service

DAY = 86_400


def make_price(client: Any, amount: int = 1500, name: str = "Pro", **recurring: Any) -> Any:
    product = client.v1.products.create({"name": name})
    params: Any = {"product": product.id, "currency": "usd", "unit_amount": amount}
    if recurring:
        params["recurring"] = recurring
    return client.v1.prices.create(params)


def make_session(client: Any, price: str, mode: str = "subscription", **more: Any) -> Any:
    params: Any = {
        "mode": mode,
        "line_items": [{"price": price, "quantity": 1}],
        "success_url": "https://shop.example/thanks?session={CHECKOUT_SESSION_ID}",
        "cancel_url": "https://shop.example/cart",
        **more,
    }
    return client.v1.checkout.sessions.create(params)


def test_a_subscription_from_checkout_to_its_end(service: Any, client: Any, receiver: Any) -> None:
    price = make_price(client, interval="month")
    session = make_session(
        client,
        price.id,
        client_reference_id="user_1",
        metadata={"userId": "user_1"},
        subscription_data={"metadata": {"publishableKey": "pk_1"}},
        customer_email="ada@example.com",
    )
    assert session.status == "open" and session.payment_status == "unpaid" and session.subscription is None
    assert session.url and session.url.startswith(service.url)

    paid = service.control(f"checkout/{session.id}/pay", {"email": "ada@example.com"})
    assert paid["status"] == "complete" and paid["payment_status"] == "paid" and paid["url"] is None
    subscription = client.v1.subscriptions.retrieve(paid["subscription"])
    item = subscription["items"].data[0]
    assert subscription.status == "active" and item.price.id == price.id
    assert 27 * DAY < item.current_period_end - item.current_period_start < 32 * DAY
    assert subscription.metadata.to_dict() == {"publishableKey": "pk_1"}
    service.settle()
    types = receiver.types("/platform")
    for expected in ("checkout.session.completed", "customer.subscription.created", "invoice.paid", "charge.succeeded"):
        assert types.count(expected) == 1, expected

    # The clock reaches the renewal: a new period starts at once, the invoice is paid one hour later.
    service.control("clock", {"to": datetime.fromtimestamp(item.current_period_end + 1, UTC).isoformat()})
    service.settle()
    renewed = client.v1.subscriptions.retrieve(subscription.id, {"expand": ["latest_invoice"]})
    assert renewed["items"].data[0].current_period_start == item.current_period_end
    assert renewed.latest_invoice.status == "draft"
    service.advance(hours=1)
    invoice = client.v1.invoices.retrieve(renewed.latest_invoice.id, {"expand": ["payments"]})
    assert invoice.status == "paid" and invoice.billing_reason == "subscription_cycle"
    assert invoice.parent.subscription_details.subscription == subscription.id
    assert invoice.parent.subscription_details.metadata.to_dict() == {"publishableKey": "pk_1"}
    intent = invoice.payments.data[0].payment.payment_intent
    found = client.v1.invoice_payments.list({"payment": {"type": "payment_intent", "payment_intent": intent}})
    assert [row.invoice for row in found.data] == [invoice.id]

    # The card is declined: past_due. Then a retry with a good card succeeds.
    service.control(f"payment-methods/{subscription.id}/behaviour", {"decline": "insufficient_funds"})
    service.advance(days=31, hours=2)
    late = client.v1.subscriptions.retrieve(subscription.id)
    assert late.status == "past_due"
    failed = receiver.events("invoice.payment_failed")
    assert failed[-1]["data"]["object"]["attempt_count"] == 1
    change = [
        e for e in receiver.events("customer.subscription.updated") if e["data"]["object"]["status"] == "past_due"
    ]
    assert change[0]["data"]["previous_attributes"] == {"status": "active"}
    service.control(f"customers/{late.customer}/card", {"card": "4242424242424242"})
    service.advance(days=3)
    assert client.v1.subscriptions.retrieve(subscription.id).status == "active"

    # Cancel at period end, undo, cancel again, reach the end.
    canceling = client.v1.subscriptions.update(subscription.id, {"cancel_at_period_end": True})
    assert canceling.cancel_at_period_end and canceling.cancel_at == canceling["items"].data[0].current_period_end
    kept = client.v1.subscriptions.update(subscription.id, {"cancel_at_period_end": False})
    assert not kept.cancel_at_period_end and kept.cancel_at is None and kept.canceled_at is None
    client.v1.subscriptions.update(subscription.id, {"cancel_at_period_end": True})
    service.advance(days=32)
    ended = client.v1.subscriptions.retrieve(subscription.id)
    assert ended.status == "canceled" and ended.ended_at == canceling.cancel_at
    assert receiver.types().count("customer.subscription.deleted") == 1
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.subscriptions.update(subscription.id, {"cancel_at_period_end": False})
    assert refused.value.http_status == 400


def test_a_card_that_keeps_failing_ends_the_subscription(service: Any, client: Any, receiver: Any) -> None:
    session = make_session(client, make_price(client, interval="month").id)
    paid = service.control(f"checkout/{session.id}/pay", {"card": "4000000000000341"})
    service.advance(days=32)
    assert client.v1.subscriptions.retrieve(paid["subscription"]).status == "past_due"
    service.advance(days=16)
    ended = client.v1.subscriptions.retrieve(paid["subscription"])
    assert ended.status == "canceled" and ended.cancellation_details.reason == "payment_failed"
    attempts = [e["data"]["object"]["attempt_count"] for e in receiver.events("invoice.payment_failed")]
    assert attempts == [1, 2, 3, 4]
    assert receiver.events("invoice.payment_failed")[-1]["data"]["object"]["next_payment_attempt"] is None


def test_a_trial_costs_nothing_until_it_ends(service: Any, client: Any, receiver: Any) -> None:
    session = make_session(client, make_price(client, interval="month").id, subscription_data={"trial_period_days": 14})
    paid = service.control(f"checkout/{session.id}/pay")
    assert paid["payment_status"] == "no_payment_required" and paid["amount_total"] == 0
    subscription = client.v1.subscriptions.retrieve(paid["subscription"])
    assert subscription.status == "trialing" and subscription.trial_end - subscription.trial_start == 14 * DAY
    service.advance(days=11, hours=1)
    assert receiver.types().count("customer.subscription.trial_will_end") == 1
    service.advance(days=3, hours=2)
    after = client.v1.subscriptions.retrieve(paid["subscription"], {"expand": ["latest_invoice"]})
    assert after.status == "active" and after.latest_invoice.amount_paid == 1500


def test_a_cart_is_paid_and_refunded_in_parts_and_whole(service: Any, client: Any, receiver: Any) -> None:
    shirt, mug = make_price(client, 2500, "Shirt"), make_price(client, 900, "Mug")
    session = client.v1.checkout.sessions.create(
        {
            "mode": "payment",
            "line_items": [{"price": shirt.id, "quantity": 2}, {"price": mug.id, "quantity": 1}],
            "success_url": "https://shop.example/ok",
            "payment_intent_data": {"metadata": {"orderId": "o1"}},
        }
    )
    lines = client.v1.checkout.sessions.line_items.list(session.id)
    assert [(line.price.id, line.quantity, line.amount_total) for line in lines.data] == [
        (shirt.id, 2, 5000),
        (mug.id, 1, 900),
    ]
    paid = service.control(f"checkout/{session.id}/pay")
    assert paid["customer"] is None and paid["customer_details"]["email"] == "buyer@example.com"
    intent = client.v1.payment_intents.retrieve(paid["payment_intent"], {"expand": ["latest_charge"]})
    assert intent.status == "succeeded" and intent.latest_charge.amount == 5900
    assert intent.latest_charge.metadata.to_dict() == {"orderId": "o1"}
    client.v1.refunds.create({"payment_intent": intent.id, "amount": 900})
    with pytest.raises(stripe.InvalidRequestError) as too_much:
        client.v1.refunds.create({"payment_intent": intent.id, "amount": 5001})
    assert too_much.value.param == "amount"
    client.v1.refunds.create({"payment_intent": intent.id, "reason": "requested_by_customer"})
    with pytest.raises(stripe.InvalidRequestError) as again:
        client.v1.refunds.create({"payment_intent": intent.id})
    assert again.value.code == "charge_already_refunded"
    service.settle()
    seen = [
        (e["data"]["object"]["amount_refunded"], e["data"]["object"]["refunded"])
        for e in receiver.events("charge.refunded")
    ]
    assert seen == [(900, False), (5900, True)]


def test_a_declined_card_leaves_the_session_open_to_another_try(service: Any, client: Any, receiver: Any) -> None:
    session = make_session(client, make_price(client, 700).id, mode="payment")
    refused = service.control(f"checkout/{session.id}/pay", {"card": "4000000000000002"}, status=402)
    assert refused == {"declined": True, "message": "Your card was declined."}
    again = client.v1.checkout.sessions.retrieve(session.id)
    assert again.status == "open" and again.payment_intent
    paid = service.control(f"checkout/{session.id}/pay")
    assert paid["payment_intent"] == again.payment_intent
    service.settle()
    assert receiver.types().count("payment_intent.payment_failed") == 1
    assert receiver.types().count("payment_intent.succeeded") == 1


@pytest.mark.parametrize(("account", "event"), [("000123456789", "succeeded"), ("000111111113", "failed")])
def test_a_bank_debit_ends_days_later(service: Any, client: Any, receiver: Any, account: str, event: str) -> None:
    session = make_session(client, make_price(client, 700).id, mode="payment")
    paid = service.control(f"checkout/{session.id}/pay", {"method": "us_bank_account", "bankAccount": account})
    assert paid["status"] == "complete" and paid["payment_status"] == "unpaid"
    service.advance(days=5)
    assert receiver.types().count(f"checkout.session.async_payment_{event}") == 1
    expected = "paid" if event == "succeeded" else "unpaid"
    assert client.v1.checkout.sessions.retrieve(session.id).payment_status == expected


@pytest.mark.parametrize(("account", "status"), [("000123456789", "active"), ("000222222227", "past_due")])
def test_a_subscription_paid_by_bank_debit_is_active_until_the_debit_fails(
    service: Any, client: Any, receiver: Any, account: str, status: str
) -> None:
    session = make_session(client, make_price(client, interval="month").id)
    paid = service.control(f"checkout/{session.id}/pay", {"method": "us_bank_account", "bankAccount": account})
    assert paid["payment_status"] == "unpaid"
    assert client.v1.subscriptions.retrieve(paid["subscription"]).status == "active"
    service.control(f"checkout/{session.id}/settle", {"outcome": "succeed" if status == "active" else "fail"})
    service.settle()
    after = client.v1.subscriptions.retrieve(paid["subscription"], {"expand": ["latest_invoice"]})
    assert (after.status, after.latest_invoice.status) == (status, "paid" if status == "active" else "open")
    kind = "succeeded" if status == "active" else "failed"
    assert receiver.types().count(f"checkout.session.async_payment_{kind}") == 1


def test_a_trial_without_a_card_ends_as_its_settings_say(service: Any, client: Any) -> None:
    price = make_price(client, interval="month")
    ends: list[str] = []
    for behaviour in ("cancel", "create_invoice"):
        data = {"trial_period_days": 7, "trial_settings": {"end_behavior": {"missing_payment_method": behaviour}}}
        session = make_session(client, price.id, payment_method_collection="if_required", subscription_data=data)
        page = service.http.get(str(session.url)).text
        assert "cardNumber" not in page
        ends.append(service.control(f"checkout/{session.id}/pay", {"method": "none"})["subscription"])
    service.advance(days=7, hours=2)
    assert [client.v1.subscriptions.retrieve(one).status for one in ends] == ["canceled", "past_due"]


def test_a_yearly_switch_starts_a_new_period_at_once(service: Any, client: Any) -> None:
    monthly, yearly = make_price(client, 1000, interval="month"), make_price(client, 9000, interval="year")
    paid = service.control(f"checkout/{make_session(client, monthly.id).id}/pay")
    service.advance(days=15)
    item = client.v1.subscriptions.retrieve(paid["subscription"])["items"].data[0]
    changed = client.v1.subscriptions.update(
        paid["subscription"], {"items": [{"id": item.id, "price": yearly.id}]}, {"idempotency_key": "once"}
    )
    moved = changed["items"].data[0]
    assert (
        moved.current_period_start > item.current_period_start
        and moved.current_period_end - moved.current_period_start >= 365 * DAY
    )
    assert 8400 < client.v1.invoices.retrieve(str(changed.latest_invoice)).total < 8600


def test_one_jump_of_the_clock_has_the_same_events_as_many_steps(service: Any, receiver: Any, tmp_path: Path) -> None:
    (tmp_path / "steps").mkdir()
    steps = Service(tmp_path / "steps", receiver)
    steps.start()
    histories: list[list[tuple[str, int]]] = []
    try:
        for one, days in ((service, [100]), (steps, [5] * 20)):
            client = one.client()
            session = make_session(
                client, make_price(client, interval="month").id, subscription_data={"trial_period_days": 10}
            )
            make_session(client, make_price(client, 700).id, mode="payment")
            one.control(f"checkout/{session.id}/pay", {"card": "4000000000000341"})
            base = client.v1.checkout.sessions.retrieve(session.id).created
            for step in days:
                one.advance(days=step)
            events = client.v1.events.list({"limit": 100}).auto_paging_iter()
            histories.append([(event.type, round((event.created - base) / 60)) for event in events])
    finally:
        steps.stop()
        steps.http.close()
    assert len(histories[0]) > 40 and histories[0] == histories[1]


def test_months_are_clamped_to_their_last_day() -> None:
    moments = [
        periods.boundary(int(datetime(2027, 1, 31, 12, tzinfo=UTC).timestamp()), "month", 1, n) for n in (1, 2, 3)
    ]
    assert [datetime.fromtimestamp(m, UTC).strftime("%m-%d %H") for m in moments] == [
        "02-28 12",
        "03-31 12",
        "04-30 12",
    ]


def test_a_session_expires_by_the_clock_and_by_request(service: Any, client: Any, receiver: Any) -> None:
    price = make_price(client, 700)
    by_clock, by_request = (make_session(client, price.id, mode="payment") for _ in range(2))
    expired = client.v1.checkout.sessions.expire(by_request.id)
    assert expired.status == "expired" and expired.url is None
    service.advance(hours=24, seconds=5)
    assert client.v1.checkout.sessions.retrieve(by_clock.id).status == "expired"
    events = receiver.events("checkout.session.expired")
    assert {e["data"]["object"]["id"] for e in events} == {by_clock.id, by_request.id}
    assert next(e for e in events if e["data"]["object"]["id"] == by_clock.id)["created"] == by_clock.expires_at
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.checkout.sessions.expire(by_clock.id)


def test_a_switch_of_price_keeps_the_period_and_prorates(service: Any, client: Any, receiver: Any) -> None:
    basic, pro = make_price(client, 1000, "Basic", interval="month"), make_price(client, 3000, "Pro", interval="month")
    paid = service.control(f"checkout/{make_session(client, basic.id).id}/pay")
    before = client.v1.subscriptions.retrieve(paid["subscription"])["items"].data[0]
    service.advance(days=15)
    changed = client.v1.subscriptions.update(
        paid["subscription"], {"items": [{"id": before.id, "price": pro.id}], "proration_behavior": "always_invoice"}
    )
    item = changed["items"].data[0]
    assert (item.id, item.price.id, item.current_period_end) == (before.id, pro.id, before.current_period_end)
    invoice = client.v1.invoices.retrieve(changed.latest_invoice)
    assert invoice.billing_reason == "subscription_update" and invoice.status == "paid" and 900 < invoice.total < 1100
    service.settle()
    updates = receiver.events("customer.subscription.updated")
    previous = next(e["data"]["previous_attributes"] for e in updates if "items" in e["data"]["previous_attributes"])
    assert previous["items"]["data"][0]["price"]["id"] == basic.id


def test_a_dispute_is_opened_and_closed(service: Any, client: Any, receiver: Any) -> None:
    paid = service.control(f"checkout/{make_session(client, make_price(client, 700).id, mode='payment').id}/pay")
    dispute = service.control("disputes", {"payment_intent": paid["payment_intent"]})
    assert client.v1.disputes.retrieve(dispute["id"]).status == "needs_response"
    assert client.v1.charges.retrieve(dispute["charge"]).disputed is True
    service.control(f"disputes/{dispute['id']}/close", {"outcome": "won"})
    service.settle()
    assert receiver.types().count("charge.dispute.created") == receiver.types().count("charge.dispute.closed") == 1


def test_test_and_live_mode_have_separate_objects(service: Any, receiver: Any) -> None:
    account = service.connect("live")
    service.control("accounts", {"id": "acct_1Test0000000001", "connect": "test"})
    for mode in ("test", "live"):
        client = service.client(mode, account)
        session = make_session(client, make_price(client, 700).id, mode="payment")
        service.control(f"checkout/{session.id}/pay")
        assert len(client.v1.products.list().data) == 1
        with pytest.raises(stripe.InvalidRequestError) as other:
            service.client("live" if mode == "test" else "test", account).v1.checkout.sessions.retrieve(session.id)
        assert other.value.http_status == 404 and f"a similar object exists in {mode} mode" in str(other.value)
    service.settle()
    for mode in ("test", "live"):
        events = [
            d.event for d in receiver.deliveries if d.path == f"/connect-{mode}" and d.event["account"] == account
        ]
        assert events and all(event["livemode"] == (mode == "live") for event in events)
    assert receiver.types("/platform") == []
