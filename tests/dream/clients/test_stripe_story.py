"""Every call of our Stripe client, made to the stand-in, which answers in the shapes of the pinned API version."""

from __future__ import annotations

import time
from collections.abc import Coroutine, Iterator
from typing import Any, TypeVar

import pytest

from dream.clients.stripe.account import StripeAccount, connected_account, platform_account
from dream.clients.stripe.checkout_sessions import CheckoutLine
from dream.clients.stripe.connect import authorize_url, deauthorize, exchange_code
from dream.clients.stripe.http import StripeRefused
from dream.domain.keys import Mode
from dream.domain.stripe.checkout_session import CheckoutSession
from dream.runtime.context import Context
from tests.support.in_process.event_loop import event_loop
from tests.support.in_process.stack import InProcessStack
from tests.support.stripe_accounts import StripeControls

Answer = TypeVar("Answer")

METADATA = {"publishableKey": "pk_test_1", "userId": "user_1"}


def run(call: Coroutine[Any, Any, Answer]) -> Answer:
    return event_loop().run(call)


@pytest.fixture
def context(vendors: InProcessStack) -> Context:
    return vendors.context("oauth-api")


@pytest.fixture
def service(vendors: InProcessStack) -> Iterator[StripeControls]:
    """The controls of the stand-in."""
    controls = StripeControls(vendors)
    yield controls
    controls.close()


@pytest.fixture
def account_id(service: StripeControls) -> str:
    """A developer's account that is connected in test mode."""
    return connect(service)


@pytest.fixture
def account(context: Context, account_id: str) -> StripeAccount:
    return connected_account(context, "test", account_id)


def connect(service: StripeControls) -> str:
    """The id of a new account that is connected in test mode."""
    return service.control("accounts", {"connect": "test"})["id"]


def make_price(account: StripeAccount, amount: int, name: str = "Pro", *, is_monthly: bool = True) -> tuple[str, str]:
    product_id = run(
        account.create_product(name, description="All of it", metadata=METADATA, idempotency_key=f"{name} product")
    )
    price_id = run(
        account.create_price(
            product_id,
            unit_amount=amount,
            currency="usd",
            interval="month" if is_monthly else None,
            metadata=METADATA,
            idempotency_key=f"{name} price",
        )
    )
    return product_id, price_id


def subscribe(account: StripeAccount, service: StripeControls, price_id: str, **more: Any) -> CheckoutSession:
    session = run(
        account.create_subscription_checkout(
            price_id,
            customer_email="ada@example.com",
            client_reference_id="user_1",
            success_url="https://shop.example/?s={CHECKOUT_SESSION_ID}",
            cancel_url="https://shop.example/",
            metadata=METADATA,
            **more,
        )
    )
    assert session.url is not None and session.status == "open" and not session.is_settled
    service.control(f"checkout/{session.id}/pay")
    return run(account.retrieve_checkout(session.id))


def test_products_and_prices(account: StripeAccount) -> None:
    product_id, price_id = make_price(account, 2900)
    assert make_price(account, 2900) == (product_id, price_id), "a repeat makes nothing new"
    later = int(time.time()) + 60
    products = account.list_products(created_after_seconds=0, created_before_seconds=later)
    assert run(products) == ([(product_id, METADATA)], False)
    prices = account.list_prices(created_after_seconds=0, created_before_seconds=later)
    assert run(prices) == ([(price_id, METADATA)], False)
    run(account.update_price(price_id, active=False))
    prices = account.list_prices(created_after_seconds=0, created_before_seconds=later)
    assert run(prices) == ([], False)
    run(
        account.update_product(
            product_id, name="Max", description="", image_url="https://x.example/i.png", active=False
        )
    )
    run(account.update_product(product_id, image_url="", metadata={"publishableKey": ""}))


def test_an_idempotency_key_is_for_one_request(account: StripeAccount) -> None:
    run(account.create_product("Pro", metadata={}, idempotency_key="same"))
    with pytest.raises(StripeRefused) as refused:
        run(account.create_product("Max", metadata={}, idempotency_key="same"))
    assert refused.value.stripe_code == "idempotency_error"


