"""Guarantee: the in-process stack answers as the real runtime does. Each request goes to both, in this order."""

from __future__ import annotations

import base64
import re
import zlib
from collections.abc import Iterator
from typing import Any

import pytest

from devstack.stack.stack import Stack, StackError
from dream.domain.images import MAXIMUM_IMAGE_BYTES
from dream.errors import ConstraintFailed, DatabaseFailed
from tests.support.clerk_controls import InstanceName
from tests.support.clerk_messages import message_of
from tests.support.contract import Case, Scene
from tests.support.in_process.stack import InProcessStack
from tests.support.multipart_forms import CONTENT_TYPE, FILE_FIELD, MALFORMED, TEXT_FIELD, form
from tests.support.platform_events import user_data
from tests.support.stack import Stack as AnyStack
from tests.support.tenants import CREATED, FAR_AWAY
from tests.support.webhooks import event_of, send

API, FRONT, OAUTH, SIGN_UP = "api-multi", "front-auth-api", "oauth-api", "sign-up"
PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00" + zlib.compress(
    b"\0" * 5
)

SK = {"Authorization": "Bearer {saas_sk}"}
ADA = {**SK, "X-User-Id": "ada"}
PK_USER = {"X-Publishable-Key": "{saas_pk}", "X-Clerk-Token": "{user_token}"}
STORE = {"Authorization": "Bearer {store_sk}"}
DEVELOPER = {"Authorization": "Bearer {developer}"}
UNPAID = {"Authorization": "Bearer {unpaid_developer}"}
JSON = {"Content-Type": "application/json"}
UNKNOWN_SK = {"Authorization": "Bearer sk_test_" + "0" * 64}
HTML = {"Accept": "text/html,application/xhtml+xml"}
FORM = {"Content-Type": CONTENT_TYPE}
JOINING = {"Authorization": "Bearer {user_token}", "X-Publishable-Key": "{saas_pk}"}
ODD_REDIRECTS = (
    "https%253A%252F%252Fevil.example",
    "%00https://evil.example",
    "http://localhost:4000/&redirect=https://evil.example",
    "http://localhost:4000/%0d%0aSet-Cookie:%20a=b",
    "https%3A%5C%5Cevil.example",
    "http://localhost:4000/%F0%9F%98%80",
    "http://localhost:4000/%FF",
)
NEW_PROJECT = {
    "mode": "test",
    "projectName": "Contract",
    "projectType": "saas",
    "tiers": [
        {"name": "free", "displayName": "Free", "price": 0, "limit": 5},
        {"name": "plus", "displayName": "Plus", "price": 700, "limit": 50},
    ],
}

