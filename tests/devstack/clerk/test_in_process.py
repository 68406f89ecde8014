"""The Clerk stand-in runs in the process of a test: without server and sockets. The test decides when webhooks are sent."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import httpx
from standardwebhooks import Webhook

from devstack.clerk.app import create_app, stand_in_of
from devstack.clerk.config import Config, publishable_key
from devstack.kit.clock import SteppedTime
from devstack.kit.sender import Answer, Unreachable

SECRET = "whsec_c3RhbmQtaW4td2ViaG9vay1zZWNyZXQ="
CONFIG = {
    "publicUrl": "http://clerk.test",
    "instances": [
        {
            "name": "endUsersTest",
            "publishableKey": publishable_key("end-users.clerk.accounts.dev", live=False),
            "secretKey": "sk_test_end_users",
            "issuer": "http://clerk.test/end-users",
            "webhook": {"url": "http://sign-up.test/webhook", "secret": SECRET},
        }
    ],
    "webhookRetrySeconds": [5],
}


class Receiver:
    """Answers 200 or is unreachable. It stores what it received."""

    def __init__(self) -> None:
        self.reachable = True
        self.sent: list[tuple[Mapping[str, str], bytes]] = []

    async def __call__(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        if not self.reachable:
            raise Unreachable("nobody listens")
        self.sent.append((headers, body))
        return Answer(200, "thank you")


class Application:
    """The stand-in, a receiver of its webhooks, and a client of its controls. No socket is opened."""

    def __init__(self) -> None:
        self.receiver = Receiver()
        self.time = SteppedTime()
        app = create_app(Config.from_json(CONFIG), sender=self.receiver, real_time=self.time)
        self.stand_in = stand_in_of(app)
        self.http = httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://clerk.test")

    async def control(self, path: str, **fields: Any) -> Any:
        answer = await self.http.post(f"/_devstack/{path}", json={"instance": "endUsersTest", **fields})
        assert answer.status_code == 200, answer.text
        return answer.json()


def test_a_webhook_is_sent_when_the_test_asks_for_it_and_signed_at_the_tests_time() -> None:
    async def story(application: Application) -> None:
        user = await application.control("users", email="ada@example.com")
        assert application.receiver.sent == []
        assert await application.stand_in.deliver_due() == 1
        ((headers, body),) = application.receiver.sent
        assert headers["svix-timestamp"] == str(int(application.time()))
        signed = datetime.fromtimestamp(int(application.time()), UTC)
        assert headers["svix-signature"] == Webhook(SECRET).sign(headers["svix-id"], signed, body.decode())
        assert json.loads(body)["data"]["id"] == user["id"]
        (delivery,) = (await application.http.get("/_devstack/webhooks")).json()["deliveries"]
        assert (delivery["status"], delivery["attempts"][0]["answer"]) == ("delivered", "thank you")

    asyncio.run(story(Application()))


def test_an_unreachable_receiver_gets_the_webhook_after_the_time_is_stepped() -> None:
    async def story(application: Application) -> None:
        application.receiver.reachable = False
        await application.control("users", email="ada@example.com")
        assert await application.stand_in.deliver_due() == 1
        application.receiver.reachable = True
        assert await application.stand_in.deliver_due() == 0
        application.time.step(5)
        assert await application.stand_in.deliver_due() == 1
        (delivery,) = (await application.http.get("/_devstack/webhooks")).json()["deliveries"]
        assert [attempt["answer"] for attempt in delivery["attempts"]] == ["nobody listens", "thank you"]

    asyncio.run(story(Application()))


def test_a_session_token_has_the_stepped_time() -> None:
    async def story(application: Application) -> None:
        user = await application.control("users", email="ada@example.com")
        first = await application.control("tokens", userId=user["id"])
        application.time.step(3600)
        second = await application.control("tokens", userId=user["id"])
        assert second["claims"]["iat"] - first["claims"]["iat"] == 3600

    asyncio.run(story(Application()))
