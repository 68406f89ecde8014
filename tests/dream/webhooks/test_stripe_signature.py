"""A webhook is accepted only if Stripe signed its bytes within five minutes, with a secret of the event's mode."""

from __future__ import annotations

import json
from typing import Any

import pytest
from stripe import WebhookSignature

from dream.webhooks.stripe_signature import InvalidSignature, SigningSecret, verified_event

TEST, LIVE = SigningSecret("whsec_test", livemode=False), SigningSecret("whsec_live", livemode=True)
NOW = 1_795_000_000


def body_of(**changes: Any) -> bytes:
    event = {
        "id": "evt_1",
        "object": "event",
        "type": "invoice.paid",
        "account": "acct_1",
        "livemode": False,
        "created": NOW,
        "api_version": "2026-10-28.endive",
        "data": {"object": {"id": "in_1", "name": "Zoë 🎈"}},
    }
    return json.dumps({**event, **changes}, ensure_ascii=False).encode()


def header_of(body: bytes, secret: str = TEST.secret, timestamp: int = NOW) -> str:
    return WebhookSignature.generate_signature_header(body.decode(), secret, timestamp)


def refused(body: bytes, header: str | None, *, now: float = NOW, secrets: list[SigningSecret] | None = None) -> None:
    with pytest.raises(InvalidSignature) as refusal:
        verified_event(body, header, [TEST, LIVE] if secrets is None else secrets, now)
    assert (refusal.value.status, refusal.value.code) == (400, "invalid_signature")


def test_what_stripe_signs_is_accepted() -> None:
    body = body_of()
    event = verified_event(body, header_of(body), [TEST, LIVE], NOW)
    assert (event.id, event.type, event.account, event.livemode) == ("evt_1", "invoice.paid", "acct_1", False)
    assert event.object == {"id": "in_1", "name": "Zoë 🎈"}


def test_any_of_several_secrets_and_signatures_will_do() -> None:
    body = body_of(livemode=True)
    assert verified_event(body, header_of(body, LIVE.secret), [TEST, LIVE], NOW).livemode
    rolled = f"{header_of(body, 'whsec_old')},{header_of(body, LIVE.secret).partition(',')[2]},v0=00"
    assert verified_event(body, rolled, [TEST, LIVE], NOW).id == "evt_1"


def test_a_secret_of_both_modes_stands_for_either() -> None:
    both = SigningSecret("whsec_platform", livemode=None)
    for livemode in (True, False):
        body = body_of(livemode=livemode)
        assert verified_event(body, header_of(body, both.secret), [both], NOW).livemode is livemode


def test_the_other_modes_secret_signs_nothing() -> None:
    for livemode, secret in ((True, TEST), (False, LIVE)):
        body = body_of(livemode=livemode)
        refused(body, header_of(body, secret.secret))


def test_a_changed_body_is_refused() -> None:
    body = body_of()
    refused(body.replace(b"in_1", b"in_2"), header_of(body))
    refused(body + b" ", header_of(body))
    refused(b"", header_of(body))


@pytest.mark.parametrize("offset", [-301, 301, -86_400, 86_400])
def test_old_and_future_signatures_are_refused(offset: int) -> None:
    body = body_of()
    refused(body, header_of(body, timestamp=NOW + offset))


@pytest.mark.parametrize("offset", [-299, 299])
def test_five_minutes_are_tolerated(offset: int) -> None:
    body = body_of()
    assert verified_event(body, header_of(body, timestamp=NOW + offset), [TEST], NOW).id == "evt_1"


def test_the_time_is_part_of_what_is_signed() -> None:
    body = body_of()
    old = header_of(body, timestamp=NOW - 1000)
    refused(body, old.replace(f"t={NOW - 1000}", f"t={NOW}"))
    refused(body, f"t={NOW},{old}")


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "t=",
        "v1=00",
        f"t={NOW}",
        f"t={NOW},v1=",
        f"t={NOW},v1=é",
        f"t=,v1={'0' * 64}",
        f"t=-{NOW},v1={'0' * 64}",
        f"t=١٧٠٠٠٠٠٠٠٠,v1={'0' * 64}",
        f"t={'9' * 5000},v1={'0' * 64}",
        f"t={NOW}.5,v1={'0' * 64}",
        f"t={NOW};v1={'0' * 64}",
        f"t={NOW},v1={'0' * 64}",
        f"t={NOW},v0={'0' * 64}",
        "\x00",
        "=,=,=",
        "v1" * 10_000,
    ],
)
def test_malformed_headers_are_refused(header: str | None) -> None:
    refused(body_of(), header)


def test_bytes_that_are_no_text_are_refused_whether_signed_or_not() -> None:
    body = b'{"id": "\xff\xfe"}'
    refused(body, header_of(body_of()))
    latin = body_of().decode().encode("latin-1", "replace")
    refused(latin, header_of(body_of()))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"7",
        b"{}",
        b"[" * 10_000,
        body_of(id=7),
        body_of(livemode="false"),
        body_of(livemode=None),
        body_of(created="yesterday"),
        body_of(created=1e300),
        body_of(data=None),
        body_of(data={"object": "in_1"}),
    ],
)
def test_a_signed_body_that_is_no_event_is_refused(body: bytes) -> None:
    refused(body, header_of(body))


def test_a_secret_that_is_not_set_verifies_nothing() -> None:
    body = body_of()
    refused(body, header_of(body, ""), secrets=[SigningSecret("", livemode=False)])
    refused(body, header_of(body), secrets=[])
