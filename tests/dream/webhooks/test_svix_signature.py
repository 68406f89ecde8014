"""A message is believed when Clerk signed these bytes, just now, with a secret of ours."""

from __future__ import annotations

import base64
import json
import time
from typing import Any, TypeAlias

import pytest

from dream.webhooks.stripe_signature import InvalidSignature
from dream.webhooks.svix_signature import ClerkMessage, verified_message
from tests.support.fake_requests import FakeHeaders
from tests.support.signing import sign_as_clerk

TEST, LIVE = ("whsec_" + base64.b64encode(name * 4).decode() for name in (b"test", b"live"))


Headers: TypeAlias = dict[str, str]


def body_of(**changes: Any) -> bytes:
    message = {
        "type": "user.deleted",
        "object": "event",
        "timestamp": 1_795_000_000_000,
        "data": {"id": "user_1", "deleted": True},
    }
    return json.dumps({**message, **changes}).encode()


def signed(body: bytes, secret: str = TEST, message_id: str = "msg_1", timestamp: int | None = None) -> Headers:
    return sign_as_clerk(body, secret, message_id, timestamp)


def verified(body: bytes, headers: Headers, *secrets: str) -> ClerkMessage:
    return verified_message(body, FakeHeaders(headers), secrets or (TEST, LIVE))


def refused(body: bytes, headers: Headers, *secrets: str) -> None:
    with pytest.raises(InvalidSignature) as refusal:
        verified(body, headers, *secrets)
    assert (refusal.value.status, refusal.value.code) == (400, "invalid_signature")


def test_what_clerk_signs_is_believed() -> None:
    message = verified(body_of(), signed(body_of()))
    assert (message.id, message.type, message.signed_by) == ("msg_1", "user.deleted", 0)
    assert message.data == {"id": "user_1", "deleted": True}


def test_the_secret_that_signed_is_told() -> None:
    assert verified(body_of(), signed(body_of(), LIVE)).signed_by == 1


def test_one_of_several_signatures_is_enough() -> None:
    headers = signed(body_of())
    headers["svix-signature"] = f"v1,AAAA v2,BBBB rubbish {headers['svix-signature']}"
    assert verified(body_of(), headers).id == "msg_1"


def test_body_id_and_time_are_all_signed() -> None:
    refused(body_of() + b" ", signed(body_of()))
    for name, value in (
        ("svix-id", "msg_2"),
        ("svix-timestamp", str(int(time.time()) - 1)),
        ("svix-signature", "v1,AAAA"),
    ):
        refused(body_of(), {**signed(body_of()), name: value})


@pytest.mark.parametrize("offset", [-301, 302])
def test_old_and_future_messages_are_refused(offset: int) -> None:
    """The clock is the real one: a second may begin between signing and verifying."""
    refused(body_of(), signed(body_of(), timestamp=int(time.time()) + offset))


@pytest.mark.parametrize("offset", [-298, 299])
def test_five_minutes_either_way_are_tolerated(offset: int) -> None:
    assert verified(body_of(), signed(body_of(), timestamp=int(time.time()) + offset)).id == "msg_1"


@pytest.mark.parametrize("foreign", ["v1,a,b", "v1,=", "v1", ",", "v1a,", "v1,é", "v2,AAAA", ""])
def test_a_signature_of_another_form_hides_no_good_one(foreign: str) -> None:
    headers = signed(body_of())
    headers["svix-signature"] = f"{foreign} {headers['svix-signature']}"
    assert verified(body_of(), headers).id == "msg_1"


@pytest.mark.parametrize("spelling", [".0", ".9", "e0", " ", "_0"])
def test_a_timestamp_has_one_spelling(spelling: str) -> None:
    headers = signed(body_of())
    headers["svix-timestamp"] += spelling
    refused(body_of(), headers)


def test_a_signed_body_that_is_not_text_is_refused_for_every_secret() -> None:
    body = b"\xff" + body_of()
    refused(body, signed(body, LIVE))


@pytest.mark.parametrize("name", ["svix-id", "svix-timestamp", "svix-signature"])
@pytest.mark.parametrize("value", [None, "", "é", "x" * 5000, "-1", "\x00", "v1,é", "v1,", "١٢٣"])
def test_missing_and_malformed_headers_are_refused(name: str, value: str | None) -> None:
    headers = {**signed(body_of()), name: value}
    refused(body_of(), {key: text for key, text in headers.items() if text is not None})


def test_another_secret_signs_nothing() -> None:
    refused(body_of(), signed(body_of(), LIVE), TEST)


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_not base64", "whsec_é"])
def test_a_secret_that_is_none_verifies_nothing(secret: str) -> None:
    empty = "whsec_"
    refused(body_of(), signed(body_of(), empty), secret)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b"\xff",
        b"[" * 10_000,
        body_of(type=7),
        body_of(data=None),
        body_of(timestamp="now"),
        body_of(timestamp=1e300),
    ],
)
def test_a_signed_body_that_is_no_message_is_refused(body: bytes) -> None:
    refused(body, signed(body))
