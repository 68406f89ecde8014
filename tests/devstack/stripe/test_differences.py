"""DIFFERENCES.md of the Stripe stand-in is true: each difference is demonstrated, and each list equals the code."""

import re
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import stripe
from stripe import oauth_error

from devstack.stripe import coverage

DOCUMENT = (Path(coverage.__file__).parent / "DIFFERENCES.md").read_text()
DAY = 86_400


def price(client: Any, **more: Any) -> str:
    params: Any = {"product_data": {"name": "Mug"}, "currency": "usd", "unit_amount": 900, **more}
    return client.v1.prices.create(params).id


def session(client: Any, mode: str = "payment") -> str:
    more: Any = {"recurring": {"interval": "month"}} if mode == "subscription" else {}
    params: Any = {
        "mode": mode,
        "line_items": [{"price": price(client, **more), "quantity": 1}],
        "success_url": "https://a.b/",
    }
    return client.v1.checkout.sessions.create(params).id


def live_mode_takes_test_cards(service: Any, receiver: Any) -> None:
    assert service.control(f"checkout/{session(service.client('live'))}/pay")["payment_status"] == "paid"


def any_other_card_pays(service: Any, receiver: Any) -> None:
    paid = service.control(f"checkout/{session(service.client())}/pay", {"card": "4012888888881881"})
    assert paid["payment_status"] == "paid"
    three_d_secure = service.control(f"checkout/{session(service.client())}/pay", {"card": "4000002500003155"})
    assert three_d_secure["payment_status"] == "paid"


def card_0341_pays_once(service: Any, receiver: Any) -> None:
    client = service.client()
    paid = service.control(f"checkout/{session(client, 'subscription')}/pay", {"card": "4000000000000341"})
    assert paid["payment_status"] == "paid"
    service.advance(days=32)
    assert client.v1.subscriptions.retrieve(paid["subscription"]).status == "past_due"


def a_declined_subscription_leaves_nothing(service: Any, receiver: Any) -> None:
    client = service.client()
    service.control(f"checkout/{session(client, 'subscription')}/pay", {"card": "4000000000000002"}, status=402)
    assert client.v1.customers.list().data == client.v1.charges.list().data == []
    assert client.v1.subscriptions.list({"status": "all"}).data == []
    service.control(f"checkout/{session(client)}/pay", {"card": "4000000000000002"}, status=402)
    assert [charge.status for charge in client.v1.charges.list().data] == ["failed"]


def only_the_pinned_version(service: Any, receiver: Any) -> None:
    old = stripe.StripeClient(
        service.client()._requestor.api_key, base_addresses={"api": service.url}, stripe_version="2024-06-20"
    )
    with pytest.raises(stripe.InvalidRequestError, match="Invalid Stripe API version"):
        old.v1.products.list()


def deliveries_keep_their_order(service: Any, receiver: Any) -> None:
    made = [service.client().v1.products.create({"name": f"P{n}"}).id for n in range(5)]
    service.settle()
    assert [event["data"]["object"]["id"] for event in receiver.events("product.created")] == made


def retries_within_seconds(service: Any, receiver: Any) -> None:
    receiver.answer = lambda delivery: 500
    service.client().v1.products.create({"name": "Mug"})
    service.settle()
    assert service.look("webhooks")["deliveries"][0]["state"] == "failed"


def events_are_kept(service: Any, receiver: Any) -> None:
    service.client().v1.products.create({"name": "Mug"})
    service.advance(days=40)
    assert len(service.client().v1.events.list().data) == 1


def dunning_is_fixed(service: Any, receiver: Any) -> None:
    client = service.client()
    service.control(f"checkout/{session(client, 'subscription')}/pay", {"card": "4000000000000341"})
    service.advance(days=60)
    attempts = [event["created"] for event in receiver.events("invoice.payment_failed")]
    assert [round((late - early) / DAY) for early, late in pairwise(attempts)] == [3, 5, 7]


def no_wait_for_invoice_created(service: Any, receiver: Any) -> None:
    receiver.answer = lambda delivery: 500 if delivery.event["type"] == "invoice.created" else 200
    client = service.client()
    service.control(f"checkout/{session(client, 'subscription')}/pay")
    service.advance(days=32)
    assert [invoice.status for invoice in client.v1.invoices.list().data] == ["paid", "paid"]


def a_code_used_twice_keeps_its_token(service: Any, receiver: Any) -> None:
    ask = {"client_id": "ca_test_local", "redirect_uri": "http://localhost:9/callback"}
    granted = service.control("connect/authorize", ask)
    code = re.search(r"code=(\w+)", granted["redirect"])
    assert code is not None
    client = service.client()
    client.oauth.token({"grant_type": "authorization_code", "code": code[1]})
    with pytest.raises(oauth_error.InvalidGrantError):
        client.oauth.token({"grant_type": "authorization_code", "code": code[1]})
    assert service.client("test", granted["account"]).v1.products.list().data == []


def refunds_succeed_at_once(service: Any, receiver: Any) -> None:
    client = service.client()
    paid = service.control(f"checkout/{session(client)}/pay")
    assert client.v1.refunds.create({"payment_intent": paid["payment_intent"]}).status == "succeeded"
    service.advance(days=10)
    assert [kind for kind in receiver.types() if kind.startswith("refund.")] == ["refund.created"]


