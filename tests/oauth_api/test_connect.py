"""A developer connects and disconnects a Stripe account, and a tampered request connects nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest

from dream.domain.keys import Mode, hash_secret
from tests.support.developers import Developer, make_developer
from tests.support.in_process.stack import InProcessStack
from tests.support.killing import die_at
from tests.support.stack import Stack
from tests.support.stripe_accounts import StripeControls

CALLBACK_STEPS = ("state-taken", "code-exchanged")


@dataclass(frozen=True)
class Browser:
    """A browser that keeps the cookies of oauth-api. The test follows its redirects."""

    http: httpx.Client

    def get(self, url: str) -> httpx.Response:
        return self.http.get(url)

    def consent(
        self,
        stripe: StripeControls,
        developer: Developer,
        mode: Mode = "test",
        decision: str = "allow",
        account: str = "",
    ) -> str:
        """Begins at the dashboard, goes to Stripe and decides there. The callback URL that Stripe sends the browser to."""
        begun = developer.post("/authorize", {"mode": mode})
        assert begun.status_code == 200, begun.text
        away = self.get(begun.json()["url"])
        assert away.status_code == 303, away.text
        asked = query_of(away.headers["Location"])
        decided = {**asked, "decision": decision, **({"account": account} if account else {})}
        return stripe.control("connect/authorize", decided)["redirect"]


def query_of(url: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


def rows(developer: Developer) -> list[dict[str, Any]]:
    return developer.stack.d1("SELECT * FROM stripe_tokens WHERE platformId = ?1 ORDER BY mode", developer.platform_id)


NewBrowser = Callable[[], Browser]


@pytest.fixture
def new_browser(stack: Stack) -> Iterator[NewBrowser]:
    """Makes browsers that share no cookies."""
    with ExitStack() as opened:
        yield lambda: Browser(opened.enter_context(stack.client()))


@pytest.fixture
def browser(new_browser: NewBrowser) -> Browser:
    return new_browser()


def assert_refused(answer: httpx.Response, developer: Developer) -> None:
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_state"), answer.text
    assert not rows(developer)


@pytest.mark.parametrize("mode", ["test", "live"])
def test_a_browser_that_consents_comes_back_connected(
    stack: Stack, stripe: StripeControls, browser: Browser, developer: Developer, mode: Mode
) -> None:
    begun = developer.post("/authorize", {"mode": mode}).json()["url"]
    assert begun.startswith(f"{stack.url('oauth-api')}/authorize?ticket=")
    assert developer.token not in begun
    away = browser.get(begun)
    (cookie,) = away.headers.get_list("Set-Cookie")
    assert {"Path=/callback", "HttpOnly", "SameSite=Lax", "Max-Age=600"} <= set(cookie.split("; "))
    asked = query_of(away.headers["Location"])
    assert asked["scope"] == "read_write"
    assert asked["redirect_uri"] == f"{stack.url('oauth-api')}/callback"
    assert asked["response_type"] == "code"

    back = browser.get(stripe.control("connect/authorize", {**asked, "decision": "allow"})["redirect"])
    assert back.status_code == 303
    assert back.headers["Location"] == f"{stack.url('frontend')}/?stripe=connected&mode={mode}"
    assert "Max-Age=0" in back.headers["Set-Cookie"]
    (row,) = rows(developer)
    assert (row["mode"], row["status"], row["scope"]) == (mode, "connected", "read_write")
    assert "token" not in " ".join(row)
    noted = stack.d1("SELECT action, actor FROM audit_log WHERE platformId = ?1", developer.platform_id)
    assert noted == [{"action": "stripe.connected", "actor": developer.user_id}]


def test_only_a_developer_who_pays_may_begin(stack: Stack, stripe: StripeControls, developer: Developer) -> None:
    assert make_developer(stack, stripe, paid=False).post("/authorize", {"mode": "test"}).status_code == 402
    assert stack.http("oauth-api").post("/authorize", json={"mode": "test"}).status_code == 401
    for body in ({}, {"mode": "both"}, {"mode": None}):
        refused = developer.post("/authorize", body)
        assert (refused.status_code, set(refused.json()["fields"])) == (400, {"mode"})


def test_a_ticket_works_once_and_for_a_minute(stack: Stack, browser: Browser, developer: Developer) -> None:
    used = developer.post("/authorize", {"mode": "test"}).json()["url"]
    assert browser.get(used).status_code == 303
    stale = developer.post("/authorize", {"mode": "test"}).json()["url"]
    stack.d1(
        "UPDATE one_time_tokens SET expiresAt = '2020-01-01T00:00:00.000Z' WHERE tokenHash = ?1",
        hash_secret(query_of(stale)["ticket"]),
    )
    base = f"{stack.url('oauth-api')}/authorize"
    for url in (used, stale, base, f"{base}?ticket=", f"{base}?ticket={'x' * 5000}", f"{base}?ticket=%00"):
        refused = browser.get(url)
        assert (refused.status_code, refused.json()["code"]) == (400, "invalid_ticket"), url
    lifetimes = stack.d1("SELECT purpose FROM one_time_tokens WHERE platformId = ?1", developer.platform_id)
    assert {row["purpose"] for row in lifetimes} == {"connect_state"}


def test_tickets_and_states_are_stored_as_hashes(stack: Stack, browser: Browser, developer: Developer) -> None:
    ticket = query_of(developer.post("/authorize", {"mode": "test"}).json()["url"])["ticket"]
    away = browser.get(developer.post("/authorize", {"mode": "test"}).json()["url"])
    state = query_of(away.headers["Location"])["state"]
    stored = {row["tokenHash"] for row in stack.d1("SELECT tokenHash FROM one_time_tokens")}
    assert {hash_secret(ticket), hash_secret(state)} <= stored
    assert not {ticket, state} & stored


def test_a_replayed_callback_is_refused(stripe: StripeControls, browser: Browser, developer: Developer) -> None:
    url = browser.consent(stripe, developer)
    cookie = "; ".join(f"{name}={value}" for name, value in browser.http.cookies.items())
    assert browser.get(url).status_code == 303
    before = rows(developer)
    again = developer.stack.http("oauth-api").get(url, headers={"Cookie": cookie})
    assert (again.status_code, again.json()["code"]) == (400, "invalid_state")
    assert rows(developer) == before


def test_a_callback_in_another_browser_is_refused_and_spends_the_state(
    stack: Stack, stripe: StripeControls, browser: Browser, new_browser: NewBrowser, developer: Developer
) -> None:
    url = browser.consent(stripe, developer)
    with stack.client() as victim:
        assert_refused(victim.get(url), developer)
    assert_refused(browser.get(url), developer)

    stranger = new_browser()
    own = stranger.consent(stripe, make_developer(stack, stripe, connected=()))
    foreign = browser.consent(stripe, developer)
    assert_refused(stranger.get(foreign), developer)
    assert stranger.get(own).headers["Location"].endswith("?stripe=connected&mode=test")


def test_an_expired_state_is_refused(
    stack: Stack, stripe: StripeControls, browser: Browser, developer: Developer
) -> None:
    url = browser.consent(stripe, developer)
    stack.d1(
        "UPDATE one_time_tokens SET expiresAt = '2020-01-01T00:00:00.000Z' WHERE platformId = ?1", developer.platform_id
    )
    assert_refused(browser.get(url), developer)


def test_a_made_up_or_missing_state_is_refused(
    stack: Stack, stripe: StripeControls, browser: Browser, developer: Developer
) -> None:
    url = browser.consent(stripe, developer)
    code = query_of(url)["code"]
    base = f"{stack.url('oauth-api')}/callback"
    ticket = query_of(developer.post("/authorize", {"mode": "test"}).json()["url"])["ticket"]
    for state in ({}, {"state": ""}, {"state": "x"}, {"state": "y" * 3000}, {"state": ticket}):
        assert_refused(browser.get(f"{base}?{urlencode({'code': code, **state})}"), developer)


def test_a_state_of_the_other_mode_is_refused(stripe: StripeControls, browser: Browser, developer: Developer) -> None:
    """In one browser, the later of two beginnings counts: live after test."""
    test = query_of(browser.consent(stripe, developer, "test"))
    live = browser.consent(stripe, developer, "live")
    mixed = urlencode({**query_of(live), "state": test["state"]})
    assert_refused(browser.get(f"{live.partition('?')[0]}?{mixed}"), developer)
    assert query_of(browser.get(live).headers["Location"]) == {"stripe": "connected", "mode": "live"}
    assert [row["mode"] for row in rows(developer)] == ["live"]


def test_a_test_consent_never_connects_live(
    stack: Stack, stripe: StripeControls, browser: Browser, new_browser: NewBrowser, developer: Developer
) -> None:
    test = query_of(new_browser().consent(stripe, developer, "test"))
    live = query_of(browser.consent(stripe, developer, "live"))
    mixed = urlencode({"code": test["code"], "state": live["state"]})
    back = browser.get(f"{stack.url('oauth-api')}/callback?{mixed}")
    assert query_of(back.headers["Location"]) == {"stripe": "error", "reason": "invalid_code", "mode": "live"}
    assert not rows(developer)


def test_a_denied_or_broken_consent_is_reported_and_stores_nothing(
    stack: Stack, stripe: StripeControls, browser: Browser, developer: Developer
) -> None:
    denied = browser.get(browser.consent(stripe, developer, decision="deny"))
    assert denied.headers["Location"] == f"{stack.url('frontend')}/?stripe=error&reason=access_denied&mode=test"
    state = query_of(browser.consent(stripe, developer))["state"]
    broken = browser.get(f"{stack.url('oauth-api')}/callback?{urlencode({'code': 'ac_none', 'state': state})}")
    assert query_of(broken.headers["Location"]) == {"stripe": "error", "reason": "invalid_code", "mode": "test"}
    assert not rows(developer)


def test_an_account_of_another_developer_is_refused_until_it_is_disconnected(
    stack: Stack, stripe: StripeControls, browser: Browser, developer: Developer
) -> None:
    owner = make_developer(stack, stripe, connected=("test",))
    account = owner.accounts["test"]
    refused = browser.get(browser.consent(stripe, developer, account=account))
    assert query_of(refused.headers["Location"])["reason"] == "account_of_another_developer"
    assert not rows(developer)
    assert owner.post("/disconnect", {"mode": "test"}).status_code == 200
    taken = browser.get(browser.consent(stripe, developer, account=account))
    assert query_of(taken.headers["Location"])["stripe"] == "connected"
    assert [row["stripeUserId"] for row in rows(developer)] == [account]


def test_a_second_account_is_refused_until_the_first_is_disconnected(
    stripe: StripeControls, browser: Browser, developer: Developer
) -> None:
    assert browser.get(browser.consent(stripe, developer)).status_code == 303
    (first,) = rows(developer)
    other = browser.get(browser.consent(stripe, developer))
    assert query_of(other.headers["Location"])["reason"] == "another_account_connected"
    assert rows(developer) == [first]
    assert developer.post("/disconnect", {"mode": "test"}).status_code == 200
    later = browser.get(browser.consent(stripe, developer))
    assert query_of(later.headers["Location"])["stripe"] == "connected"
    assert rows(developer)[0]["stripeUserId"] != first["stripeUserId"]


def test_disconnecting_revokes_here_and_at_stripe(
    stack: Stack, stripe: StripeControls, developer: Developer, browser: Browser
) -> None:
    browser.get(browser.consent(stripe, developer))
    (row,) = rows(developer)
    answer = developer.post("/disconnect", {"mode": "test"})
    assert answer.status_code == 200
    assert answer.json()["status"] == "revoked"
    assert rows(developer)[0]["status"] == "revoked"
    stripe.drained()
    enqueued = stack.d1(
        "SELECT * FROM outbox WHERE kind = 'revoke_connection' AND subject = ?1", f"{row['stripeUserId']}:test"
    )
    assert not enqueued
    again = developer.post("/disconnect", {"mode": "test"})
    assert (again.status_code, again.json()["code"]) == (409, "stripe_not_connected")
    events = stripe.look("events", type="account.application.deauthorized", account=row["stripeUserId"])
    assert events


@pytest.mark.parametrize("step", CALLBACK_STEPS)
def test_a_callback_that_dies_is_spent_and_beginning_again_connects(
    stack: InProcessStack, stripe: StripeControls, new_browser: NewBrowser, developer: Developer, step: str
) -> None:
    browser = new_browser()
    url = browser.consent(stripe, developer)
    die_at(stack, "oauth-api", f"callback:{step}", lambda: browser.get(url))
    assert_refused(browser.get(url), developer)
    again = new_browser()
    back = again.get(again.consent(stripe, developer))
    assert query_of(back.headers["Location"])["stripe"] == "connected"


def test_a_consent_while_stripe_does_not_answer_is_reported_and_stores_nothing(
    stack: InProcessStack, stripe: StripeControls, browser: Browser, developer: Developer
) -> None:
    url = browser.consent(stripe, developer)
    stack.faults_of("stripe").fail(times=50)
    back = browser.get(url)
    assert query_of(back.headers["Location"]) == {"stripe": "error", "reason": "stripe_unavailable", "mode": "test"}
    assert not rows(developer)


def test_a_disconnect_names_a_mode(developer: Developer) -> None:
    for body in ({}, {"mode": "both"}):
        refused = developer.post("/disconnect", body)
        assert (refused.status_code, set(refused.json()["fields"])) == (400, {"mode"})
