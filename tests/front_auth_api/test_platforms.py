"""A developer has one platform id, and only their own session token opens front-auth-api."""

from __future__ import annotations

import pytest

from tests.support.developers import Developer
from tests.support.stack import Stack

WORKER = "front-auth-api"


def test_a_developer_has_one_platform_id_even_if_many_calls_ask_at_once(stack: Stack, newcomer: Developer) -> None:
    calls = [("POST", "/generate-platform-id"), ("POST", "/generate-credentials"), ("GET", "/get-platform-id")] * 4
    answers = stack.at_once([newcomer.prepare(method, path, worker=WORKER) for method, path in calls])
    assert {answer.status_code for answer in answers} == {200}
    ids = {answer.json()["platformId"] for answer in answers}
    assert len(ids) == 1
    assert next(iter(ids)).startswith("plt_")
    rows = stack.d1("SELECT platformId FROM platforms WHERE clerkUserId = ?1", newcomer.user_id)
    assert [row["platformId"] for row in rows] == list(ids)


@pytest.mark.parametrize("path", ["/generate-platform-id", "/create-checkout", "/verify-auth", "/upload-asset"])
def test_a_request_without_a_developers_token_is_refused(stack: Stack, path: str) -> None:
    for headers in ({}, {"Authorization": "Bearer nonsense"}, {"Authorization": "Basic abc"}):
        answer = stack.http(WORKER).post(f"{path}", json={}, headers=headers)
        assert answer.status_code == 401
        assert set(answer.json()) == {"error", "code", "message", "requestId"}


def test_only_the_dashboards_origin_may_read_the_answers(stack: Stack, developer: Developer) -> None:
    frontend = stack.url("frontend")
    for origin, allowed in ((frontend, frontend), ("https://evil.example", None)):
        answer = developer.front_auth("GET", "/subscription", Origin=origin)
        assert answer.headers.get("access-control-allow-origin") == allowed