def test_a_subscription_from_checkout_to_its_end(
    account: StripeAccount, account_id: str, service: StripeControls
) -> None:
    product_id, price_id = make_price(account, 2900)
    session = subscribe(account, service, price_id, idempotency_key="checkout_1")
    assert session.is_settled and session.url is None and session.email == "ada@example.com"
    assert (session.client_reference_id, session.metadata, session.amount_total) == ("user_1", METADATA, 2900)
    assert session.subscription_id is not None and session.customer_id is not None

    subscription = run(account.retrieve_subscription(session.subscription_id))
    assert (subscription.status, subscription.price_id, subscription.product_id) == ("active", price_id, product_id)
    assert (subscription.unit_amount, subscription.interval, subscription.quantity) == (2900, "month", 1)
    assert subscription.metadata == METADATA and not subscription.livemode and not subscription.will_cancel
    assert subscription.current_period_start < subscription.current_period_end
    found, has_more = run(account.list_subscriptions(customer_id=session.customer_id))
    assert found == [subscription] and not has_more
    assert run(account.list_subscriptions(price_id="price_none")) == ([], False)

    service.api("POST", f"subscriptions/{subscription.id}", account_id, cancel_at_period_end="true")
    canceling = run(account.retrieve_subscription(subscription.id))
    assert canceling.will_cancel and canceling.canceled_at is not None and canceling.ended_at is None

    ended = run(account.cancel_subscription(subscription.id))
    assert ended.status == "canceled" and ended.ended_at is not None
    with pytest.raises(StripeRefused) as refused:
        run(account.cancel_subscription(subscription.id))
    assert refused.value.is_missing


def test_a_cancellation_at_a_moment_is_read(account: StripeAccount, account_id: str, service: StripeControls) -> None:
    _, price_id = make_price(account, 2900)
    subscription_id = subscribe(account, service, price_id).subscription_id
    assert subscription_id is not None
    subscription = run(account.retrieve_subscription(subscription_id))
    later = int(time.time()) + 86_400
    service.api("POST", f"subscriptions/{subscription.id}", account_id, cancel_at=later)
    canceling = run(account.retrieve_subscription(subscription.id))
    assert canceling.will_cancel and not canceling.cancel_at_period_end


def test_a_trial_needs_no_payment(account: StripeAccount, service: StripeControls) -> None:
    _, price_id = make_price(account, 2900)
    session = subscribe(account, service, price_id, trial_days=14, expires_at_seconds=int(time.time()) + 3600)
    assert session.payment_status == "no_payment_required" and session.is_settled
    assert session.subscription_id is not None
    subscription = run(account.retrieve_subscription(session.subscription_id))
    assert subscription.status == "trialing" and subscription.trial_end == subscription.current_period_end


def test_the_billing_portal(vendors: InProcessStack, account: StripeAccount, service: StripeControls) -> None:
    product_id, price_id = make_price(account, 2900)
    dearer_product, dearer = make_price(account, 9900, "Max")
    session = subscribe(account, service, price_id)
    assert session.customer_id is not None and session.subscription_id is not None
    subscription = run(account.retrieve_subscription(session.subscription_id))
    configuration = run(
        account.create_portal_configuration(
            switchable_prices={product_id: [price_id]},
            default_return_url="https://shop.example/",
            idempotency_key="portal",
        )
    )
    run(
        account.update_portal_configuration(
            configuration, switchable_prices={product_id: [price_id], dearer_product: [dearer]}
        )
    )
    back = "https://shop.example/account"
    opened = [run(account.create_portal_session(session.customer_id, return_url=back, configuration_id=configuration))]
    opened += [
        run(
            account.create_portal_session(
                session.customer_id,
                return_url=back,
                configuration_id=configuration,
                flow=flow,
                subscription_id=subscription.id,
            )
        )
        for flow in ("subscription_cancel", "subscription_update", "payment_method_update")
    ]
    opened.append(
        run(account.create_portal_price_change(subscription, dearer, return_url=back, configuration_id=configuration))
    )
    assert len(set(opened)) == 5 and all(url.startswith(vendors.url("stripe")) for url in opened)
    run(account.update_portal_configuration(configuration, switchable_prices={}))
    without_switching = run(account.create_portal_configuration(switchable_prices={}))
    assert without_switching != configuration


def test_no_portal_opens_without_a_configuration(account: StripeAccount, service: StripeControls) -> None:
    _, price_id = make_price(account, 2900)
    customer_id = subscribe(account, service, price_id).customer_id
    assert customer_id is not None
    with pytest.raises(StripeRefused):
        run(account.create_portal_session(customer_id, return_url="https://shop.example/"))


def test_a_cart_is_paid_and_refunded(account: StripeAccount, service: StripeControls) -> None:
    _, price_id = make_price(account, 1200, "Mug", is_monthly=False)
    session = run(
        account.create_payment_checkout(
            [CheckoutLine(price_id, 3)],
            customer_email="ada@example.com",
            client_reference_id="ord_1",
            success_url="https://shop.example/",
            cancel_url="https://shop.example/",
            expires_at_seconds=int(time.time()) + 1900,
            metadata={"orderId": "ord_1"},
            idempotency_key="ord_1",
        )
    )
    assert session.amount_total == 3600
    service.control(f"checkout/{session.id}/pay")
    paid = run(account.retrieve_checkout(session.id))
    assert paid.is_settled and paid.payment_intent_id is not None and paid.subscription_id is None
    payment = run(account.retrieve_cart_payment(session.id))
    intent, charge = payment.intent, payment.charge
    assert intent is not None and charge is not None and payment.session == paid
    assert (intent.status, intent.amount_received, intent.metadata) == ("succeeded", 3600, {"orderId": "ord_1"})
    refund = run(
        account.create_refund(intent.id, amount=1000, metadata={"orderId": "ord_1"}, idempotency_key="refund_1")
    )
    assert refund.startswith("re_")
    charge = run(account.retrieve_charge(charge.id))
    assert (charge.amount_refunded, charge.refunded, charge.payment_intent_id) == (1000, False, intent.id)
    run(account.create_refund(intent.id, metadata={}, idempotency_key="refund_2"))
    assert run(account.retrieve_charge(charge.id)).refunded


