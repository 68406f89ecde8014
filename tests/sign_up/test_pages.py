"""The pages of sign-up: what they reflect is inert, and their Content-Security-Policy allows nothing inline."""

from __future__ import annotations

import hashlib
import re

import httpx

from tests.support.sign_up_flows import (
    REGISTERED,
    begin,
    link,
    with_origin,
)
from tests.support.stack import Stack
from tests.support.tenants import Tenant, make_tenant

HTML = {"Accept": "text/html,application/xhtml+xml"}


def test_reflected_text_is_escaped(stack: Stack, visitor: httpx.Client) -> None:
    marked = with_origin(stack, make_tenant(stack))
    name = "</title><script>alert(1)</script><img src=x onerror=alert(1)>\"'"
    stack.d1("UPDATE projects SET name = ?2 WHERE publishableKey = ?1", marked.publishable_key, name)
    redirect = f"{REGISTERED}/?a='b'&c=(d);e"
    for page in (
        visitor.get("/refresh", params=link(marked, redirect)),
        visitor.get("/callback", params={"state": begin(visitor, marked, redirect)}),
    ):
        assert page.status_code == 200
        assert "<script>" not in page.text
        assert "<img" not in page.text
        assert "&lt;/title&gt;&lt;script&gt;" in page.text
        assert 'data-redirect="https://app.example.com/?a=&#x27;b&#x27;&amp;c=(d);e"' in page.text


def test_pages_carry_a_strict_policy_and_nothing_inline(stack: Stack, visitor: httpx.Client, tenant: Tenant) -> None:
    issuer = stack.configuration.clerk_issuer("endUsersTest")
    for page in (
        visitor.get("/refresh", params=link(tenant)),
        visitor.get("/callback", params={"state": begin(visitor, tenant)}),
        visitor.get("/callback", headers=HTML),
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


def test_scripts_and_styles_are_cached_for_good_under_their_hash(visitor: httpx.Client, tenant: Tenant) -> None:
    page = visitor.get("/refresh", params=link(tenant)).text
    for path, kind in ((r'src="(/assets/[^"]+)"', "text/javascript"), (r'href="(/assets/[^"]+)"', "text/css")):
        found = re.search(path, page)
        assert found
        answer = visitor.get(found[1])
        assert answer.headers["Content-Type"].startswith(kind)
        assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert hashlib.sha256(answer.content).hexdigest()[:12] in found[1]
    assert visitor.get("/assets/session.js").status_code == 404
