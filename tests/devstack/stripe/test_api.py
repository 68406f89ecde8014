"""Rules of the API that hold for all resources: keys, accounts, modes, parameters, idempotency, lists, expansion."""

import concurrent.futures
import json
from typing import Any

import httpx
import pytest
import stripe

KEY = "sk_test_local0000000000000001"


@pytest.fixture
def http(service: Any) -> Any:
    with httpx.Client(
        base_url=service.url, headers={"Authorization": f"Bearer {KEY}"}, trust_env=False, timeout=30
    ) as client:
        yield client


def error(answer: httpx.Response) -> dict[str, Any]:
    return answer.json()["error"]


def test_unknown_keys_are_refused(service: Any) -> None:
    for headers in ({}, {"Authorization": "Bearer sk_test_other000000000000"}, {"Authorization": "Bearer pk_test_x"}):
        answer = httpx.get(f"{service.url}/v1/products", headers=headers, trust_env=False)
        assert answer.status_code == 401 and error(answer)["type"] == "invalid_request_error"
        assert "sk_test_other" not in answer.text


def test_only_connected_accounts_may_be_used(service: Any) -> None:
    stranger = service.control("accounts")["id"]
    with pytest.raises(stripe.PermissionError) as refused:
        service.client("test", stranger).v1.products.list()
    body: Any = refused.value.json_body
    assert refused.value.http_status == 403 and body["error"]["code"] == "account_invalid"
    tested = service.connect("test")
    assert service.client("test", tested).v1.products.list().data == []
    with pytest.raises(stripe.PermissionError):
        service.client("live", tested).v1.products.list()
    both = service.connect("live")
    assert (
        service.client("test", both).v1.products.list().data
        == service.client("live", both).v1.products.list().data
        == []
    )


def test_accounts_and_modes_see_nothing_of_each_other(service: Any) -> None:
    one, two = service.connect("live"), service.connect("live")
    made = service.client("test", one).v1.products.create({"name": "Mine"})
    for other in (
        service.client("live", one),
        service.client("test", two),
        service.client("test"),
        service.client("live"),
    ):
        assert other.v1.products.list().data == []
        with pytest.raises(stripe.InvalidRequestError) as missing:
            other.v1.products.update(made.id, {"name": "Stolen"})
        assert missing.value.http_status == 404 and missing.value.code == "resource_missing"