CASES = [
    # Every worker: health, unknown paths, methods, preflight
    *(Case("health", worker, "GET", "/health") for worker in (API, FRONT, OAUTH, SIGN_UP)),
    *(Case("deep health", worker, "GET", "/health?deep=1") for worker in (API, FRONT, OAUTH, SIGN_UP)),
    *(Case("head", worker, "HEAD", "/health") for worker in (API, FRONT, OAUTH, SIGN_UP)),
    *(Case("unknown path", worker, "GET", "/no/such/path?x=%zz") for worker in (API, FRONT, OAUTH, SIGN_UP)),
    *(Case("unknown method", worker, "PUT", "/health") for worker in (API, FRONT, OAUTH, SIGN_UP)),
    *(
        Case("preflight", worker, "OPTIONS", "/health", {"Origin": "{url frontend}", "Access-Control-Request-Method": "POST"})
        for worker in (API, FRONT, OAUTH, SIGN_UP)
    ),
    Case("preflight of a stranger", FRONT, "OPTIONS", "/projects", {"Origin": "https://evil.example"}),
    Case("origin of the dashboard", FRONT, "GET", "/projects", {**DEVELOPER, "Origin": "{url frontend}"}),
    Case("escaped path", API, "GET", "/api/customers/%E2%82%AC%20x", SK),
    Case("broken escape", API, "GET", "/api/customers/%FF", SK),
    Case("broken query", API, "GET", "/api/customers?email=%FF", SK),
    Case("dots in the path", API, "GET", "/api/../health"),
    # Counting
    Case("no credential", API, "POST", "/api/data"),
    Case("unknown key", API, "POST", "/api/data", UNKNOWN_SK),
    Case("malformed key", API, "POST", "/api/data", {"Authorization": "Bearer sk_test_short"}),
    Case("wrong scheme", API, "POST", "/api/data", {"Authorization": "Basic {saas_sk}"}),
    Case("key of who has not paid", API, "POST", "/api/data", {"Authorization": "Bearer {unpaid_sk}", "X-User-Id": "ada"}),
    Case("no user", API, "POST", "/api/data", SK),
    Case("counted", API, "POST", "/api/data", ADA),
    Case("counted by a token", API, "POST", "/api/data", PK_USER, {"quantity": 1}),
    Case("counted with a key", API, "POST", "/api/data", {**ADA, "Idempotency-Key": "one"}, {"quantity": 2}),
    Case("repeated", API, "POST", "/api/data", {**ADA, "Idempotency-Key": "one"}, {"quantity": 2}),
    Case("key used again", API, "POST", "/api/data", {**ADA, "Idempotency-Key": "one"}, {"quantity": 1}),
    Case("limit", API, "POST", "/api/data", ADA),
    Case("unknown plan", API, "POST", "/api/data", {**ADA, "X-User-Plan": "gold"}),
    Case("other plan", API, "POST", "/api/data", {**SK, "X-User-Id": "bob", "X-User-Plan": "Pro Plan"}),
    Case("quantity is text", API, "POST", "/api/data", ADA, {"quantity": "2"}),
    Case("quantity is negative", API, "POST", "/api/data", ADA, {"quantity": -1}),
    Case("quantity is a fraction", API, "POST", "/api/data", ADA, {"quantity": 1.5}),
    Case("not json", API, "POST", "/api/data", {**ADA, **JSON}, b"{"),
    Case("not an object", API, "POST", "/api/data", ADA, []),
    Case("not utf-8", API, "POST", "/api/data", {**ADA, **JSON}, b'{"a": "\xff"}'),
    Case("other type", API, "POST", "/api/data", {**ADA, "Content-Type": "text/xml"}, b"<a/>"),
    Case("too large", API, "POST", "/api/data", {**ADA, **JSON}, b" " * 70_000),
    *(
        Case(name, API, "POST", "/api/data", {**ADA, **JSON}, body)
        for name, body in {
            "deep json": b"[" * 30_000,
            "json hidden in utf-16": ('["\u2200",' + "[" * 15_000 + '"').encode("utf-16-le"),
            "half a surrogate pair": rb'{"a":"\ud800"}',
            "not a number": b'{"quantity": NaN}',
            "two values": b'{"a":1}{"b":2}',
        }.items()
    ),
    Case("quantity is huge", API, "POST", "/api/data", ADA, {"quantity": 10**30}),
    Case("user with a space", API, "POST", "/api/data", {**SK, "X-User-Id": "a b"}),
    Case("key of one project, name of another", API, "POST", "/api/data", {**ADA, "X-Publishable-Key": "{store_pk}"}),
    Case("token beside another user", API, "GET", "/api/usage", {**ADA, "X-Clerk-Token": "{user_token}"}),
    Case("huge token", API, "GET", "/api/usage", {"X-Publishable-Key": "{saas_pk}", "X-Clerk-Token": "x" * 30_000}),
    Case("bad token", API, "POST", "/api/data", {"X-Publishable-Key": "{saas_pk}", "X-Clerk-Token": "a.b.c"}),
    Case("usage", API, "GET", "/api/usage", ADA),
    Case("usage of a newcomer", API, "GET", "/api/usage", {**SK, "X-User-Id": "newcomer"}),
    Case("usage by a token", API, "GET", "/api/usage", PK_USER),
    Case("tiers", API, "GET", "/api/tiers", {"X-Publishable-Key": "{saas_pk}"}),
    Case("tiers of nobody", API, "GET", "/api/tiers", {"X-Publishable-Key": "pk_test_" + "0" * 32}),
    # Customers
    Case("new customer", API, "POST", "/api/customers", SK, {"email": "grace@example.com", "plan": "pro"}),
    Case("customer twice", API, "POST", "/api/customers", SK, {"email": "grace@example.com"}),
    Case("bad customer", API, "POST", "/api/customers", SK, {"email": 3, "firstName": ""}),
    Case("customers", API, "GET", "/api/customers?limit=2", SK),
    Case("customers, bad limit", API, "GET", "/api/customers?limit=1e1", SK),
    Case("customer", API, "GET", "/api/customers/ada", SK),
    Case("other plan of a customer", API, "PATCH", "/api/customers/ada", SK, {"plan": "starter"}),
    Case("customer of another", API, "GET", "/api/customers/ada", STORE),
    Case("removed customer", API, "DELETE", "/api/customers/bob", SK),
    Case("removed again", API, "DELETE", "/api/customers/bob", SK),
    # Checkout, portal, store
    Case("checkout", API, "POST", "/api/create-checkout", ADA, {"tier": "pro"}),
    Case("checkout of a free tier", API, "POST", "/api/create-checkout", ADA, {"tier": "free"}),
    Case("checkout of no tier", API, "POST", "/api/create-checkout", ADA, {"tier": "gold"}),
    Case("checkout, bad url", API, "POST", "/api/create-checkout", ADA, {"tier": "pro", "successUrl": "javascript:x"}),
    Case("portal of who never paid", API, "POST", "/api/customer-portal", {**SK, "X-User-Id": "newcomer"}),
    Case("products", API, "GET", "/api/products", STORE),
    Case("cart", API, "POST", "/api/cart/checkout", STORE, {"items": [{"tier": "mug", "quantity": 2}]}, {"order": "orderId"}),
    Case("sold out", API, "POST", "/api/cart/checkout", STORE, {"items": [{"tier": "poster", "quantity": 1}]}),
    Case("empty cart", API, "POST", "/api/cart/checkout", STORE, {"items": []}),
    Case("bad cart", API, "POST", "/api/cart/checkout", STORE,
         {"items": [{"tier": "mug", "quantity": 0}, {"quantity": 1}, 7], "email": "no", "cancelUrl": "/relative"}),
    Case("cart of a guest", API, "POST", "/api/cart/checkout", {"X-Publishable-Key": "{store_pk}"},
         {"items": [{"tier": "mug", "quantity": 1}]}),
    Case("cart of a saas project", API, "POST", "/api/cart/checkout", SK, {"items": [{"tier": "pro", "quantity": 1}]}),
    Case("order", API, "GET", "/api/cart/orders/{order}", STORE),
    Case("orders", API, "GET", "/api/orders", STORE),
    Case("no such order", API, "GET", "/api/cart/orders/none", STORE),
    Case("products after", API, "GET", "/api/products", STORE),
    Case("dashboard", API, "GET", "/api/dashboard", SK),
    Case("totals", API, "GET", "/api/dashboard/totals", STORE),
    *(
        Case(f"dashboard, bad {name}", API, "GET", f"/api/dashboard?{name}={value}", SK)
        for name, value in {"status": "x", "limit": "1e3", "cursor": "x", "plan": "x", "search": "x" * 201}.items()
    ),
    Case("dashboard of a developer", API, "GET", "/api/dashboard?publishableKey={saas_pk}", DEVELOPER),
    Case("dashboard of another's", API, "GET", "/api/dashboard?publishableKey={store_pk}", DEVELOPER),
    # Images
    Case("image", API, "POST", "/api/assets", SK, {"filename": "a.png", "contentType": "image/png", "data": PNG.hex()}),
    Case("image stored", API, "POST", "/api/assets", SK, {"data": base64.b64encode(PNG).decode()}, {"asset": "key"}),
    Case("image served", API, "GET", "/api/assets/{asset}"),
    Case("image not changed", API, "GET", "/api/assets/{asset}", {"If-None-Match": "*"}),
    Case("form with an image", API, "POST", "/api/assets", {**SK, "Content-Type": CONTENT_TYPE}, form((FILE_FIELD, PNG))),
    *(
        Case(f"form, {name}", API, "POST", "/api/assets", {**SK, "Content-Type": content_type}, body)
        for name, (content_type, body) in MALFORMED.items()
    ),
    Case("no image, says it is", API, "POST", "/api/assets", SK, {"data": "PHN2Zy8+", "contentType": "image/png"}),
    Case("no image", API, "GET", "/api/assets/none.png"),
    # Webhooks that nobody signed
    *(Case("stripe, unsigned", worker, "POST", "/webhook/stripe", JSON, b"{}") for worker in (API, FRONT)),
    *(Case("stripe, too large", worker, "POST", "/webhook/stripe", JSON, b" " * 1_048_576) for worker in (API, FRONT)),
    Case("stripe, signed badly", API, "POST", "/webhook/stripe", {**JSON, "Stripe-Signature": "t=1,v1=00"}, b"{}"),
    *(Case("clerk, unsigned", worker, "POST", "/webhook/clerk", JSON, b"{}") for worker in (FRONT, SIGN_UP)),
    # The developer's account
    Case("no token", FRONT, "GET", "/projects"),
    Case("a secret key for a token", FRONT, "GET", "/projects", SK),
    Case("another instance's token", FRONT, "GET", "/projects", {"Authorization": "Bearer {user_token}"}),
    Case("platform", FRONT, "POST", "/generate-platform-id", DEVELOPER),
    Case("platform again", FRONT, "GET", "/get-platform-id", DEVELOPER),
    Case("subscription", FRONT, "GET", "/subscription", DEVELOPER),
    Case("subscription of who has none", FRONT, "GET", "/subscription", UNPAID),
    Case("other scheme", FRONT, "GET", "/subscription", {"Authorization": "Basic abc"}),
    Case("origin of a stranger", FRONT, "GET", "/subscription", {**DEVELOPER, "Origin": "https://evil.example"}),
    Case("credentials", FRONT, "GET", "/get-credentials", DEVELOPER),
    Case("credentials of a project", FRONT, "GET", "/get-credentials?publishableKey={saas_pk}", DEVELOPER),
    Case("credentials of another's", FRONT, "GET", "/get-credentials?publishableKey={store_pk}", DEVELOPER),
    Case("portal of who never paid for the platform", FRONT, "POST", "/billing-portal", UNPAID),
    Case("calls of who pays", FRONT, "POST", "/verify-auth", DEVELOPER, {}),
    Case("platform's checkout", FRONT, "POST", "/create-checkout", UNPAID),
    Case("verify", FRONT, "POST", "/verify-auth", UNPAID),
    Case("projects", FRONT, "GET", "/projects", DEVELOPER),
    Case("renamed", FRONT, "PATCH", "/projects/{saas_pk}", DEVELOPER, {"name": "Renamed €"}),
    Case("bad origins", FRONT, "PATCH", "/projects/{saas_pk}", DEVELOPER, {"redirectOrigins": ["ftp://x"]}),
    Case("another's project", FRONT, "PATCH", "/projects/{store_pk}", DEVELOPER, {"name": "Mine"}),
    Case("upload of who has not paid", FRONT, "POST", "/upload-asset", UNPAID, {"filename": "a.png"}),
    Case("bad upload", FRONT, "POST", "/upload-asset", DEVELOPER, {"filename": "a.png", "contentType": "image/png", "data": "%"}),
    Case("upload", FRONT, "POST", "/upload-asset", DEVELOPER,
         {"filename": "a.png", "contentType": "text/plain", "data": base64.b64encode(PNG).decode()}, {"asset": "key"}),
    Case("its image", API, "GET", "/assets/{asset}"),
    Case("upload by form", FRONT, "POST", "/upload-asset", {**DEVELOPER, **FORM}, form((TEXT_FIELD, b"x"), (FILE_FIELD, PNG))),
    Case("upload of a page", FRONT, "POST", "/upload-asset", {**DEVELOPER, **FORM}, form((FILE_FIELD, b"<script>"))),
    Case("upload without a file", FRONT, "POST", "/upload-asset", {**DEVELOPER, **FORM}, form((TEXT_FIELD, b"x"))),
    Case("upload that is too large", FRONT, "POST", "/upload-asset", {**DEVELOPER, **FORM},
         form((FILE_FIELD, PNG.ljust(MAXIMUM_IMAGE_BYTES + 1, b"\0")))),
    Case("largest upload", FRONT, "POST", "/upload-asset", {**DEVELOPER, **FORM},
         form((FILE_FIELD, PNG.ljust(MAXIMUM_IMAGE_BYTES, b"\0")))),
    *(
        Case(f"form with {flaw}", FRONT, "POST", "/upload-asset", {**DEVELOPER, "Content-Type": content_type}, body)
        for flaw, (content_type, body) in MALFORMED.items()
    ),
    # Connect, projects, tiers
    Case("connect", OAUTH, "POST", "/authorize", DEVELOPER, {"mode": "test"}, {"connect_url": "url"}),
    Case("connect of who has not paid", OAUTH, "POST", "/authorize", UNPAID, {"mode": "test"}),
    Case("ticket of nobody", OAUTH, "GET", "/authorize?ticket=none"),
    Case("own ticket", OAUTH, "GET", "{connect_url}"),
    Case("spent ticket", OAUTH, "GET", "{connect_url}"),
    Case("odd ticket", OAUTH, "GET", "/authorize?ticket=%00"),
    Case("disconnect of what is not connected", OAUTH, "POST", "/disconnect", DEVELOPER, {"mode": "live"}),
    Case("disconnect without a mode", OAUTH, "POST", "/disconnect", DEVELOPER, {}),
    Case("callback without state", OAUTH, "GET", "/callback?code=x"),
    Case("new project", OAUTH, "POST", "/create-products", DEVELOPER, NEW_PROJECT, {"new_pk": "publishableKey"}),
    Case("bad project", OAUTH, "POST", "/create-products", DEVELOPER, {"mode": "best", "tiers": [{"price": -1}]}),
    Case("its tiers", OAUTH, "GET", "/tiers?publishableKey={new_pk}", DEVELOPER),
    Case("tier added", OAUTH, "POST", "/tiers/add", DEVELOPER,
         {"publishableKey": "{new_pk}", "tier": {"name": "max", "displayName": "Max", "price": 9900, "limit": None}}),
    Case("price changed", OAUTH, "PUT", "/tiers", DEVELOPER,
         {"publishableKey": "{new_pk}", "tierName": "plus", "updates": {"price": 800}}),
    Case("no such tier", OAUTH, "PUT", "/tiers", DEVELOPER,
         {"publishableKey": "{new_pk}", "tierName": "gold", "updates": {"price": 800}}),
    Case("tier removed", OAUTH, "DELETE", "/tiers", DEVELOPER, {"publishableKey": "{new_pk}", "tierName": "max"}),
    Case("default tier removed", OAUTH, "DELETE", "/tiers", DEVELOPER, {"publishableKey": "{new_pk}", "tierName": "free"}),
    Case("tiers of another's", OAUTH, "GET", "/tiers?publishableKey={store_pk}", DEVELOPER),
    Case("promotion without live", OAUTH, "POST", "/promote-to-live", DEVELOPER, {"publishableKey": "{new_pk}"}),
    Case("key rotated", FRONT, "POST", "/projects/rotate-key", {**DEVELOPER, "Idempotency-Key": "rotate"},
         {"publishableKey": "{new_pk}"}, {"new_sk": "secretKey"}),
    Case("rotation repeated", FRONT, "POST", "/projects/rotate-key", {**DEVELOPER, "Idempotency-Key": "rotate"},
         {"publishableKey": "{new_pk}"}),
    Case("bad revocation", FRONT, "POST", "/projects/revoke-key", DEVELOPER, {"publishableKey": "{new_pk}", "keyId": "x"}),
    Case("new key", API, "GET", "/api/tiers", {"Authorization": "Bearer {new_sk}"}),
    Case("project removed", FRONT, "DELETE", "/projects/{new_pk}", DEVELOPER),
    # End users
    Case("sign up", SIGN_UP, "GET", "/signup?pk={saas_pk}&redirect=http://localhost:4000/x"),
    Case("sign up elsewhere", SIGN_UP, "GET", "/signup?pk={saas_pk}&redirect=https://evil.example/"),
    Case("sign up elsewhere, by a browser", SIGN_UP, "GET", "/signup?pk={saas_pk}&redirect=https://evil.example/", HTML),
    *(
        Case(f"redirect {number}", SIGN_UP, "GET", f"/signup?pk={{saas_pk}}&redirect={redirect}")
        for number, redirect in enumerate(ODD_REDIRECTS)
    ),
    Case("reflected text", SIGN_UP, "GET", "/refresh?pk={saas_pk}&redirect=http://localhost:4000/?a='b'%26c=(d);e%3Cscript%3E"),
    Case("sign in of nobody", SIGN_UP, "GET", "/signin?pk=pk_test_none&redirect=http://localhost:4000/"),
    Case("account", SIGN_UP, "GET", "/account?pk={saas_pk}"),
    Case("callback", SIGN_UP, "GET", "/callback?state=none", {"Cookie": "a=b"}),
    Case("refresh", SIGN_UP, "GET", "/refresh?pk={saas_pk}&redirect=http://localhost:4000/&plan=pro"),
    Case("asset", SIGN_UP, "GET", "/assets/none.js"),
    Case("complete without a flow", SIGN_UP, "POST", "/oauth/complete", {"Authorization": "Bearer {user_token}"}, {"state": "x"}),
    Case("complete without a token", SIGN_UP, "POST", "/oauth/complete", {}, {"state": "x"}),
    Case("joined", SIGN_UP, "POST", "/oauth/complete", JOINING),
    Case("joined again", SIGN_UP, "POST", "/oauth/complete", JOINING),
    Case("joined elsewhere", SIGN_UP, "POST", "/oauth/complete", {**JOINING, "X-Publishable-Key": "{store_pk}"}),
    Case("plan of the token", SIGN_UP, "GET", "/refresh/status", PK_USER),
]  # fmt: skip


