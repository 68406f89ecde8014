"""What goes over the wire to Stripe, and what becomes of Stripe's refusals and silences."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from urllib.parse import parse_qs, parse_qsl

import pytest
import stripe

from dream.clients.stripe import http as stripe_http
from dream.clients.stripe.account import StripeAccount, connected_account, platform_account
from dream.clients.stripe.checkout_sessions import CheckoutLine
from dream.clients.stripe.connect import Connection, authorize_url, deauthorize, exchange_code
from dream.clients.stripe.http import API_VERSION, MAXIMUM_RETRIES, TIMEOUT_SECONDS, StripeRefused
from dream.errors import ApiError, Unavailable, VendorFailed
from dream.runtime.bindings import FetchResponse, VendorUnreachable
from tests.dream.clients.conftest import stripe_settings
from tests.support.fake_fetch import Answering, Call, FakeFetch, json_answer, unreachable
from tests.support.world import World

SETTINGS = {key: value for key, value in stripe_settings("").items() if not key.endswith("_BASE")}
PRODUCT = {"id": "prod_1", "object": "product"}


def refusal(status: int, **error: str) -> Answering:
    return lambda call: json_answer({"error": {"message": "sk_live_secret must not be shown", **error}}, status)


@pytest.fixture
def world() -> World:
    return World(FakeFetch(lambda call: json_answer(PRODUCT)), SETTINGS)


def create_product(world: World, account: StripeAccount | None = None) -> Call:
    account = account or connected_account(world.context, "test", "acct_1")
    asyncio.run(account.create_product("Pro", metadata={"publishableKey": "pk_1"}, idempotency_key="draft_1:pro"))
    return world.fetch.calls[-1]


def error_of(world: World, answering: Answering) -> ApiError:
    world.fetch.answering = answering
    with pytest.raises(ApiError) as raised:
        create_product(world)
    shown = str(raised.value.to_json())
    assert "sk_live_secret" not in shown and "acct_1" not in shown
    return raised.value


# What is sent


def test_the_version_is_the_one_that_the_package_is_made_for() -> None:
    assert stripe.api_version == API_VERSION


def test_a_call_is_told_everything(world: World) -> None:
    call = create_product(world)
    assert (call.method, call.url) == ("POST", "https://api.stripe.com/v1/products")
    assert call.headers["Authorization"] == f"Bearer {SETTINGS['STRIPE_SECRET_KEY_TEST']}"
    assert call.headers["Stripe-Account"] == "acct_1"
    assert call.headers["Stripe-Version"] == API_VERSION
    assert call.headers["Idempotency-Key"] == "draft_1:pro"
    assert call.timeout_seconds == TIMEOUT_SECONDS
    assert dict(parse_qsl(call.text)) == {"name": "Pro", "metadata[publishableKey]": "pk_1"}


def test_the_mode_picks_the_key_and_nothing_else_does(world: World) -> None:
    call = create_product(world, connected_account(world.context, "live", "acct_1"))
    assert call.headers["Authorization"] == f"Bearer {SETTINGS['STRIPE_SECRET_KEY_LIVE']}"


def test_the_platforms_own_calls_name_no_account(world: World) -> None:
    assert "Stripe-Account" not in create_product(world, platform_account(world.context, "test")).headers


def test_nothing_is_told_about_the_machine(world: World) -> None:
    create_product(world)
    call = create_product(world)
    assert "X-Stripe-Client-Telemetry" not in call.headers
    assert "platform" not in call.headers["X-Stripe-Client-User-Agent"]


def test_addresses_come_from_the_settings() -> None:
    world = World(FakeFetch(lambda call: json_answer(PRODUCT)), stripe_settings("http://localhost:9"))
    assert create_product(world).url == "http://localhost:9/v1/products"


def test_a_mode_without_a_key_is_our_failure() -> None:
    with pytest.raises(Unavailable):
        create_product(World())


def test_ids_from_outside_stay_one_segment_of_the_path(world: World) -> None:
    world.fetch.answering = refusal(404, code="resource_missing")
    with pytest.raises(StripeRefused):
        asyncio.run(platform_account(world.context, "test").retrieve_subscription("sub_1/../../customers?x=1#"))
    assert world.fetch.calls[0].url.startswith("https://api.stripe.com/v1/subscriptions/sub_1%2F")
    assert "?" not in world.fetch.calls[0].url and "#" not in world.fetch.calls[0].url


def test_a_cart_keeps_its_metadata_on_the_payment(world: World) -> None:
    world.fetch.answering = refusal(400, code="parameter_invalid")
    account = connected_account(world.context, "test", "acct_1")
    with pytest.raises(StripeRefused):
        asyncio.run(
            account.create_payment_checkout(
                [CheckoutLine("price_1", 2), CheckoutLine("price_2", 1)],
                client_reference_id="ord_1",
                success_url="https://shop.example/?s={CHECKOUT_SESSION_ID}",
                cancel_url="https://shop.example/",
                expires_at_seconds=1_800_000_000,
                metadata={"orderId": "ord_1"},
                idempotency_key="ord_1",
            )
        )
    sent = parse_qs(world.fetch.calls[0].text)
    assert sent["metadata[orderId]"] == sent["payment_intent_data[metadata][orderId]"] == ["ord_1"]
    assert sent["line_items[0][price]"] == ["price_1"] and sent["line_items[0][quantity]"] == ["2"]
    assert sent["success_url"] == ["https://shop.example/?s={CHECKOUT_SESSION_ID}"]
    assert "customer_email" not in sent


# What comes back


@pytest.mark.parametrize(
    ("status", "code", "asks"),
    [
        (404, "resource_missing", lambda refused: refused.is_missing),
        (402, "card_declined", lambda refused: refused.http_status == 402),
        (403, "account_invalid", lambda refused: refused.is_disconnected),
        (400, "parameter_unknown", lambda refused: refused.param == "x"),
    ],
)
def test_a_refusal_can_be_told_apart(
    world: World, status: int, code: str, asks: Callable[[StripeRefused], bool]
) -> None:
    refused = error_of(world, refusal(status, code=code, param="x", type="invalid_request_error"))
    assert isinstance(refused, StripeRefused) and refused.status == 502
    assert asks(refused) and refused.http_status == status


def test_a_reused_idempotency_key_is_a_refusal(world: World) -> None:
    refused = error_of(world, refusal(400, type="idempotency_error"))
    assert isinstance(refused, StripeRefused) and refused.stripe_code == "idempotency_error"


@pytest.mark.parametrize(
    "answering",
    [
        refusal(401, type="invalid_request_error"),
        lambda call: FetchResponse(200, {}, b"<html>"),
        lambda call: FetchResponse(200, {}, b"\xff\xfe"),
        lambda call: FetchResponse(200, {}, b"{}"),
        lambda call: FetchResponse(302, {"location": "https://elsewhere.example"}, b""),
        lambda call: FetchResponse(400, {}, b"{}"),
        lambda call: FetchResponse(400, {}, b"[]"),
    ],
)
def test_what_is_stripes_or_our_fault_is_a_502(world: World, answering: Answering) -> None:
    failed = error_of(world, answering)
    assert isinstance(failed, VendorFailed) and failed.status == 502


@pytest.mark.usefixtures("waits")
def test_too_many_calls_are_a_503(world: World) -> None:
    assert error_of(world, refusal(429, code="rate_limit")).status == 503


def test_a_refused_connection_is_tried_again_and_then_a_503(world: World, waits: list[float]) -> None:
    assert isinstance(error_of(world, unreachable), Unavailable)
    assert len(world.fetch.calls) == 1 + MAXIMUM_RETRIES and len(waits) == MAXIMUM_RETRIES
    assert len({call.headers["Idempotency-Key"] for call in world.fetch.calls}) == 1


def test_a_call_that_timed_out_is_not_tried_again(
    world: World, waits: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    moments = iter([0.0, TIMEOUT_SECONDS])
    monkeypatch.setattr(stripe_http, "time", type("Time", (), {"monotonic": staticmethod(lambda: next(moments))}))

    def silent(call: Call) -> FetchResponse:
        raise VendorUnreachable("timed out")

    assert error_of(world, silent).status == 503
    assert len(world.fetch.calls) == 1 and not waits


@pytest.mark.parametrize("status", [409, 500, 503])
def test_a_passing_failure_goes_unnoticed(world: World, waits: list[float], status: int) -> None:
    world.fetch.answering = lambda call: (
        refusal(status)(call) if len(world.fetch.calls) <= MAXIMUM_RETRIES else json_answer(PRODUCT)
    )
    create_product(world)
    assert len(waits) == MAXIMUM_RETRIES


@pytest.mark.usefixtures("waits")
def test_a_lasting_failure_is_a_502(world: World) -> None:
    assert error_of(world, refusal(500)).status == 502


def test_stripe_may_ask_not_to_be_asked_again(world: World, waits: list[float]) -> None:
    answer = json_answer({"error": {"message": "no"}}, 500, stripe_should_retry="false")
    error_of(world, lambda call: answer)
    assert not waits


# Connect


def test_the_consent_page_is_asked_for_full_access(world: World) -> None:
    url = authorize_url(world.context, "live", redirect_uri="https://connect.example/callback", state="a&b=c")
    address, _, query = url.partition("?")
    assert address == "https://connect.stripe.com/oauth/authorize"
    assert dict(parse_qsl(query)) == {
        "client_id": SETTINGS["STRIPE_CLIENT_ID_LIVE"],
        "redirect_uri": "https://connect.example/callback",
        "response_type": "code",
        "scope": "read_write",
        "state": "a&b=c",
    }


def test_a_code_is_traded_with_the_key_of_the_mode(world: World) -> None:
    token = {"stripe_user_id": "acct_1", "scope": "read_write", "livemode": True, "access_token": "sk_live_secret"}
    world.fetch.answering = lambda call: json_answer(token)
    found = asyncio.run(exchange_code(world.context, "live", "ac_1"))
    assert found == Connection("acct_1", "read_write", True)
    call = world.fetch.calls[0]
    assert call.url == "https://connect.stripe.com/oauth/token"
    assert call.headers["Authorization"] == f"Bearer {SETTINGS['STRIPE_SECRET_KEY_LIVE']}"
    assert dict(parse_qsl(call.text)) == {"grant_type": "authorization_code", "code": "ac_1"}
    assert "sk_live_secret" not in repr(found)


def test_a_used_code_is_told_apart(world: World) -> None:
    world.fetch.answering = lambda call: json_answer(
        {"error": "invalid_grant", "error_description": "Authorization code does not exist: ac_1"}, 400
    )
    with pytest.raises(StripeRefused) as refused:
        asyncio.run(exchange_code(world.context, "test", "ac_1"))
    assert refused.value.stripe_code == "invalid_grant"
    assert "ac_1" not in str(refused.value.to_json())


def test_a_code_cannot_smuggle_parameters(world: World) -> None:
    world.fetch.answering = lambda call: json_answer({"error": "invalid_grant"}, 400)
    with pytest.raises(StripeRefused):
        asyncio.run(exchange_code(world.context, "test", "ac_1&grant_type=refresh_token"))
    assert dict(parse_qsl(world.fetch.calls[0].text))["grant_type"] == "authorization_code"


def test_disconnecting_twice_is_no_failure(world: World) -> None:
    world.fetch.answering = lambda call: json_answer({"stripe_user_id": "acct_1"})
    assert asyncio.run(deauthorize(world.context, "test", "acct_1"))
    world.fetch.answering = lambda call: json_answer(
        {"error": "invalid_client", "error_description": "not connected"}, 401
    )
    assert not asyncio.run(deauthorize(world.context, "test", "acct_1"))