@pytest.mark.parametrize(
    ("path", "body", "param", "code"),
    [
        ("/v1/products", {}, "name", "parameter_missing"),
        ("/v1/products", {"name": ""}, "name", "parameter_invalid_empty"),
        ("/v1/products", {"name": "x", "nmae": "y"}, "nmae", "parameter_unknown"),
        ("/v1/products", {"name": "x", "metadata[k]": "v" * 501}, "metadata", None),
        ("/v1/prices", {"unit_amount": "1", "product": "prod_1"}, "currency", "parameter_missing"),
        ("/v1/prices", {"currency": "usd", "unit_amount": "1.5", "product": "prod_1"}, "unit_amount", "parameter_invalid_integer"),
        ("/v1/prices", {"currency": "usd", "unit_amount": "1", "product": "prod_1"}, "product", "resource_missing"),
        ("/v1/prices", {"currency": "usd", "recurring[interval]": "moon"}, "recurring[interval]", None),
        ("/v1/prices", {"currency": "usd", "recurring[x]": "1"}, "recurring[x]", "parameter_unknown"),
        ("/v1/checkout/sessions", {"success_url": "https://a.b"}, "mode", "parameter_missing"),
        ("/v1/checkout/sessions", {"mode": "payment", "success_url": "https://a.b"}, "line_items", "parameter_missing"),
        ("/v1/billing_portal/sessions", {}, "customer", "parameter_missing"),
        ("/v1/billing_portal/configurations", {}, "features", "parameter_missing"),
    ],
)  # fmt: skip
def test_wrong_parameters_are_named(
    http: httpx.Client, path: str, body: dict[str, str], param: str, code: str | None
) -> None:
    answer = http.post(path, data=body)
    assert answer.status_code == 400 and error(answer)["param"] == param and error(answer).get("code") == code
    assert error(answer)["type"] == "invalid_request_error" and answer.headers["request-id"].startswith("req_")


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"expires_at": 29 * 60}, "expires_at"),
        ({"expires_at": 24 * 3600 + 60}, "expires_at"),
        ({"success_url": "nowhere"}, "success_url"),
        ({"mode": "subscription"}, "mode"),
        ({"subscription_data": {"trial_period_days": 3}}, "subscription_data"),
        ({"customer": "cus_nobody"}, "customer"),
        ({"line_items": [{"price": "price_gone", "quantity": 1}]}, "line_items[0][price]"),
        ({"line_items": [{"price": "ARCHIVED", "quantity": 1}]}, "line_items[0][price]"),
        ({"line_items": [{"price": "PRICE"}]}, "line_items[0][quantity]"),
        ({"ui_mode": "hosted"}, "ui_mode"),
        ({"payment_method_types": ["card"]}, "payment_method_types"),
    ],
)
def test_checkout_refuses_what_stripe_refuses(service: Any, client: Any, change: dict[str, Any], param: str) -> None:
    now = service.look("clock")["now"]
    product = client.v1.products.create({"name": "Mug"})
    ids = {
        name: client.v1.prices.create(
            {"product": product.id, "currency": "usd", "unit_amount": 900, "active": name == "PRICE"}
        ).id
        for name in ("PRICE", "ARCHIVED")
    }
    if "expires_at" in change:
        change = {"expires_at": now + change["expires_at"]}
    params: Any = {
        "mode": "payment",
        "success_url": "https://a.b/",
        "line_items": [{"price": "PRICE", "quantity": 1}],
        **change,
    }
    for line in params["line_items"]:
        line = line.update(price=ids.get(line["price"], line["price"]))
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.checkout.sessions.create(params)
    assert refused.value.http_status == 400 and refused.value.param == param


def test_a_session_can_exclude_payment_methods(client: Any) -> None:
    price = client.v1.prices.create({"product_data": {"name": "Mug"}, "currency": "usd", "unit_amount": 900})
    params: Any = {"mode": "payment", "line_items": [{"price": price.id, "quantity": 1}], "success_url": "https://a.b/"}
    for more in ({"allowed_payment_method_types": ["card"]}, {"excluded_payment_method_types": ["us_bank_account"]}):
        assert client.v1.checkout.sessions.create({**params, **more}).payment_method_types == ["card"]
    with pytest.raises(stripe.InvalidRequestError, match="No valid payment method types"):
        client.v1.checkout.sessions.create({**params, "excluded_payment_method_types": ["us_bank_account", "card"]})


def test_only_the_pinned_version_is_accepted(http: httpx.Client) -> None:
    assert http.get("/v1/products").headers["stripe-version"] == stripe.api_version
    assert http.get("/v1/products", headers={"Stripe-Version": "2020-08-27"}).status_code == 400


def test_a_repeat_with_the_same_key_gets_the_first_answer(http: httpx.Client) -> None:
    first = http.post("/v1/products", data={"name": "Mug"}, headers={"Idempotency-Key": "k"})
    again = http.post("/v1/products", data={"name": "Mug"}, headers={"Idempotency-Key": "k"})
    assert first.json() == again.json() and first.headers["request-id"] == again.headers["request-id"]
    assert "idempotent-replayed" not in first.headers and again.headers["idempotent-replayed"] == "true"
    changed = http.post("/v1/products", data={"name": "Cup"}, headers={"Idempotency-Key": "k"})
    elsewhere = http.post("/v1/customers", data={"name": "Mug"}, headers={"Idempotency-Key": "k"})
    for answer in (changed, elsewhere):
        assert answer.status_code == 400 and error(answer)["type"] == "idempotency_error"
    assert len(http.get("/v1/products").json()["data"]) == 1