def bank_debits_take_four_days(service: Any, receiver: Any) -> None:
    client = service.client()
    made = session(client)
    assert client.v1.checkout.sessions.retrieve(made).payment_method_types == ["card", "us_bank_account"]
    service.control(f"checkout/{made}/pay", {"method": "us_bank_account"})
    service.advance(days=3.9)
    assert client.v1.checkout.sessions.retrieve(made).payment_status == "unpaid"
    service.advance(days=0.2)
    assert client.v1.checkout.sessions.retrieve(made).payment_status == "paid"


def accounts_are_ready_at_once(service: Any, receiver: Any) -> None:
    account = service.client().v1.accounts.retrieve(service.connect("test"))
    assert account.charges_enabled and account.details_submitted


def no_rate_limit(service: Any, receiver: Any) -> None:
    client = service.client()
    for _ in range(60):
        client.v1.products.list()
    service.control("faults", {"path": "/v1/products", "status": 429})
    with pytest.raises(stripe.RateLimitError):
        client.v1.products.list()


def no_hosted_invoice_page(service: Any, receiver: Any) -> None:
    client = service.client()
    service.control(f"checkout/{session(client, 'subscription')}/pay")
    assert service.http.get(str(client.v1.invoices.list().data[0].hosted_invoice_url)).status_code == 401


def a_portal_link_lives_an_hour(service: Any, receiver: Any) -> None:
    service.control("portal/default")
    client = service.client()
    link = client.v1.billing_portal.sessions.create({"customer": client.v1.customers.create().id}).url
    service.advance(seconds=3500)
    assert service.http.get(link).status_code == 200
    service.advance(seconds=200)
    assert service.http.get(link).status_code == 410


def the_portal_offers_less(service: Any, receiver: Any) -> None:
    client = service.client()
    features: Any = {"customer_update": {"enabled": True, "allowed_updates": ["email", "address", "tax_id"]}}
    configuration = client.v1.billing_portal.configurations.create({"features": features}).id
    customer = client.v1.customers.create({"email": "old@example.com"}).id
    link = client.v1.billing_portal.sessions.create({"customer": customer, "configuration": configuration}).url
    page = service.http.get(f"{link}/customer").text
    assert 'name="email"' in page and 'name="address"' not in page and 'name="tax_id"' not in page
    assert service.http.post(f"{link}/customer", data={"email": "new@example.com", "name": "X"}).status_code == 303
    after = client.v1.customers.retrieve(customer)
    assert after.email == "new@example.com" and after.name is None


def pages_speak_english(service: Any, receiver: Any) -> None:
    params: Any = {
        "mode": "payment",
        "line_items": [{"price": price(service.client()), "quantity": 1}],
        "success_url": "https://a.b/",
    }
    made = service.client().v1.checkout.sessions.create({**params, "locale": "de"})
    assert made.locale == "de" and "Card number" in service.http.get(str(made.url)).text


def few_currencies(service: Any, receiver: Any) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="Invalid currency: lak"):
        price(service.client(), currency="lak")


DEMONSTRATIONS: list[Callable[[Any, Any], None]] = [
    live_mode_takes_test_cards,
    any_other_card_pays,
    card_0341_pays_once,
    a_declined_subscription_leaves_nothing,
    only_the_pinned_version,
    deliveries_keep_their_order,
    retries_within_seconds,
    events_are_kept,
    dunning_is_fixed,
    no_wait_for_invoice_created,
    a_code_used_twice_keeps_its_token,
    refunds_succeed_at_once,
    bank_debits_take_four_days,
    accounts_are_ready_at_once,
    no_rate_limit,
    no_hosted_invoice_page,
    a_portal_link_lives_an_hour,
    the_portal_offers_less,
    pages_speak_english,
    few_currencies,
]


@pytest.mark.parametrize("demonstration", DEMONSTRATIONS, ids=lambda one: one.__name__)
def test_a_known_difference_is_as_described(
    service: Any, receiver: Any, demonstration: Callable[[Any, Any], None]
) -> None:
    demonstration(service, receiver)


def test_the_document_names_exactly_the_demonstrated_differences() -> None:
    headings = re.findall(r"^### (\S+)$", DOCUMENT, re.MULTILINE)
    assert headings == [one.__name__.replace("_", "-") for one in DEMONSTRATIONS]


def section_of(title: str) -> str:
    return DOCUMENT.partition(f"## {title}\n")[2].partition("\n## ")[0]


def test_the_document_lists_the_endpoints_that_exist() -> None:
    assert coverage.endpoints() in section_of("Endpoints that exist")
    assert section_of("Endpoints that exist").count("\n- ") == len(coverage.TABLE)


def test_the_document_lists_the_refused_parameters(service: Any) -> None:
    assert section_of("Parameters that are refused").endswith("\n\n" + coverage.refused_parameters() + "\n")
    answer = service.client()
    with pytest.raises(stripe.InvalidRequestError, match="does not support `allow_promotion_codes`"):
        answer.v1.checkout.sessions.create({"mode": "payment", "allow_promotion_codes": True})


def test_every_supported_parameter_exists_at_stripe() -> None:
    for route in coverage.TABLE:
        known = set(coverage.fields_of(route.params))
        assert set(coverage.handled_tree(route.handles)) <= known, f"{route.method} {route.path}"
