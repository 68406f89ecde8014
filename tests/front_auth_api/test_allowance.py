"""`POST /verify-auth`: each developer has five calls a month, or five hundred if they pay."""

from __future__ import annotations

from tests.support.developers import Developer
from tests.support.stack import Stack

WORKER = "front-auth-api"


def test_the_count_never_passes_the_allowance(stack: Stack, newcomer: Developer) -> None:
    answers = stack.at_once([newcomer.prepare("POST", "/verify-auth", {}, worker=WORKER) for _ in range(12)])
    assert sorted(answer.status_code for answer in answers) == [200] * 5 + [403] * 7
    allowed = [answer.json() for answer in answers if answer.status_code == 200]
    assert sorted(answer["usage"]["usageCount"] for answer in allowed) == [1, 2, 3, 4, 5]
    assert {(answer["success"], answer["userId"], answer["plan"]) for answer in allowed} == {
        (True, newcomer.user_id, "free")
    }
    refused = next(answer.json() for answer in answers if answer.status_code == 403)
    assert (refused["code"], refused["allowed"], refused["limit"], refused["usage"]["remaining"]) == (
        "tier_limit_reached",
        False,
        5,
        0,
    )
    assert refused["resetsAt"] == refused["usage"]["periodEnd"]
    (count,) = stack.d1("SELECT usageCount FROM platform_usage_counts WHERE platformId = ?1", allowed[0]["platformId"])
    assert count["usageCount"] == 5


def test_a_paying_developer_has_five_hundred_calls_a_month(stack: Stack, developer: Developer) -> None:
    first = developer.front_auth("POST", "/verify-auth", {}).json()
    assert (first["plan"], first["usage"]["limit"], first["usage"]["remaining"]) == ("paid", 500, 499)
    stack.d1("UPDATE platform_usage_counts SET usageCount = 499 WHERE platformId = ?1", developer.platform_id)
    answers = stack.at_once([developer.prepare("POST", "/verify-auth", {}, worker=WORKER) for _ in range(4)])
    assert sorted(answer.status_code for answer in answers) == [200, 403, 403, 403]


def test_a_calendar_month_has_an_allowance_of_its_own(stack: Stack, newcomer: Developer) -> None:
    platform_id = newcomer.front_auth("POST", "/verify-auth", {}).json()["platformId"]
    stack.d1(
        "UPDATE platform_usage_counts SET usageCount = 5, periodStart = '2026-01-01T00:00:00.000Z' WHERE platformId = ?1",
        platform_id,
    )
    assert newcomer.front_auth("POST", "/verify-auth", {}).json()["usage"]["usageCount"] == 1