@pytest.fixture(scope="module")
def in_process() -> Iterator[InProcessStack]:
    stack = InProcessStack()
    yield stack
    stack.close()


@pytest.fixture(scope="module")
def scenes(stack: Stack, in_process: InProcessStack) -> tuple[Scene, Scene]:
    return Scene(stack), Scene(in_process)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_both_stacks_give_the_same_answer(scenes: tuple[Scene, Scene], case: Case) -> None:
    real, played = (scene.comparable(scene.answer(case)) for scene in scenes)
    assert played == real


STATEMENTS: list[tuple[str, tuple[str | int | None, ...]]] = [
    ("SELECT ?1 AS v, typeof(?1) AS t", (5,)),
    ("SELECT ?1 AS v, typeof(?1) AS t", ("5",)),
    ("SELECT ?1 AS v, typeof(?1) AS t", (None,)),
    ("SELECT ?1 / 2 AS v, ?1 || '' AS text, CAST(?1 AS INTEGER) AS whole", (5,)),
    ("SELECT 7 / 2 AS v, 7 / 2.0 AS half, 1e300 AS large, 9007199254740993 AS odd", ()),
    ("SELECT x'00ff' AS bytes", ()),
    ("SELECT 1 AS a, 2 AS a", ()),
    ("SELECT json_object('a', 1, 'b', json('[true]')) AS v", ()),
    ("SELECT * FROM platforms LIMIT ?1", (0,)),
    ("SELECT 'x' LIKE ?1 AS v", ("%" * 51,)),
    ("SELECT nothing", ()),
    ("SELEC 1", ()),
    ("SELECT * FROM nothing", ()),
    ("SELECT " + ", ".join(f"?{n}" for n in range(1, 102)), ()),
    ("INSERT INTO platforms (platformId, clerkUserId, createdAt, updatedAt) VALUES ('plt_c', 'user_c', ?1, ?1)", (CREATED,)),
    ("INSERT INTO platforms (platformId, clerkUserId, createdAt, updatedAt) VALUES ('plt_c', 'user_d', ?1, ?1)", (CREATED,)),
    ("INSERT INTO platforms (platformId, clerkUserId, createdAt, updatedAt) VALUES ('plt_d', 'user_c', ?1, ?1)", (CREATED,)),
    ("INSERT INTO platforms (platformId, createdAt, updatedAt) VALUES ('plt_d', ?1, ?1)", (CREATED,)),
    ("INSERT INTO platforms (platformId, clerkUserId, createdAt, updatedAt) VALUES (?1, ?1, ?1, ?1)", (7,)),
    ("SELECT platformId, typeof(platformId) AS t FROM platforms WHERE clerkUserId = ?1", (7,)),
    ("UPDATE platforms SET liveKeysUntil = ?1 WHERE platformId = 'plt_c' RETURNING platformId, liveKeysUntil", (FAR_AWAY,)),
    (
        "INSERT INTO projects (publishableKey, platformId, name, projectType, mode, createdAt, updatedAt)"
        " VALUES ('pk_test_c', ?1, 'x', 'saas', 'test', '', '')",
        ("nobody",),
    ),
    (
        "INSERT INTO projects (publishableKey, platformId, name, projectType, mode, createdAt, updatedAt)"
        " VALUES ('pk_test_c', 'plt_c', 'x', ?1, 'test', '', '')",
        ("shop",),
    ),
]  # fmt: skip


