"""Webhooks have Clerk's events, are signed and retried as by Svix, and tests can disturb them."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

NewEmail = Callable[[], str]
SECRET = "whsec_c3RhbmQtaW4td2ViaG9vay1zZWNyZXQ="


def verify(delivery: Any, secret: str = SECRET, **changed: str) -> Any:
    """The event. Raises WebhookVerificationError if the Standard Webhooks library, which Svix wrote, refuses the signature."""
    headers = {name.replace("svix-", "webhook-"): value for name, value in delivery.headers.items()}
    return Webhook(secret).verify(delivery.body, {**headers, **changed})


def idle(clerk: Any) -> None:
    assert clerk.control("POST", "webhooks/wait-idle", timeoutSeconds=15) == {"idle": True}


@pytest.fixture
def make_user(clerk: Any, new_email: NewEmail) -> Callable[[], dict[str, Any]]:
    return lambda: clerk.control("POST", "users", instance="endUsersTest", email=new_email())


def test_creating_updating_and_deleting_a_user_sends_signed_events(
    clerk: Any, receiver: Any, users: httpx.Client, make_user: Callable[[], dict[str, Any]]
) -> None:
    user = make_user()
    users.patch(f"/users/{user['id']}/metadata", json={"public_metadata": {"plan": "pro"}})
    users.delete(f"/users/{user['id']}")
    idle(clerk)
    instances = {item["name"]: item for item in clerk.control("GET", "instances")["instances"]}
    for type in ("user.created", "user.updated", "user.deleted"):
        (delivery,) = receiver.events(type, user["id"])
        event = verify(delivery)
        assert delivery.path == "/end-users-test"
        assert (event["object"], event["type"]) == ("event", type)
        assert event["instance_id"] == instances["endUsersTest"]["id"]
        assert abs(event["timestamp"] - time.time() * 1000) < 60_000
    created = receiver.events("user.created", user["id"])[0].event["data"]
    assert created == user
    updated = receiver.events("user.updated", user["id"])[0].event["data"]
    assert updated["public_metadata"] == {"plan": "pro"}
    deleted = receiver.events("user.deleted", user["id"])[0].event["data"]
    assert deleted == {"id": user["id"], "object": "user", "deleted": True}


def test_creating_and_revoking_a_session_sends_events(
    clerk: Any, receiver: Any, users: httpx.Client, make_user: Callable[[], dict[str, Any]]
) -> None:
    session = users.post("/sessions", json={"user_id": make_user()["id"]}).json()
    users.post(f"/sessions/{session['id']}/revoke")
    idle(clerk)
    assert len(receiver.events("session.created", session["id"])) == 1
    assert len(receiver.events("session.revoked", session["id"])) == 1


def test_a_changed_body_secret_or_id_does_not_verify(
    clerk: Any, receiver: Any, make_user: Callable[[], dict[str, Any]]
) -> None:
    user = make_user()
    idle(clerk)
    (delivery,) = receiver.events("user.created", user["id"])
    verify(delivery)
    with pytest.raises(WebhookVerificationError):
        verify(delivery, "whsec_b3RoZXItc2VjcmV0LWJ5dGVz")
    with pytest.raises(WebhookVerificationError):
        verify(delivery, **{"webhook-id": "msg_other"})
    delivery.body = delivery.body.replace(b"user.created", b"user.updated")
    with pytest.raises(WebhookVerificationError):
        verify(delivery)


def test_a_refused_event_is_sent_again_under_the_same_id(
    clerk: Any, receiver: Any, make_user: Callable[[], dict[str, Any]]
) -> None:
    receiver.answers[:] = [500, 302]
    user = make_user()
    idle(clerk)
    attempts = receiver.events("user.created", user["id"])
    assert len(attempts) == 3
    assert len({attempt.headers["svix-id"] for attempt in attempts}) == 1
    for attempt in attempts:
        verify(attempt)
    (delivery,) = deliveries(clerk, user["id"])
    assert delivery["status"] == "delivered"
    assert [attempt["status_code"] for attempt in delivery["attempts"]] == [500, 302, 200]


def test_an_event_refused_too_often_is_given_up_and_can_be_resent(
    clerk: Any, receiver: Any, make_user: Callable[[], dict[str, Any]]
) -> None:
    receiver.answers[:] = [500, 500, 500]
    user = make_user()
    idle(clerk)
    (delivery,) = deliveries(clerk, user["id"])
    assert delivery["status"] == "failed"
    clerk.control("POST", "webhooks/resend", id=delivery["id"])
    idle(clerk)
    ids = [attempt.headers["svix-id"] for attempt in receiver.events("user.created", user["id"])]
    assert ids == [delivery["message_id"]] * 4


def test_deliveries_can_be_paused_dropped_and_duplicated(
    clerk: Any, receiver: Any, make_user: Callable[[], dict[str, Any]]
) -> None:
    clerk.control("POST", "webhooks/drop", times=1)
    dropped = make_user()
    clerk.control("POST", "webhooks/duplicate", times=1)
    doubled = make_user()
    idle(clerk)
    assert receiver.events("user.created", dropped["id"]) == []
    twice = receiver.events("user.created", doubled["id"])
    assert len(twice) == 2
    assert len({delivery.headers["svix-id"] for delivery in twice}) == 1

    clerk.control("POST", "webhooks/pause")
    paused = make_user()
    waiting = httpx.post(f"{clerk.url}/_devstack/webhooks/wait-idle", json={"timeoutSeconds": 0.2})
    assert (waiting.status_code, waiting.json()) == (504, {"idle": False})
    assert receiver.events("user.created", paused["id"]) == []
    clerk.control("POST", "webhooks/resume")
    idle(clerk)
    assert len(receiver.events("user.created", paused["id"])) == 1


def test_a_test_may_send_any_event(clerk: Any, receiver: Any) -> None:
    data = {"id": "user_never_seen", "object": "user", "deleted": True}
    clerk.control("POST", "webhooks/send", instance="developers", type="user.deleted", data=data)
    idle(clerk)
    (delivery,) = receiver.events("user.deleted", "user_never_seen")
    assert delivery.path == "/developers"
    assert verify(delivery)["data"] == data


def test_signature_times_are_real_even_when_the_clock_is_moved(
    clerk: Any, receiver: Any, make_user: Callable[[], dict[str, Any]]
) -> None:
    clerk.control("POST", "clock", offsetSeconds=30 * 86400)
    user = make_user()
    idle(clerk)
    (delivery,) = receiver.events("user.created", user["id"])
    event = verify(delivery)
    assert event["timestamp"] / 1000 - float(delivery.headers["svix-timestamp"]) > 29 * 86400


def test_the_log_page_shows_deliveries(clerk: Any, make_user: Callable[[], dict[str, Any]]) -> None:
    user = make_user()
    idle(clerk)
    page = httpx.get(f"{clerk.url}/_devstack/deliveries")
    assert page.status_code == 200
    assert user["id"] in page.text


def deliveries(clerk: Any, id: str) -> list[dict[str, Any]]:
    every = clerk.control("GET", "webhooks", instance="endUsersTest")["deliveries"]
    return [delivery for delivery in every if delivery["event"]["data"]["id"] == id]