def test_the_key_of_a_request_that_fails_validation_can_be_used_again(http: httpx.Client) -> None:
    assert http.post("/v1/products", data={}, headers={"Idempotency-Key": "k"}).status_code == 400
    assert http.post("/v1/products", data={"name": "Mug"}, headers={"Idempotency-Key": "k"}).status_code == 200


def test_idempotency_keys_belong_to_one_account_and_mode(service: Any) -> None:
    account = service.connect("live")
    made = {
        service.client(mode, owner).v1.products.create({"name": "Mug"}, {"idempotency_key": "same"}).id
        for mode in ("test", "live")
        for owner in (None, account)
    }
    assert len(made) == 4


def test_a_concurrent_repeat_is_refused_with_409(service: Any, http: httpx.Client) -> None:
    service.control("faults", {"method": "POST", "path": "/v1/products", "seconds": 1.0, "status": None})

    def create() -> int:
        return http.post("/v1/products", data={"name": "Mug"}, headers={"Idempotency-Key": "k"}).status_code

    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        statuses = sorted(pool.map(lambda _: create(), range(2)))
    assert statuses == [200, 409]
    assert len(http.get("/v1/products").json()["data"]) == 1


def test_a_retry_gets_the_answer_that_was_lost(service: Any) -> None:
    client = stripe.StripeClient(KEY, base_addresses={"api": service.url}, max_network_retries=2)
    service.control("faults", {"method": "POST", "path": "/v1/products", "status": 503, "after": True})
    made = client.v1.products.create({"name": "Mug"})
    assert [row.id for row in client.v1.products.list().data] == [made.id]
    counts = service.look("calls", method="POST", path="/v1/products")
    assert counts["byRoute"] == {"POST /v1/products": 2} and [c["replayed"] for c in counts["calls"]] == [False, True]


def test_lists_are_paged_newest_first_in_both_directions(client: Any) -> None:
    ids = [client.v1.products.create({"name": f"P{n}"}).id for n in range(5)][::-1]
    first = client.v1.products.list({"limit": 2})
    assert [p.id for p in first.data] == ids[:2] and first.has_more and first.url == "/v1/products"
    second = client.v1.products.list({"limit": 2, "starting_after": ids[1]})
    assert [p.id for p in second.data] == ids[2:4] and second.has_more
    back = client.v1.products.list({"limit": 2, "ending_before": ids[4]})
    assert [p.id for p in back.data] == ids[2:4] and back.has_more
    assert [p.id for p in client.v1.products.list({"limit": 2}).auto_paging_iter()] == ids


def test_ids_are_expanded_into_objects(client: Any) -> None:
    product = client.v1.products.create({"name": "Pro", "default_price_data": {"currency": "usd", "unit_amount": 900}})
    listed = client.v1.prices.list({"expand": ["data.product"]})
    assert listed.data[0].product.name == "Pro"
    assert client.v1.products.retrieve(product.id, {"expand": ["default_price"]}).default_price.unit_amount == 900
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.products.retrieve(product.id, {"expand": ["name"]})
    assert refused.value.param == "expand[0]"


def test_prices_are_archived_not_deleted(client: Any) -> None:
    product = client.v1.products.create({"name": "Pro", "default_price_data": {"currency": "usd", "unit_amount": 900}})
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.prices.update(str(product.default_price), {"active": False})
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.products.delete(product.id)
    other = client.v1.prices.create({"product": product.id, "currency": "usd", "unit_amount": 1, "lookup_key": "pro"})
    assert client.v1.prices.update(other.id, {"active": False}).active is False
    assert [p.id for p in client.v1.prices.list({"lookup_keys": ["pro"], "active": False}).data] == [other.id]
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.prices.create({"product": product.id, "currency": "usd", "unit_amount": 2, "lookup_key": "pro"})
    moved = client.v1.prices.create(
        {"product": product.id, "currency": "usd", "unit_amount": 2, "lookup_key": "pro", "transfer_lookup_key": True}
    )
    assert moved.lookup_key == "pro" and client.v1.prices.retrieve(other.id).lookup_key is None