def result(stack: AnyStack, sql: str, params: tuple[str | int | None, ...]) -> object:
    """The rows, or D1's words of refusal."""
    try:
        return stack.d1(sql, *params)
    except ConstraintFailed as error:
        return _words(error.detail)
    except DatabaseFailed as error:
        return _words(error.reason or "")
    except StackError as error:
        return _words(str(error))


def _words(text: str) -> str:
    """Without the place in the statement, which Python's SQLite does not tell."""
    words = text[text.index("D1_ERROR") :].rstrip('"}\n').replace('\\"', '"')
    return re.sub(r" at offset \d+", "", words)


@pytest.mark.parametrize(("sql", "params"), STATEMENTS)
def test_both_databases_bind_answer_and_refuse_alike(
    stack: Stack, in_process: InProcessStack, sql: str, params: tuple[str | int | None, ...]
) -> None:
    assert result(in_process, sql, params) == result(stack, sql, params)


@pytest.mark.parametrize(
    "kind", ["invoice.paid", "customer.subscription.updated", "charge.refunded", "nobody.knows.this"]
)
def test_both_stacks_treat_a_signed_event_alike(scenes: tuple[Scene, Scene], kind: str) -> None:
    answers: list[dict[str, Any]] = []
    for scene in scenes:
        for account in (scene.facts["account"], "acct_nobody"):
            event = event_of(kind, {"id": "obj_1", "object": kind.rpartition(".")[0]}, account=account)
            answer = send(scene.stack, event)
            answers.append(scene.comparable(answer))
    assert answers[:2] == answers[2:]


