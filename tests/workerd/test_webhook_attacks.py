"""Webhooks that nobody signed, in the real runtime: bytes that are no text, and bodies too large to read."""

from __future__ import annotations

import pytest

from devstack.stack.stack import Stack
from tests.support.answers import assert_error
from tests.support.signing import sign_as_clerk, sign_as_stripe

ENDPOINTS = [("api-multi", "stripe"), ("front-auth-api", "stripe"), ("front-auth-api", "clerk"), ("sign-up", "clerk")]
NOT_TEXT = b'{"id": "\xff\xfe\xfa", "type": "attack.attempted"}'
HUGE = b" " * (1024 * 1024)


@pytest.mark.parametrize(("worker", "vendor"), ENDPOINTS)
def test_what_is_not_signed_or_too_large_is_refused_and_recorded_nowhere(
    stack: Stack, worker: str, vendor: str
) -> None:
    secrets = stack.state["webhookSecrets"]
    stripe_secret: str = secrets["platform" if worker == "front-auth-api" else "connectTest"]
    clerk_secret = stack.configuration.clerk_secrets("developers" if worker == "front-auth-api" else "endUsersTest")[1]

    def signed(body: bytes) -> dict[str, str]:
        if vendor == "stripe":
            return sign_as_stripe(body, stripe_secret)
        return sign_as_clerk(body, clerk_secret, "msg_attack")

    http, path = stack.http(worker), f"/webhook/{vendor}"
    before = stack.d1("SELECT count(*) AS n FROM events")
    for body in (NOT_TEXT, b"", b"null"):
        assert_error(http.post(path, content=body, headers=signed(body)), 400, "invalid_signature")
        assert_error(http.post(path, content=body), 400, "invalid_signature")
    assert http.post(path, content=HUGE, headers=signed(HUGE)).status_code == 413
    assert stack.d1("SELECT count(*) AS n FROM events") == before
