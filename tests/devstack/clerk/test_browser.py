"""The hosted pages and the real clerk-js work in a real browser, also on a page of another origin."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import jwt
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.support.browsers import chromium

NewEmail = Callable[[], str]
PASSWORD = "analytical-engine-7"
SCRIPT = """<!doctype html><title>An application</title><h1>An application</h1>
<script crossorigin="anonymous" src="{issuer}/npm/@clerk/clerk-js@6/dist/clerk.browser.js"
  data-clerk-publishable-key="{key}" data-clerk-proxy-url="{issuer}"></script>"""
TOKENS = """async () => ({
  plain: await Clerk.session.getToken(),
  cached: await Clerk.session.getToken(),
  fresh: await Clerk.session.getToken({skipCache: true}),
  template: await Clerk.session.getToken({template: "end-user-api"}),
})"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture(scope="module")
def app_url() -> Iterator[str]:
    """The origin of a server whose page loads clerk-js for `?key=…&issuer=…`. It stores both in the path."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            query = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
            body = SCRIPT.format(issuer=query.get("issuer", ""), key=query.get("key", "")).encode()
            self.send_response(200)
            self.send_header("content-type", "text/html")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://localhost:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    fresh = browser.new_context()
    yield fresh
    fresh.close()


@pytest.fixture
def page(context: BrowserContext) -> Page:
    return context.new_page()


def application(clerk: Any, app_url: str, instance: str = "endUsersTest") -> str:
    return f"{app_url}/?key={clerk.publishable_key(instance)}&issuer={clerk.issuer(instance)}"


def sign_up(page: Page, email: str) -> None:
    page.fill("#first-name", "Ada")
    page.fill("#last-name", "Lovelace")
    page.fill("#email-address", email)
    page.fill("#password", PASSWORD)
    page.click("#submit")


def claims(token: str) -> dict[str, Any]:
    return jwt.decode(token, options={"verify_signature": False})


def test_sign_up_on_the_hosted_page_and_use_the_session_on_another_origin(
    clerk: Any, app_url: str, page: Page, new_email: NewEmail, users: httpx.Client
) -> None:
    app, email = application(clerk, app_url), new_email()
    page.goto(app)
    page.evaluate("() => Clerk.load()")
    assert page.evaluate("() => [Clerk.loaded, Clerk.user, Clerk.session]") == [True, None, None]

    page.evaluate("url => Clerk.redirectToSignUp({redirectUrl: url})", app)
    expect(page.locator("#stand-in-banner")).to_contain_text("stand-in")
    sign_up(page, email)
    page.wait_for_url(f"{app_url}/**")
    assert "__clerk_db_jwt" in page.url
    page.evaluate("() => Clerk.load()")
    assert "__clerk_db_jwt" not in page.url

    user_id = page.evaluate("() => Clerk.user.id")
    assert page.evaluate("() => Clerk.user.primaryEmailAddress.emailAddress") == email
    assert users.get(f"/users/{user_id}").json()["first_name"] == "Ada"
    tokens = page.evaluate(TOKENS)
    keys = jwt.PyJWKSet.from_dict(httpx.get(f"{clerk.issuer('endUsersTest')}/.well-known/jwks.json").json())
    for token in tokens.values():
        key = keys[jwt.get_unverified_header(token)["kid"]].key
        verified = jwt.decode(token, key, algorithms=["RS256"], issuer=clerk.issuer("endUsersTest"))
        assert (verified["sub"], verified["azp"]) == (user_id, app_url)
    assert tokens["plain"] == tokens["cached"]
    assert tokens["plain"] != tokens["fresh"]
    assert "sid" not in claims(tokens["template"])

    users.patch(f"/users/{user_id}/metadata", json={"public_metadata": {"plan": "pro"}})
    fresh = page.evaluate("() => Clerk.session.getToken({skipCache: true})")
    assert claims(fresh)["metadata"] == {"plan": "pro"}

    page.evaluate("() => { window.seen = []; Clerk.addListener(state => window.seen.push(state.user?.id ?? null)) }")
    session_id = page.evaluate("() => Clerk.session.id")
    page.evaluate("() => Clerk.signOut(() => { window.signedOut = true })")
    page.wait_for_function("() => window.signedOut === true && Clerk.user === null")
    assert page.evaluate("() => window.seen")[-1] is None
    assert users.get(f"/sessions/{session_id}").json()["status"] == "removed"
    page.reload()
    page.evaluate("() => Clerk.load()")
    assert page.evaluate("() => Clerk.user") is None


def test_sign_in_returns_at_once_when_a_session_is_there(
    clerk: Any, app_url: str, page: Page, new_email: NewEmail
) -> None:
    app, email = application(clerk, app_url), new_email()
    clerk.control("POST", "users", instance="endUsersTest", email=email, password=PASSWORD)
    page.goto(app)
    page.evaluate("() => Clerk.load()")
    page.evaluate("url => Clerk.redirectToSignIn({redirectUrl: url})", app)
    page.fill("#email-address", email)
    page.fill("#password", "not the password")
    page.click("#submit")
    expect(page.locator("#form-error")).to_contain_text("Password is incorrect")
    page.fill("#password", PASSWORD)
    page.click("#submit")
    page.wait_for_url(f"{app_url}/**")
    page.evaluate("() => Clerk.load()")
    assert page.evaluate("() => Clerk.user.primaryEmailAddress.emailAddress") == email
    page.goto(page.evaluate("url => Clerk.buildSignInUrl({redirectUrl: url})", app))
    page.wait_for_url(f"{app_url}/**")


def test_a_ticket_signs_in_once(
    clerk: Any, app_url: str, context: BrowserContext, new_email: NewEmail, users: httpx.Client
) -> None:
    user = clerk.control("POST", "users", instance="endUsersTest", email=new_email())
    ticket = users.post("/sign_in_tokens", json={"user_id": user["id"], "expires_in_seconds": 60}).json()["token"]
    use = """async ticket => {
      await Clerk.load();
      try {
        const attempt = await Clerk.client.signIn.create({strategy: "ticket", ticket});
        await Clerk.setActive({session: attempt.createdSessionId});
        return [attempt.status, Clerk.user.id, (await Clerk.session.getToken()).length > 0];
      } catch (error) { return error.errors.map(each => each.code) }
    }"""
    page = context.new_page()
    page.goto(application(clerk, app_url))
    assert page.evaluate(use, ticket) == ["complete", user["id"], True]
    assert page.evaluate(use, ticket) == ["session_exists"]
    page.evaluate("() => Clerk.signOut(() => {})")
    page.wait_for_function("() => Clerk.user === null")
    assert page.evaluate(use, ticket) == ["sign_in_token_already_used_code"]
    assert page.evaluate(use, "not-a-ticket") == ["ticket_invalid_code"]
    late = users.post("/sign_in_tokens", json={"user_id": user["id"], "expires_in_seconds": 60}).json()["token"]
    clerk.control("POST", "clock", offsetSeconds=61)
    assert page.evaluate(use, late) == ["ticket_expired_code"]


def test_clerk_js_signs_up_and_in_without_the_hosted_pages(
    clerk: Any, app_url: str, page: Page, new_email: NewEmail
) -> None:
    page.goto(application(clerk, app_url))
    signed_up = """async ([email, password]) => {
      await Clerk.load();
      const attempt = await Clerk.client.signUp.create({emailAddress: email, password});
      await Clerk.setActive({session: attempt.createdSessionId});
      await Clerk.user.update({firstName: "Grace"});
      return [attempt.status, Clerk.user.firstName];
    }"""
    email = new_email()
    assert page.evaluate(signed_up, [email, PASSWORD]) == ["complete", "Grace"]
    page.evaluate("() => Clerk.signOut(() => {})")
    page.wait_for_function("() => Clerk.user === null")
    signed_in = """async ([email, password]) => {
      const begun = await Clerk.client.signIn.create({identifier: email});
      const done = await begun.attemptFirstFactor({strategy: "password", password});
      await Clerk.setActive({session: done.createdSessionId});
      return [begun.id === done.id, done.status, Clerk.user.firstName];
    }"""
    assert page.evaluate(signed_in, [email, PASSWORD]) == [True, "complete", "Grace"]
    page.evaluate("() => Clerk.user.delete()")
    page.wait_for_function("() => !Clerk.user")


def test_a_live_instance_works_with_cookies_and_only_on_its_own_origins(
    clerk: Any, app_url: str, page: Page, new_email: NewEmail
) -> None:
    live = next(item for item in clerk.document["instances"] if item["name"] == "endUsersLive")
    app = application(clerk, app_url, "endUsersLive")
    page.goto(app)
    with page.expect_console_message(lambda message: "Production Keys are only allowed" in message.text):
        page.evaluate("() => Clerk.load()")
    assert page.evaluate("() => Clerk.loaded") is False

    live["allowedRedirectOrigins"] = [app_url]
    clerk.stop()
    clerk.start()
    page.goto(app)
    page.evaluate("() => Clerk.load()")
    page.evaluate("url => Clerk.redirectToSignUp({redirectUrl: url})", app)
    sign_up(page, new_email())
    page.wait_for_url(f"{app_url}/**")
    assert "__clerk_db_jwt" not in page.url
    page.evaluate("() => Clerk.load()")
    token = claims(page.evaluate("() => Clerk.session.getToken()"))
    assert (token["iss"], token["azp"]) == (clerk.issuer("endUsersLive"), app_url)
    page.evaluate("() => Clerk.signOut(() => {})")
    page.wait_for_function("() => Clerk.user === null")
    live["allowedRedirectOrigins"] = []
    clerk.stop()
    clerk.start()


def test_a_redirect_to_an_unknown_origin_stays_on_the_account_page(clerk: Any, page: Page, new_email: NewEmail) -> None:
    page.goto(f"{clerk.issuer('endUsersTest')}/sign-up?redirect_url=https://elsewhere.example/")
    expect(page.locator("#redirect-refused")).to_be_visible()
    sign_up(page, new_email())
    page.wait_for_url("**/end-users-test/user**")


def test_the_account_page_works_without_javascript(
    clerk: Any, browser: Browser, new_email: NewEmail, users: httpx.Client
) -> None:
    context = browser.new_context(java_script_enabled=False)
    page, email = context.new_page(), new_email()
    page.goto(f"{clerk.issuer('endUsersTest')}/user")
    page.click("#sign-up-link")
    sign_up(page, email)
    expect(page.locator("#account-email")).to_have_text(email)
    page.fill("#first-name", "Grace")
    page.click("#save")
    expect(page.locator("#saved")).to_be_visible()
    user_id = page.inner_text("#account-user-id")
    assert users.get(f"/users/{user_id}").json()["first_name"] == "Grace"

    page.click("#sign-out")
    expect(page.locator("#sign-in-form")).to_be_visible()
    page.fill("#email-address", email)
    page.fill("#password", PASSWORD)
    page.click("#submit")
    page.click("#delete-account")
    expect(page.locator("#form-error")).to_be_visible()
    page.fill("#confirmation", email)
    page.click("#delete-account")
    expect(page.locator("#sign-in-form")).to_be_visible()
    assert users.get(f"/users/{user_id}").status_code == 404
    context.close()


def test_a_dev_browser_of_another_instance_is_refused(clerk: Any) -> None:
    """clerk-js has one cookie without suffix for all instances of a host. So it may send the token of another instance."""
    made = httpx.post(f"{clerk.issuer('developers')}/v1/dev_browser").json()["id"]
    answer = httpx.get(f"{clerk.issuer('endUsersTest')}/v1/client", params={"__clerk_db_jwt": made})
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (401, "dev_browser_unauthenticated")
    assert httpx.get(f"{clerk.issuer('developers')}/v1/client", params={"__clerk_db_jwt": made}).json() == {
        "response": None,
        "client": None,
    }