@pytest.mark.parametrize("value", ["é", "x" * 5000, "[" * 3000, "." * 50, "a.b"])
def test_both_stacks_refuse_a_forged_cookie_alike(scenes: tuple[Scene, Scene], value: str) -> None:
    headers = {b"Cookie": f"dream_flow_forged={value}".encode()}
    real, played = (
        scene.comparable(scene.stack.http(SIGN_UP).get("/callback", params={"state": "forged"}, headers=headers))
        for scene in scenes
    )
    assert played == real
    assert real["status"] == 400


@pytest.mark.parametrize("worker", [FRONT, SIGN_UP])
@pytest.mark.parametrize("kind", ["user.created", "user.updated", "user.deleted", "nobody.knows.this"])
def test_both_stacks_treat_a_signed_message_of_clerk_alike(scenes: tuple[Scene, Scene], worker: str, kind: str) -> None:
    instance: InstanceName = "developers" if worker == FRONT else "endUsersTest"
    data = user_data("user_contract", "contract@example.com", 1_000)
    answers: list[list[dict[str, Any]]] = []
    for scene in scenes:
        requests = [message_of(scene.stack, worker, instance, f"msg_{kind}", kind, data) for _ in range(2)]
        answers.append([scene.comparable(scene.stack.http(worker).send(request)) for request in requests])
    assert answers[0] == answers[1]
    assert answers[0][0]["status"] == 200
