"""sign-up's doors: links, cookies, tokens and events that hold, and all those that don't. In workerd."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from deploy.paths import ROOT
from devstack.stack.stack import Stack
from tests.support.clerk_controls import ClerkControls, InstanceName
from tests.support.outbox import settled
from tests.support.stripe_accounts import StripeControls, make_account
from tests.support.tenants import CREATED, Tenant, make_tenant

REGISTERED = "https://app.example.com"
HOME = f"{REGISTERED}/home?tab=1"
HTML = {"Accept": "text/html,application/xhtml+xml"}


@pytest.fixture(scope="module")
def clerk(stack: Stack) -> Iterator[ClerkControls]:
    controls = ClerkControls(stack)
    yield controls
    controls.close()


@pytest.fixture(scope="module")
def tenant(stack: Stack) -> Tenant:
    return with_origin(stack, make_tenant(stack))


@pytest.fixture(scope="module")
def live(stack: Stack) -> Tenant:
    return with_origin(stack, make_tenant(stack, mode="live"))


@pytest.fixture
def door(stack: Stack) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=stack.url("sign-up"), timeout=60) as client:
        yield client


def with_origin(stack: Stack, tenant: Tenant, origin: str = REGISTERED) -> Tenant:
    stack.d1("INSERT INTO redirect_origins (publishableKey, origin) VALUES (?1, ?2)", tenant.publishable_key, origin)
    return tenant


def link(tenant: Tenant, redirect: str = HOME) -> dict[str, str]:
    return {"pk": tenant.publishable_key, "redirect": redirect}


def begin(door: httpx.Client, tenant: Tenant, redirect: str = HOME, page: str = "/signin") -> str:
    """Begin a way, as a browser would; its state."""
    answer = door.get(page, params=link(tenant, redirect))
    assert answer.status_code == 303, answer.text
    back = parse_qs(urlsplit(answer.headers["Location"]).query)["redirect_url"][0]
    return parse_qs(urlsplit(back).query)["state"][0]


def complete(door: httpx.Client, token: str, tenant: Tenant | None = None, state: str | None = None) -> httpx.Response:
    headers = {"Authorization": f"Bearer {token}"}
    if tenant is not None:
        headers["X-Publishable-Key"] = tenant.publishable_key
    return door.post("/oauth/complete", params={} if state is None else {"state": state}, headers=headers)


def members(stack: Stack, user_id: str) -> list[str]:
    return [
        r["publishableKey"] for r in stack.d1("SELECT publishableKey FROM end_users WHERE clerkUserId = ?1", user_id)
    ]


def metadata(stack: Stack, instance: InstanceName, user_id: str) -> dict[str, Any]:
    key = stack.state["clerkSecretKeys"][instance]
    url = f"{stack.url('clerk')}/v1/users/{user_id}"
    return httpx.get(url, headers={"Authorization": f"Bearer {key}"}).raise_for_status().json()["public_metadata"]


# Links -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("path", "page"), [("/signup", "sign-up"), ("/signin", "sign-in"), ("/account", "user")])
def test_a_link_leads_to_the_page_of_the_instance_of_its_key(
    stack: Stack, door: httpx.Client, tenant: Tenant, live: Tenant, path: str, page: str
) -> None:
    for project, instance in ((tenant, "endUsersTest"), (live, "endUsersLive")):
        answer = door.get(path, params=link(project))
        assert answer.status_code == 303
        assert answer.headers["Location"].startswith(
            f"{stack.configuration.clerk_issuer(instance)}/{page}?redirect_url="
        )
        cookie = answer.headers["Set-Cookie"]
        assert "HttpOnly" in cookie and "SameSite=Lax" in cookie and "Path=/" in cookie and "Max-Age=600" in cookie
        assert (answer.headers["Cache-Control"], answer.headers["Referrer-Policy"]) == ("no-store", "no-referrer")


def test_an_account_without_a_way_back_hands_nothing_to_anybody(door: httpx.Client, tenant: Tenant) -> None:
    answer = door.get("/account", params={"pk": tenant.publishable_key})
    assert (answer.status_code, "Set-Cookie" in answer.headers) == (303, False)
    assert "redirect_url" not in answer.headers["Location"]


ATTACKS = [
    "javascript:alert(document.domain)//https://app.example.com",
    "data:text/html,<script>alert(1)</script>",
    "//evil.example",
    "/\\evil.example",
    "https:evil.example",
    "https://evil.example",
    "https://evil.example/https://app.example.com",
    "https://app.example.com@evil.example",
    "https://app.example.com:443@evil.example",
    "https://app.example.com\\@evil.example",
    "https://app.example.com%2f@evil.example",
    "https://app.example.com%2eevil.example",
    "https://app.example.com.evil.example",
    "https://evilapp.example.com",
    "https://sub.app.example.com",
    "https://app.example.co",
    "https://app.example.comevil.example",
    "https://app.example.com:8443",
    "http://app.example.com",
    "https://app。example。com",
    "https://xn--pp-example-com.example",
    "https://аpp.example.com",
    "https://app.example.com\r\nSet-Cookie: owned=1",
    "https://app.example.com/\r\nLocation: https://evil.example",
    "https://app.example.com\x00.evil.example",
    "\thttps://app.example.com",
    "https://app.example.com/#token=stolen",
    "http://localhost.evil.example",
    "http://localhost@evil.example",
    "http://127.0.0.1.evil.example",
    "http://[::1]:3000/",
    "https://localhost:3000/",
    "",
    '"><script>alert(1)</script>',
    "https://app.example.com/" + "a" * 3000,
]


@pytest.mark.parametrize("redirect", ATTACKS)
@pytest.mark.parametrize("path", ["/signup", "/refresh"])
def test_a_redirect_that_is_not_the_projects_own_is_refused(
    door: httpx.Client, tenant: Tenant, path: str, redirect: str
) -> None:
    asked = door.get(path, params=link(tenant, redirect))
    assert (asked.status_code, "Location" in asked.headers, "Set-Cookie" in asked.headers) == (400, False, False)
    assert asked.json()["code"] in ("invalid_fields", "redirect_not_allowed")
    browsed = door.get(path, params=link(tenant, redirect), headers=HTML)
    assert browsed.status_code == 400
    assert browsed.headers["Content-Type"].startswith("text/html")
    assert "<script" not in browsed.text
    assert "evil" not in browsed.text


@pytest.mark.parametrize(
    "encoded",
    ["https%253A%252F%252Fevil.example", "%00https://evil.example", "https://evil.example%23@app.example.com"],
)
def test_encoding_twice_or_oddly_opens_nothing(door: httpx.Client, tenant: Tenant, encoded: str) -> None:
    answer = door.get(f"/signup?pk={tenant.publishable_key}&redirect={encoded}")
    assert (answer.status_code, "Location" in answer.headers) == (400, False)


def test_of_two_redirects_the_checked_one_is_used(door: httpx.Client, tenant: Tenant) -> None:
    url = f"/signin?pk={tenant.publishable_key}&redirect={REGISTERED}&redirect=https://evil.example"
    state = parse_qs(urlsplit(parse_qs(urlsplit(door.get(url).headers["Location"]).query)["redirect_url"][0]).query)[
        "state"
    ]
    page = door.get("/callback", params={"state": state[0]})
    assert f'data-redirect="{REGISTERED}/"' in page.text
    assert "evil" not in page.text


def test_the_longest_redirect_survives_the_way(door: httpx.Client, tenant: Tenant) -> None:
    longest = f"{REGISTERED}/".ljust(2048, "a")
    state = begin(door, tenant, longest)
    assert len(cookie_of(door, state)) < 4096 - 200
    assert f'data-redirect="{longest}"' in door.get("/callback", params={"state": state}).text
    assert door.get("/signin", params=link(tenant, longest + "a")).status_code == 400


def test_this_machine_is_open_to_test_keys_only(door: httpx.Client, tenant: Tenant, live: Tenant) -> None:
    for redirect in ("http://localhost:4321/app", "http://127.0.0.1:4321/app"):
        assert door.get("/signup", params=link(tenant, redirect)).status_code == 303
        refused = door.get("/signup", params=link(live, redirect))
        assert (refused.status_code, refused.json()["code"]) == (400, "redirect_not_allowed")


def test_an_origin_of_another_project_opens_nothing(stack: Stack, door: httpx.Client, tenant: Tenant) -> None:
    with_origin(stack, make_tenant(stack), "https://other.example.com")
    assert (
        door.get("/signin", params=link(tenant, "https://other.example.com/")).json()["code"] == "redirect_not_allowed"
    )


def test_a_key_that_names_no_project_is_refused(stack: Stack, door: httpx.Client, tenant: Tenant) -> None:
    unpaid = make_tenant(stack, mode="live", live_keys_until="2026-01-01T00:00:00.000Z")
    for key in ("", "pk_test_x", tenant.secret_key, tenant.publishable_key.replace("test", "live"), "<b>pk</b>"):
        for path in ("/signup", "/signin", "/account", "/refresh"):
            answer = door.get(path, params={"pk": key, "redirect": HOME}, headers=HTML)
            assert answer.status_code == 400, answer.text
            assert "<b>" not in answer.text
            assert tenant.secret_key not in answer.text
    assert door.get("/signup", params=link(unpaid)).status_code == 402


# Pages -------------------------------------------------------------------------------------------------------


def test_what_is_reflected_is_inert(stack: Stack, door: httpx.Client) -> None:
    marked = with_origin(stack, make_tenant(stack))
    name = "</title><script>alert(1)</script><img src=x onerror=alert(1)>\"'"
    stack.d1("UPDATE projects SET name = ?2 WHERE publishableKey = ?1", marked.publishable_key, name)
    redirect = f"{REGISTERED}/?a='b'&c=(d);e"
    for page in (
        door.get("/refresh", params=link(marked, redirect)),
        door.get("/callback", params={"state": begin(door, marked, redirect)}),
    ):
        assert page.status_code == 200
        assert "<script>" not in page.text
        assert "<img" not in page.text
        assert "&lt;/title&gt;&lt;script&gt;" in page.text
        assert 'data-redirect="https://app.example.com/?a=&#x27;b&#x27;&amp;c=(d);e"' in page.text


def test_pages_carry_a_strict_policy_and_nothing_inline(stack: Stack, door: httpx.Client, tenant: Tenant) -> None:
    issuer = stack.configuration.clerk_issuer("endUsersTest")
    for page in (
        door.get("/refresh", params=link(tenant)),
        door.get("/callback", params={"state": begin(door, tenant)}),
        door.get("/callback", headers=HTML),
    ):
        parts = [part.strip().partition(" ") for part in page.headers["Content-Security-Policy"].split(";")]
        policy = {name: sources for name, _, sources in parts}
        assert (
            policy["default-src"]
            == policy["base-uri"]
            == policy["form-action"]
            == policy["frame-ancestors"]
            == "'none'"
        )
        assert "unsafe" not in str(policy)
        if page.status_code == 200:
            assert policy["script-src"] == f"'self' {issuer}/npm/"
            assert policy["connect-src"] == f"'self' {stack.url('clerk')}"
        assert page.headers["X-Frame-Options"] == "DENY"
        assert page.headers["Referrer-Policy"] == "no-referrer"
        assert page.headers["Cache-Control"] == "no-store"
        assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\bstyle=|\bon\w+=|javascript:", page.text)
        assert stack.configuration.secrets.signing_secret not in page.text


def test_scripts_and_styles_are_kept_for_good_under_their_hash(door: httpx.Client, tenant: Tenant) -> None:
    page = door.get("/refresh", params=link(tenant)).text
    for path, kind in ((r'src="(/assets/[^"]+)"', "text/javascript"), (r'href="(/assets/[^"]+)"', "text/css")):
        found = re.search(path, page)
        assert found
        answer = door.get(found[1])
        assert answer.headers["Content-Type"].startswith(kind)
        assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert hashlib.sha256(answer.content).hexdigest()[:12] in found[1]
    assert door.get("/assets/session.js").status_code == 404


# Cookies -----------------------------------------------------------------------------------------------------


def cookie_of(door: httpx.Client, state: str) -> str:
    value = door.cookies.get(f"dream_flow_{state}")
    assert value
    return value.strip('"')


def signed(secret: str, payload: str) -> str:
    made = hmac.new(secret.encode(), b"sign-up flow\n" + payload.encode(), hashlib.sha256).digest()
    return f"{payload}.{base64.urlsafe_b64encode(made).decode()}"


def test_a_way_is_completed_only_in_the_browser_that_began_it(stack: Stack, door: httpx.Client, tenant: Tenant) -> None:
    state = begin(door, tenant)
    with httpx.Client(base_url=stack.url("sign-up"), timeout=60) as elsewhere:
        answer = elsewhere.get("/callback", params={"state": state})
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_state")
        begin(elsewhere, tenant)
        assert elsewhere.get("/callback", params={"state": state}).status_code == 400
    assert door.get("/callback", params={"state": state}).status_code == 200


def test_a_forged_cookie_opens_nothing(stack: Stack, door: httpx.Client, tenant: Tenant, clerk: ClerkControls) -> None:
    state = begin(door, tenant)
    payload, _, signature = cookie_of(door, state).partition(".")
    evil = json.loads(base64.urlsafe_b64decode(payload))
    evil[2] = "https://evil.example/"
    forged = base64.urlsafe_b64encode(json.dumps(evil).encode()).decode()
    token = clerk.token("endUsersTest", clerk.make_user("endUsersTest"))
    for value in (
        f"{forged}.{signature}",
        f"{forged}.",
        forged,
        signed("another secret", forged),
        f"{payload}.{signature[:-2]}A=",
        f"{payload}.{signature}.",
        "." * 50,
        "é",
        "x" * 5000,
        "[" * 3000,
    ):
        headers = {b"Cookie": f"dream_flow_{state}={value}".encode()}
        with httpx.Client(base_url=stack.url("sign-up"), timeout=60) as other:
            for method, path in (("GET", "/callback"), ("POST", "/oauth/complete")):
                sent = {**headers, b"Authorization": f"Bearer {token}".encode()}
                answer = other.request(method, path, params={"state": state}, headers=sent)
                assert (answer.status_code, answer.json()["code"]) == (400, "invalid_state"), (value[:60], answer.text)


def test_a_cookie_of_one_way_does_not_open_another(stack: Stack, door: httpx.Client, tenant: Tenant) -> None:
    first, second = begin(door, tenant), begin(door, with_origin(stack, make_tenant(stack)))
    value = cookie_of(door, first)
    with httpx.Client(base_url=stack.url("sign-up"), timeout=60) as other:
        headers = {"Cookie": f"dream_flow_{second}={value}"}
        assert other.get("/callback", params={"state": second}, headers=headers).status_code == 400


def test_a_way_is_open_for_ten_minutes(stack: Stack, door: httpx.Client, tenant: Tenant) -> None:
    state = begin(door, tenant)
    clock = f"{stack.url('sign-up')}/_devstack/clock"
    try:
        httpx.post(clock, json={"offsetSeconds": 590})
        assert door.get("/callback", params={"state": state}).status_code == 200
        httpx.post(clock, json={"offsetSeconds": 601})
        assert door.get("/callback", params={"state": state}).json()["code"] == "invalid_state"
    finally:
        httpx.post(clock, json={"offsetSeconds": 0})


def test_an_origin_that_was_taken_back_gets_no_token(stack: Stack, door: httpx.Client, clerk: ClerkControls) -> None:
    tenant = with_origin(stack, make_tenant(stack))
    state = begin(door, tenant)
    stack.d1("DELETE FROM redirect_origins WHERE publishableKey = ?1", tenant.publishable_key)
    token = clerk.token("endUsersTest", clerk.make_user("endUsersTest"))
    assert door.get("/callback", params={"state": state}).json()["code"] == "redirect_not_allowed"
    assert complete(door, token, state=state).json()["code"] == "redirect_not_allowed"


# Completing --------------------------------------------------------------------------------------------------


def test_completing_binds_the_user_and_tells_clerk(
    stack: Stack, door: httpx.Client, tenant: Tenant, clerk: ClerkControls
) -> None:
    user = clerk.make_user("endUsersTest", firstName="Ada", lastName="Lovelace")
    answer = complete(door, clerk.token("endUsersTest", user), state=begin(door, tenant))
    assert answer.status_code == 200, answer.text
    key = tenant.publishable_key
    expected = {"success": True, "userId": user, "publishableKey": key, "plan": "free", "redirect": HOME}
    assert answer.json() == expected
    settled(stack, user)
    assert metadata(stack, "endUsersTest", user) == {"publishableKey": key, "plan": "free"}
    row = stack.d1("SELECT * FROM end_users WHERE clerkUserId = ?1", user)[0]
    assert (row["publishableKey"], row["firstName"], row["lastName"]) == (key, "Ada", "Lovelace")
    assert row["email"].endswith("@example.com")
    # From now on the token says it: no vendor is asked, nothing is owed.
    again = complete(door, clerk.token("endUsersTest", user), tenant)
    assert {**again.json(), "redirect": HOME} == expected
    assert "fetches=0" in again.headers["X-Round-Trips"]
    assert "d1=1" in again.headers["X-Round-Trips"]


def test_completing_at_the_same_time_is_completing_once(
    stack: Stack, door: httpx.Client, tenant: Tenant, clerk: ClerkControls
) -> None:
    user = clerk.make_user("endUsersTest")
    token = clerk.token("endUsersTest", user)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: complete(door, token, tenant), range(16)))
    assert {answer.status_code for answer in answers} == {200}
    assert members(stack, user) == [tenant.publishable_key]
    settled(stack, user)
    assert metadata(stack, "endUsersTest", user)["publishableKey"] == tenant.publishable_key


def test_of_two_projects_one_gets_the_user(stack: Stack, door: httpx.Client, clerk: ClerkControls) -> None:
    one, other = make_tenant(stack), make_tenant(stack)
    user = clerk.make_user("endUsersTest")
    token = clerk.token("endUsersTest", user)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda tenant: (tenant, complete(door, token, tenant)), [one, other] * 4))
    (home,) = members(stack, user)
    for tenant, answer in answers:
        won = tenant.publishable_key == home
        assert (answer.status_code, answer.json().get("code")) == (
            (200, None) if won else (409, "belongs_to_other_project")
        )
    settled(stack, user)
    assert metadata(stack, "endUsersTest", user)["publishableKey"] == home


def test_a_user_of_another_project_is_not_handed_over(
    stack: Stack, door: httpx.Client, tenant: Tenant, clerk: ClerkControls
) -> None:
    elsewhere = make_tenant(stack)
    user = clerk.make_user("endUsersTest")
    early = clerk.token("endUsersTest", user)  # from before the user had a project
    assert complete(door, early, elsewhere).status_code == 200
    settled(stack, user)
    for token in (early, clerk.token("endUsersTest", user)):
        answer = complete(door, token, state=begin(door, tenant))
        assert (answer.status_code, answer.json()["code"]) == (409, "belongs_to_other_project")
        assert "redirect" not in answer.json()
    assert members(stack, user) == [elsewhere.publishable_key]


def test_naming_a_user_does_not_get_a_developer_their_token(
    stack: Stack, door: httpx.Client, tenant: Tenant, clerk: ClerkControls
) -> None:
    """A backend may count calls of any user id; that makes nobody its user."""
    victim = clerk.make_user("endUsersTest")
    assert complete(door, clerk.token("endUsersTest", victim), tenant).status_code == 200
    settled(stack, victim)
    thief = make_tenant(stack)
    named = httpx.post(f"{stack.url('api-multi')}/api/data", headers=thief.headers(victim), timeout=60)
    assert named.status_code == 200
    answer = complete(door, clerk.token("endUsersTest", victim), thief)
    assert (answer.status_code, answer.json()["code"]) == (409, "belongs_to_other_project")
    settled(stack, victim)
    assert metadata(stack, "endUsersTest", victim)["publishableKey"] == tenant.publishable_key


def test_a_user_whose_project_is_gone_may_join_another(
    stack: Stack, door: httpx.Client, tenant: Tenant, clerk: ClerkControls
) -> None:
    gone = make_tenant(stack)
    user = clerk.make_user("endUsersTest", publicMetadata={"publishableKey": gone.publishable_key})
    stack.d1("DELETE FROM projects WHERE publishableKey = ?1", gone.publishable_key)
    assert complete(door, clerk.token("endUsersTest", user), tenant).status_code == 200
    assert members(stack, user) == [tenant.publishable_key]


def test_the_plan_is_what_d1_says(stack: Stack, door: httpx.Client, clerk: ClerkControls) -> None:
    tenant, store = (
        make_tenant(stack),
        make_tenant(stack, project_type="store", tiers=({"name": "mug", "price": 5, "limit": None},)),
    )
    user = clerk.make_user(
        "endUsersTest", publicMetadata={"publishableKey": tenant.publishable_key, "plan": "unlimited"}
    )
    token = clerk.token("endUsersTest", user)
    assert complete(door, token, tenant).json()["plan"] == "free"
    stack.d1("UPDATE end_users SET plan = 'pro' WHERE clerkUserId = ?1", user)
    assert complete(door, token, tenant).json()["plan"] == "pro"
    shopper = clerk.token("endUsersTest", clerk.make_user("endUsersTest"))
    assert complete(door, shopper, store).json()["plan"] is None


def test_tokens_that_do_not_hold_are_refused(
    stack: Stack, door: httpx.Client, tenant: Tenant, live: Tenant, clerk: ClerkControls
) -> None:
    user, developer = clerk.make_user("endUsersTest"), clerk.make_user("developers")
    good = clerk.token("endUsersTest", user)
    bad = {
        "of the live instance": clerk.token("endUsersLive", clerk.make_user("endUsersLive")),
        "of a developer": clerk.token("developers", developer),
        "expired": clerk.token("endUsersTest", user, expiresIn=-60),
        "pending": clerk.token("endUsersTest", user, claims={"sts": "pending"}),
        "signed by another instance": clerk.token("endUsersTest", user, signedBy="endUsersLive"),
        "cut": good[:-4],
        "nested": "x." + base64.urlsafe_b64encode(b"[" * 30_000).decode() + ".x",
        "a secret key": tenant.secret_key,
        "empty": "x",
    }
    for name, token in bad.items():
        answer = complete(door, token, tenant)
        assert answer.status_code == 401, (name, answer.text)
        assert token not in answer.text
    assert complete(door, good, live).status_code == 401
    assert members(stack, user) == []
    assert door.post("/oauth/complete", headers={"X-Publishable-Key": tenant.publishable_key}).status_code == 401
    assert door.post("/oauth/complete", headers={"Authorization": f"Bearer {good}"}).status_code == 401
    deleted = clerk.make_user("endUsersTest")
    late = clerk.token("endUsersTest", deleted)
    httpx.delete(
        f"{stack.url('clerk')}/v1/users/{deleted}",
        headers={"Authorization": f"Bearer {stack.state['clerkSecretKeys']['endUsersTest']}"},
    ).raise_for_status()
    assert complete(door, late, tenant).status_code == 401
    assert door.get("/health").status_code == 200


def test_clerk_failing_loses_nothing(stack: Stack, door: httpx.Client, tenant: Tenant, clerk: ClerkControls) -> None:
    user = clerk.make_user("endUsersTest")
    token = clerk.token("endUsersTest", user)
    clerk.control("/faults", path="/v1/users/*/metadata", method="PATCH", times=50, status=500)
    try:
        answer = complete(door, token, tenant)
        assert answer.status_code == 200, answer.text
        assert members(stack, user) == [tenant.publishable_key]
        assert stack.d1("SELECT count(*) AS n FROM outbox WHERE payload LIKE '%' || ?1 || '%'", user)[0]["n"] == 1
    finally:
        clerk.clear("/faults")
    clerk.control("/faults", path=f"/v1/users/{user}", times=50, status=500)
    try:
        assert complete(door, token, tenant).status_code == 502
    finally:
        clerk.clear("/faults")


@pytest.mark.parametrize("step", ["complete:joined", "complete:owed"])
def test_dying_half_way_is_made_good_by_the_next_try(
    stack: Stack, door: httpx.Client, tenant: Tenant, clerk: ClerkControls, step: str
) -> None:
    user = clerk.make_user("endUsersTest")
    token = clerk.token("endUsersTest", user)
    checkpoints = f"{stack.url('sign-up')}/_devstack/checkpoints"
    httpx.post(checkpoints, json={"armed": {step: "fail"}}).raise_for_status()
    try:
        assert complete(door, token, tenant).status_code == 500
    finally:
        httpx.post(checkpoints, json={"armed": {}}).raise_for_status()
    assert complete(door, token, tenant).status_code == 200
    settled(stack, user)
    assert members(stack, user) == [tenant.publishable_key]
    assert metadata(stack, "endUsersTest", user)["publishableKey"] == tenant.publishable_key


# The plan, once paid -----------------------------------------------------------------------------------------


def subscribe(stack: Stack, tenant: Tenant, user_id: str, status: str = "active", plan: str | None = "pro") -> str:
    subscription = f"sub_{time.time_ns()}"
    stack.d1(
        "INSERT INTO subscriptions (publishableKey, userId, subscriptionId, stripeCustomerId, status, plan, priceId, amount,"
        " currency, currentPeriodStart, currentPeriodEnd, createdAt, updatedAt)"
        " VALUES (?1, ?2, ?3, 'cus_1', ?4, ?5, 'price_1', 2900, 'usd', ?6, '9999-01-01T00:00:00.000Z', ?6, ?6)",
        tenant.publishable_key,
        user_id,
        subscription,
        status,
        plan,
        CREATED,
    )
    return subscription


def test_the_status_says_paid_when_a_subscription_entitles(
    stack: Stack, door: httpx.Client, tenant: Tenant, clerk: ClerkControls
) -> None:
    for status, plan, paid in (
        ("active", "pro", True),
        ("trialing", "pro", True),
        ("incomplete", "pro", False),
        ("canceled", "pro", False),
        ("active", None, False),
    ):
        user = clerk.make_user("endUsersTest")
        headers = {"X-Publishable-Key": tenant.publishable_key, "X-Clerk-Token": clerk.token("endUsersTest", user)}
        assert door.get("/refresh/status", headers=headers).json()["paid"] is False
        subscribe(stack, tenant, user, status, plan)
        answer = door.get("/refresh/status", headers=headers).json()
        expected = {
            "userId": user,
            "publishableKey": tenant.publishable_key,
            "plan": "pro" if paid else "free",
            "paid": paid,
        }
        assert answer == expected


# Clerk's events ----------------------------------------------------------------------------------------------


def deliver(
    stack: Stack, instance: InstanceName, kind: str, data: Mapping[str, Any], message_id: str
) -> httpx.Response:
    """One delivery, signed as the instance signs."""
    body = json.dumps({"type": kind, "data": data, "object": "event", "timestamp": int(time.time() * 1000)}).encode()
    now = str(int(time.time()))
    key = base64.b64decode(stack.configuration.clerk_secrets(instance)[1].removeprefix("whsec_"))
    made = hmac.new(key, f"{message_id}.{now}.".encode() + body, hashlib.sha256).digest()
    headers = {"svix-id": message_id, "svix-timestamp": now, "svix-signature": f"v1,{base64.b64encode(made).decode()}"}
    return httpx.post(f"{stack.url('sign-up')}/webhook/clerk", content=body, headers=headers, timeout=60)


def person(user_id: str, key: str | None, email: str, updated: int, *, verified: bool = True) -> dict[str, Any]:
    verification = {"status": "verified" if verified else "unverified"}
    return {
        "id": user_id,
        "email_addresses": [{"id": "idn_1", "email_address": email, "verification": verification}],
        "primary_email_address_id": "idn_1",
        "first_name": "Grace",
        "last_name": "Hopper",
        "public_metadata": {} if key is None else {"publishableKey": key},
        "created_at": 1_790_000_000_000,
        "updated_at": updated,
    }


def bound(stack: Stack, tenant: Tenant, clerk: ClerkControls, door: httpx.Client, instance: InstanceName) -> str:
    user = clerk.make_user(instance)
    assert complete(door, clerk.token(instance, user), tenant).status_code == 200
    settled(stack, user)
    clerk.control("/webhooks/wait-idle", timeoutSeconds=20)
    return user


def profile(stack: Stack, user_id: str) -> tuple[str, str]:
    (row,) = stack.d1("SELECT email, firstName FROM end_users WHERE clerkUserId = ?1", user_id)
    return row["email"], row["firstName"]


FUTURE = 1_900_000_000_000


def test_the_newest_profile_wins_however_often_and_late_others_come(
    stack: Stack, door: httpx.Client, tenant: Tenant, clerk: ClerkControls
) -> None:
    user, key = bound(stack, tenant, clerk, door, "endUsersTest"), tenant.publishable_key
    newer, older = person(user, key, "new@example.com", FUTURE + 2), person(user, key, "old@example.com", FUTURE + 1)
    newest_id = f"msg_{time.time_ns()}"
    answers = [deliver(stack, "endUsersTest", "user.updated", newer, newest_id) for _ in range(3)]
    assert [each.json()["duplicate"] for each in answers] == [False, True, True]
    assert deliver(stack, "endUsersTest", "user.updated", older, f"{newest_id}_old").status_code == 200
    assert profile(stack, user) == ("new@example.com", "Grace")
    unproven = person(user, key, "unproven@example.com", FUTURE + 3, verified=False)
    assert deliver(stack, "endUsersTest", "user.updated", unproven, f"{newest_id}_u").status_code == 200
    assert profile(stack, user)[0] == "new@example.com"


def test_a_change_at_clerk_arrives(stack: Stack, door: httpx.Client, tenant: Tenant, clerk: ClerkControls) -> None:
    user = bound(stack, tenant, clerk, door, "endUsersTest")
    httpx.patch(
        f"{stack.url('clerk')}/v1/users/{user}",
        headers={"Authorization": f"Bearer {stack.state['clerkSecretKeys']['endUsersTest']}"},
        json={"first_name": "Katherine"},
    ).raise_for_status()
    clerk.control("/webhooks/wait-idle", timeoutSeconds=20)
    assert profile(stack, user)[1] == "Katherine"


def test_an_instance_speaks_for_its_own_mode_only(
    stack: Stack, door: httpx.Client, tenant: Tenant, live: Tenant, clerk: ClerkControls
) -> None:
    instances: list[tuple[Tenant, InstanceName, InstanceName]] = [
        (tenant, "endUsersTest", "endUsersLive"),
        (live, "endUsersLive", "endUsersTest"),
    ]
    for project, own, other in instances:
        user = bound(stack, project, clerk, door, own)
        before = profile(stack, user)
        foreign = person(user, project.publishable_key, "thief@example.com", FUTURE)
        message = f"msg_{time.time_ns()}"
        assert deliver(stack, other, "user.updated", foreign, message).status_code == 200
        assert deliver(stack, other, "user.deleted", {"id": user, "deleted": True}, f"{message}_d").status_code == 200
        assert profile(stack, user) == before
        assert stack.d1("SELECT outcome FROM events WHERE eventId = ?1", message)[0]["outcome"] == "rejected"
        assert stack.d1("SELECT livemode FROM events WHERE eventId = ?1", message)[0]["livemode"] == int(
            other == "endUsersLive"
        )


def test_a_profile_reaches_the_users_own_project_only(
    stack: Stack, door: httpx.Client, tenant: Tenant, clerk: ClerkControls
) -> None:
    user = bound(stack, tenant, clerk, door, "endUsersTest")
    thief = make_tenant(stack)
    httpx.post(f"{stack.url('api-multi')}/api/data", headers=thief.headers(user), timeout=60).raise_for_status()
    own = person(user, tenant.publishable_key, "private@example.com", FUTURE)
    assert deliver(stack, "endUsersTest", "user.updated", own, f"msg_{time.time_ns()}").status_code == 200
    rows = stack.d1("SELECT publishableKey, email FROM end_users WHERE clerkUserId = ?1", user)
    assert {row["publishableKey"]: row["email"] for row in rows} == {
        tenant.publishable_key: "private@example.com",
        thief.publishable_key: None,
    }


def test_a_deleted_user_leaves_once_and_their_subscription_is_owed_an_end(
    stack: Stack, door: httpx.Client, stripe: StripeControls, clerk: ClerkControls
) -> None:
    tenant = make_tenant(stack)
    make_account(stack, stripe, tenant.platform_id)
    user = bound(stack, tenant, clerk, door, "endUsersTest")
    httpx.post(f"{stack.url('api-multi')}/api/data", headers=tenant.headers(user), timeout=60).raise_for_status()
    subscription = subscribe(stack, tenant, user)
    message = f"msg_{time.time_ns()}"
    gone = {"id": user, "deleted": True, "object": "user"}
    answers = [deliver(stack, "endUsersTest", "user.deleted", gone, message) for _ in range(3)]
    assert [(each.status_code, each.json()["duplicate"]) for each in answers] == [
        (200, False),
        (200, True),
        (200, True),
    ]
    assert deliver(stack, "endUsersTest", "user.deleted", gone, f"{message}_again").status_code == 200
    for table, column in (("end_users", "clerkUserId"), ("subscriptions", "userId"), ("usage_counts", "userId")):
        assert stack.d1(f"SELECT count(*) AS n FROM {table} WHERE {column} = ?1", user)[0]["n"] == 0
    owed = stack.d1("SELECT kind FROM outbox WHERE subject = ?1", subscription)
    assert [row["kind"] for row in owed] in (["cancel_subscription"], [])  # none: the schedule was faster
    late = person(user, tenant.publishable_key, "ghost@example.com", FUTURE)
    assert deliver(stack, "endUsersTest", "user.updated", late, f"{message}_late").status_code == 200
    assert members(stack, user) == []


# What it is made of ------------------------------------------------------------------------------------------


def test_the_worker_needs_no_stripe_library() -> None:
    """It is not vendored for this worker: importing its routes must not ask for it."""
    program = (
        "import sys; sys.modules['stripe'] = None;"
        "sys.path[:0] = ['workers/sign-up/src', 'shared']; from sign_up import routes; print(len(routes.ROUTES))"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
