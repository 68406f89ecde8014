"""What every worker answers in the same way: health, unknown paths and methods, CORS, security headers."""

from __future__ import annotations

import httpx
import pytest

from tests.support.answers import assert_error
from tests.support.stack import Stack

WORKERS = ("api-multi", "front-auth-api", "oauth-api", "sign-up")


@pytest.mark.parametrize("worker", WORKERS)
def test_unknown_paths_and_methods_answer_in_the_one_shape(stack: Stack, worker: str) -> None:
    client, base = stack.http(worker), stack.url(worker)
    for path in ("/", "/nope", "/health/", "//", "/api/../etc", "/%00"):
        assert_error(client.get(f"{base}{path}"), 404, "not_found")
    wrong = client.put(f"{base}/health")
    assert_error(wrong, 405, "method_not_allowed")
    assert wrong.headers["Allow"] == "GET, OPTIONS"
    assert client.request("BREW", f"{base}/health").status_code in (400, 405, 501)


@pytest.mark.parametrize("worker", WORKERS)
def test_health_is_plain_and_deep(stack: Stack, worker: str) -> None:
    plain = stack.http(worker).get("/health")
    assert plain.json() == {"status": "ok", "worker": worker, "version": plain.json()["version"]}
    deep = stack.http(worker).get("/health?deep=1").json()
    assert deep["checks"] == {"d1": "ok", "kv": "ok", "r2": "ok", "rateLimiter": "ok"}


def test_cors_answers_any_origin_at_api_multi_and_only_listed_ones_at_the_developers_workers(stack: Stack) -> None:
    for worker, any_origin in (("api-multi", True), ("sign-up", True), ("front-auth-api", False), ("oauth-api", False)):
        client, base = stack.http(worker), stack.url(worker)
        foreign = client.options(f"{base}/health", headers={"Origin": "https://evil.example"})
        assert foreign.status_code == 204
        assert foreign.headers.get("Access-Control-Allow-Origin") == ("*" if any_origin else None)
        dashboard = client.get(f"{base}/health", headers={"Origin": stack.url("frontend")})
        assert dashboard.headers["Access-Control-Allow-Origin"] == ("*" if any_origin else stack.url("frontend"))
        assert "Access-Control-Allow-Credentials" not in dashboard.headers
    allowed = stack.http("api-multi").options("/api/data").headers["Access-Control-Allow-Headers"]
    for name in ("Authorization", "X-Publishable-Key", "X-Clerk-Token", "X-User-Id", "X-User-Plan", "Idempotency-Key"):
        assert name in allowed


def test_every_answer_carries_security_headers(api: httpx.Client) -> None:
    for path in ("/health", "/nope"):
        headers = api.get(path).headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["X-Frame-Options"] == "DENY"
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert headers["Strict-Transport-Security"]
