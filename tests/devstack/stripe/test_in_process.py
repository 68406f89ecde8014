"""The Stripe stand-in runs in the process of a test: without server and sockets. The test decides when webhooks are sent."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any

import httpx
import stripe

from devstack.kit.clock import SteppedTime
from devstack.stripe.app import create_app, stand_in_of
from devstack.stripe.config import Config

SECRET = "whsec_platform"
CONFIG = {
    "keys": {"test": "sk_test_platform", "live": "sk_live_platform"},
    "publicUrl": "http://stripe.test",
    "platformAccount": "acct_platform",
    "retryBaseSeconds": 60,
    "retryAttempts": 3,
    "webhookEndpoints": [{"url": "http://api.test/webhook", "secret": SECRET, "connect": False, "livemode": None}],
    "clockSubscribers": ["http://api.test/clock"],
}


class Receiver:
    """Answers with `status`, and stores what it received."""

    def __init__(self) -> None:
        self.status = 200
        self.sent: list[tuple[str, Mapping[str, str], bytes]] = []

    async def __call__(self, url: str, headers: Mapping[str, str], body: bytes) -> int:
        self.sent.append((url, headers, body))
        return self.status

    def types(self) -> list[str]:
        return [json.loads(body)["type"] for url, _, body in self.sent if url.endswith("/webhook")]


class Platform:
    """The stand-in, a receiver of its webhooks, and a client of its API. No socket is opened."""

    def __init__(self) -> None:
        self.receiver = Receiver()
        self.time = SteppedTime()
        app = create_app(Config.from_json(CONFIG), sender=self.receiver, real_time=self.time)
        self.stand_in = stand_in_of(app)
        self.http = httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://stripe.test")

    async def post(self, path: str, **fields: Any) -> dict[str, Any]:
        headers = {"Authorization": "Bearer sk_test_platform"}
        answer = await self.http.post(path, data=fields, headers=headers)
        assert answer.status_code == 200, answer.text
        return answer.json()


def test_a_webhook_is_sent_when_the_test_asks_for_it_and_signed_at_the_tests_time() -> None:
    async def story(platform: Platform) -> None:
        await platform.post("/v1/products", name="Mug")
        assert platform.receiver.sent == []
        assert await platform.stand_in.deliver_due() == 1
        assert await platform.stand_in.deliver_due() == 0
        ((url, headers, body),) = platform.receiver.sent
        assert url == "http://api.test/webhook"
        assert f"t={int(platform.time())}," in headers["Stripe-Signature"]
        event = stripe.Webhook.construct_event(body, headers["Stripe-Signature"], SECRET)
        assert event.type == "product.created"

    asyncio.run(story(Platform()))


def test_a_refused_webhook_is_due_again_after_the_time_is_stepped() -> None:
    async def story(platform: Platform) -> None:
        platform.receiver.status = 500
        await platform.post("/v1/products", name="Mug")
        assert await platform.stand_in.deliver_due() == 1
        assert await platform.stand_in.deliver_due() == 0
        platform.time.step(60)
        assert await platform.stand_in.deliver_due() == 1
        platform.receiver.status = 200
        platform.time.step(120)
        assert await platform.stand_in.deliver_due() == 1
        (delivery,) = platform.stand_in.deliveries.queue.newest(10)
        assert (delivery.state, delivery.attempts) == ("delivered", 3)
        assert len({body for _, _, body in platform.receiver.sent}) == 1

    asyncio.run(story(Platform()))


def test_stepped_time_fires_timers_and_the_clock_control_sends_the_offset_to_subscribers() -> None:
    async def story(platform: Platform) -> None:
        price = await platform.post(
            "/v1/prices", **{"product_data[name]": "Mug", "currency": "usd", "unit_amount": "900"}
        )
        line = {"line_items[0][price]": price["id"], "line_items[0][quantity]": "1"}
        await platform.post("/v1/checkout/sessions", mode="payment", success_url="http://shop.test/", **line)
        await platform.stand_in.deliver_due()
        platform.time.step(25 * 3600)
        await platform.stand_in.deliver_due()
        assert platform.receiver.types()[-1] == "checkout.session.expired"
        await platform.http.post("/_devstack/clock", json={"advanceSeconds": 60})
        url, _, body = platform.receiver.sent[-1]
        assert (url, json.loads(body)) == ("http://api.test/clock", {"offsetSeconds": 60})

    asyncio.run(story(Platform()))


def test_a_payment_sends_its_webhooks_before_the_buyer_is_sent_back() -> None:
    async def story(platform: Platform) -> None:
        price = await platform.post(
            "/v1/prices", **{"product_data[name]": "Mug", "currency": "usd", "unit_amount": "900"}
        )
        line = {"line_items[0][price]": price["id"], "line_items[0][quantity]": "1"}
        session = await platform.post("/v1/checkout/sessions", mode="payment", success_url="http://shop.test/", **line)
        await platform.http.post(f"/_devstack/checkout/{session['id']}/pay", json={})
        assert "checkout.session.completed" in platform.receiver.types()
        assert (await platform.http.get("/_devstack/webhooks/idle")).json()["idle"] is True

    asyncio.run(story(Platform()))


def test_one_app_serves_one_event_loop_after_another() -> None:
    platform = Platform()
    for _ in range(2):
        asyncio.run(platform.post("/v1/products", name="Mug"))
        assert asyncio.run(platform.stand_in.deliver_due()) == 1