def test_metadata_is_merged_and_cleared(client: Any) -> None:
    customer = client.v1.customers.create({"metadata": {"a": "1", "b": "2"}})
    assert client.v1.customers.update(customer.id, {"metadata": {"a": "", "c": "3"}}).metadata.to_dict() == {
        "b": "2",
        "c": "3",
    }
    assert client.v1.customers.update(customer.id, {"metadata": ""}).metadata.to_dict() == {}


def test_deleting_a_customer_cancels_its_subscriptions(service: Any, client: Any, receiver: Any) -> None:
    customer = client.v1.customers.create({"email": "ada@example.com"})
    price = client.v1.prices.create(
        {"product_data": {"name": "Pro"}, "currency": "usd", "unit_amount": 900, "recurring": {"interval": "month"}}
    )
    session = client.v1.checkout.sessions.create(
        {
            "mode": "subscription",
            "customer": customer.id,
            "line_items": [{"price": price.id, "quantity": 1}],
            "success_url": "https://a.b/",
        }
    )
    paid = service.control(f"checkout/{session.id}/pay")
    assert paid["customer"] == customer.id
    assert client.v1.customers.delete(customer.id).deleted
    assert client.v1.customers.retrieve(customer.id).deleted
    assert client.v1.subscriptions.retrieve(paid["subscription"]).status == "canceled"
    assert client.v1.customers.list({"email": "ada@example.com"}).data == []
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.checkout.sessions.create(
            {
                "mode": "payment",
                "customer": customer.id,
                "line_items": [{"price": price.id, "quantity": 1}],
                "success_url": "https://a.b/",
            }
        )
    assert refused.value.param == "customer"


def test_the_state_outlives_a_restart(service: Any, client: Any) -> None:
    product = client.v1.products.create({"name": "Mug"}, {"idempotency_key": "k"})
    account = service.connect("test")
    service.control("clock", {"advanceSeconds": 1000})
    service.stop()
    service.start_process()
    assert client.v1.products.retrieve(product.id).name == "Mug"
    assert client.v1.products.create({"name": "Mug"}, {"idempotency_key": "k"}).id == product.id
    assert service.client("test", account).v1.products.list().data == []
    assert service.look("clock")["offsetSeconds"] == 1000


def test_a_switch_without_the_items_id_adds_a_second_item(service: Any, client: Any) -> None:
    prices = [
        client.v1.prices.create(
            {"product_data": {"name": name}, "currency": "usd", "unit_amount": 900, "recurring": {"interval": "month"}}
        ).id
        for name in ("Basic", "Pro")
    ]
    session = client.v1.checkout.sessions.create(
        {"mode": "subscription", "line_items": [{"price": prices[0], "quantity": 1}], "success_url": "https://a.b/"}
    )
    subscription = service.control(f"checkout/{session.id}/pay")["subscription"]
    changed = client.v1.subscriptions.update(subscription, {"items": [{"price": prices[1]}]})
    assert [item.price.id for item in changed["items"].data] == prices


def test_hostile_input_never_breaks_the_service(http: httpx.Client) -> None:
    bodies = [
        "a[b",
        "[]=1",
        "name[x]=1&name=2",
        "name=%ff%fe",
        "expand=1&name=x",
        "=x",
        json.dumps({"name": "x"}),
        "name[0][1]=z",
    ]
    for body in bodies:
        answer = http.post("/v1/products", content=body, headers={"Content-Type": "application/x-www-form-urlencoded"})
        assert answer.status_code in (200, 400), (body, answer.text)
    assert http.get("/v1/products/%00").status_code == 404
    assert http.get("/v1/products?limit=999999999999999999999").status_code == 400