def test_an_open_checkout_can_be_expired_once(account: StripeAccount) -> None:
    _, price_id = make_price(account, 1200, "Mug", is_monthly=False)
    session = run(
        account.create_payment_checkout(
            [CheckoutLine(price_id, 1)],
            client_reference_id="ord_2",
            success_url="https://shop.example/",
            cancel_url="https://shop.example/",
            expires_at_seconds=int(time.time()) + 1900,
            metadata={},
            idempotency_key="ord_2",
        )
    )
    assert run(account.expire_checkout(session.id)).status == "expired"
    with pytest.raises(StripeRefused):
        run(account.expire_checkout(session.id))


def test_invoices_name_their_subscription_and_payment(account: StripeAccount, service: StripeControls) -> None:
    _, price_id = make_price(account, 2900)
    session = subscribe(account, service, price_id)
    assert session.invoice_id is not None
    invoice = run(account.retrieve_invoice(session.invoice_id))
    assert (invoice.status, invoice.amount_paid, invoice.billing_reason) == ("paid", 2900, "subscription_create")
    assert invoice.subscription_id == session.subscription_id and invoice.subscription_metadata == METADATA
    assert invoice.paid_at is not None
    [payment] = run(account.list_invoice_payments(invoice_id=invoice.id))
    assert payment.payment_intent_id is not None and payment.amount_paid == 2900
    assert run(account.list_invoice_payments(payment_intent_id=payment.payment_intent_id)) == [payment]


def test_customers(account: StripeAccount) -> None:
    customer_id = run(account.create_customer(email="ada@example.com", metadata=METADATA, idempotency_key="c"))
    assert run(account.create_customer(email="ada@example.com", metadata=METADATA, idempotency_key="c")) == customer_id
    assert run(account.create_customer(email=None, metadata={}, idempotency_key="d")) != customer_id


@pytest.mark.parametrize("mode", ["test", "live"])
def test_an_account_is_connected_and_disconnected(
    vendors: InProcessStack, context: Context, service: StripeControls, mode: Mode
) -> None:
    redirect = f"{vendors.url('oauth-api')}/callback"
    url = authorize_url(context, mode, redirect_uri=redirect, state="state_1", email="ada@example.com")
    query = dict(pair.split("=", 1) for pair in url.partition("?")[2].split("&"))
    assert query["state"] == "state_1"
    consent = {"client_id": query["client_id"], "redirect_uri": redirect, "state": "state_1", "scope": "read_write"}
    granted = service.control("connect/authorize", consent)
    code = granted["redirect"].partition("code=")[2].partition("&")[0]
    other: Mode = "live" if mode == "test" else "test"
    with pytest.raises(StripeRefused):
        run(exchange_code(context, other, "ac_unknown"))
    connection = run(exchange_code(context, mode, code))
    assert (connection.account_id, connection.scope, connection.livemode) == (
        granted["account"],
        "read_write",
        mode == "live",
    )
    with pytest.raises(StripeRefused) as refused:
        run(exchange_code(context, mode, code))
    assert refused.value.stripe_code == "invalid_grant"
    connected = connected_account(context, mode, connection.account_id)
    assert run(connected.retrieve_account()) == connection.account_id
    assert run(deauthorize(context, mode, connection.account_id))
    assert not run(deauthorize(context, mode, connection.account_id))
    with pytest.raises(StripeRefused) as gone:
        run(connected.retrieve_account())
    assert gone.value.is_disconnected


def test_accounts_and_modes_do_not_see_each_other(
    context: Context, service: StripeControls, account: StripeAccount
) -> None:
    _, price_id = make_price(account, 2900)
    strangers = [
        platform_account(context, "test"),
        platform_account(context, "live"),
        connected_account(context, "test", connect(service)),
    ]
    for stranger in strangers:
        with pytest.raises(StripeRefused) as refused:
            run(stranger.update_price(price_id, active=False))
        assert refused.value.is_missing


def test_an_account_that_never_connected_is_out_of_reach(context: Context) -> None:
    with pytest.raises(StripeRefused) as refused:
        run(connected_account(context, "test", "acct_stranger").retrieve_account())
    assert refused.value.is_disconnected
