"""Guarantee: a parser of outside bytes takes time in proportion to the size of its input, for every input.

Each parser reads inputs of doubling size. The tests compare ratios of times, never a time itself: an input of eight times the
size may take at most 32 times as long. A quadratic parser takes 64 times as long.
"""

from __future__ import annotations

import ast
import base64
import gc
import re
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deploy.paths import ROOT
from dream.auth import clerk_tokens, project_keys
from dream.auth.principal import Nobody
from dream.crypto import rs256
from dream.domain import (
    cursors,
    emails,
    images,
    json_text,
    keys,
    origins,
    redirects,
    return_urls,
    tier_definitions,
    usage,
)
from dream.errors import ApiError
from dream.http import idempotency, routing
from dream.http import request as http_request
from dream.http.request import Request
from dream.http.response import Response
from dream.runtime import logs
from dream.runtime.settings import ClerkInstance
from dream.services.images import uploads
from dream.webhooks import stripe_signature, svix_signature
from tests.support.clerk_instance import Instance, base64url
from tests.support.fake_requests import FakeHeaders, request_with
from tests.support.multipart_forms import parse_form
from tests.support.world import World

NOW = 1_800_000_000
SMALLEST = 128
NOISE_SECONDS = 0.001
FACTOR = 4
ATTEMPTS = 5

Read = Callable[[str], object]


@dataclass(frozen=True)
class Parser:
    """A parser, how it gets a text, the pieces that mean something to it, and inputs that were made to be slow.

    An attack is what stands before, what is repeated, and what stands behind.
    """

    module: object
    name: str
    read: Read
    pieces: tuple[str, ...]
    attacks: tuple[tuple[str, str, str], ...] = ()


def run(answer: Coroutine[Any, Any, object]) -> object:
    """The result of a coroutine that never waits."""
    try:
        answer.send(None)
    except StopIteration as stop:
        return stop.value
    raise AssertionError("the parser waits for something")


def request(query: str = "", body: bytes = b"", **headers: str) -> Request:
    async def read_body(cap_bytes: int) -> bytes:
        return body

    named = FakeHeaders({name.replace("_", "-"): value for name, value in headers.items()})
    return Request("POST", f"https://worker.example/?{query}", "/", query, named, read_body, parse_form, "req_test")


def nested(text: str) -> object:
    """With brackets enough that the depth is counted."""
    return json_text.parse_json(("[" + "[]," * 65 + text).encode())


def image_upload(text: str) -> object:
    body = b'{"data": "' + base64.b64encode(text.encode()) + text.encode() + b'"}'
    return run(uploads.uploaded_image(request(body=body, content_type="application/json")))


async def _nobody(context: object, asked: Request) -> Nobody:
    return Nobody("unknown")


async def _nothing(context: object, asked: Request, caller: object) -> Response:
    return Response(204, None)


ROUTER = routing.Router([routing.Route("GET", "/api/customers/:id", _nobody, _nothing)])
WORLD = World()
INSTANCE = ClerkInstance("DEVELOPERS", "https://clerk.example", "pk", "sk", "", "not a key", frozenset())
INSTANCE_WITH_KEY = replace(INSTANCE, jwt_key=Instance("developers").pem)
HEADER = base64url(b'{"alg":"RS256"}')
SECRETS = [stripe_signature.SigningSecret("whsec_ZXhhbXBsZQ==", None)]


def token(text: str) -> object:
    return run(clerk_tokens.verified_claims(WORLD.context, INSTANCE, text))


def token_header(text: str) -> object:
    segment = base64.urlsafe_b64encode(b"[" + b"[]," * 65 + text.encode()).decode().rstrip("=")
    return token(f"{segment}.e30.AAAA")


def token_as_pyjwt_sees_it(text: str) -> object:
    return run(clerk_tokens.verified_claims(WORLD.context, INSTANCE_WITH_KEY, f"{HEADER}.{text}"))


def svix(text: str) -> object:
    headers = FakeHeaders({"svix-id": "msg_1", "svix-timestamp": str(int(time.time())), "svix-signature": text})
    return svix_signature.verify(b"{}", headers, ["whsec_ZXhhbXBsZQ=="])


def stripe(text: str) -> object:
    return stripe_signature.verify(b"{}", text, SECRETS, NOW)


PARSERS = (
    Parser(json_text, "parse_json", nested, ('"', '\\"', "\\", "\\\\", "[", "]", "{}", "0", "\\u", "\\ud800", ",", ":"),
        (('"', '\\"', ""), ("", '"\\', ""), ('"', "\\", ""), ('"', "\\\\", '"'), ("", "[]", ""), ("", '"",', ""),
         ("", '"[]"[]', ""), ("1.", "1", "e-9"), ("", "9", ""), ("", "-", ""), ('"', "\\ud83d", '"'), ('"', "ü", ""))),
    Parser(json_text, "parse_json, flat", lambda text: json_text.parse_json(text.encode()), ('"', "\\", "0", "a", ",", "\n"),
        (("", "\n", ""), ("", " ", "x"), ('{"', 'a":0,"', ""))),
    Parser(rs256, "base64url_decode", rs256.base64url_decode, ("A", "-", "=", "\n"), (("", "A", "="), ("", "=", ""))),
    Parser(rs256, "from_pem", rs256.RsaPublicKey.from_pem, ("-----BEGIN PUBLIC KEY-----", "A", "\\n", "\n", "-"),
        (("-----BEGIN PUBLIC KEY-----", "\n", ""), ("", "-----BEGIN PUBLIC KEY-----A", ""))),
    Parser(clerk_tokens, "verified_claims", token, (".", "A", "eyJ", "=", "["), (("", ".", ""), ("", "A", ".e30.AAAA"))),
    Parser(clerk_tokens, "header of a token", token_header, ('"', '\\"', "[", "]"), (('"', '\\"', ""), ("", "[]", ""))),
    Parser(clerk_tokens, "PyJWT's part", token_as_pyjwt_sees_it, (".", "A", "AAAA", "-"),
        (("", "A", ".AAAA"), ("AAAA.", "A", ""), ("AAAA.", "AAAA", ""))),
    Parser(project_keys, "bearer", lambda text: project_keys.bearer(request_with(authorization=text)),
        ("Bearer", " ", "\t", "x"), (("Bearer", " ", ""), ("Bearer ", "x ", ""))),
    Parser(http_request, "query", lambda text: request(text).query, ("&", "=", "%", "%41", "%c3", "+", "é", "a"),
        (("", "&", ""), ("a=", "%41", ""), ("a=", "%", ""), ("a=", "é%c3", ""), ("", "=", ""), ("a=", "%c3", ""))),
    Parser(http_request, "cookie", lambda text: request(cookie=text).cookie("dream_connect"),
        ("=", '"', ";", "\\", " ", "dream_connect", "a"),
        (("", "=", '"'), ('a="', "\\", ""), ("", ";", ""), ("", "a=b; ", ""), ("a", " ", "x"))),
    Parser(http_request, "media type", lambda text: run(request(body=b"{}", content_type=text).json()),
        (";", "application/json", "+json", " "), (("", ";", ""), ("", " ", "x"))),
    Parser(routing, "path", lambda text: ROUTER.match("GET", f"/api/customers/{text}"), ("/", "%", "%41", "é", ":"),
        (("", "/", ""), ("", "%41", ""), ("", "%", ""), ("", "é%c3", ""))),
    Parser(images, "is_asset_key", images.is_asset_key, ("pk_test_", "a", ".", "png"), (("plt_", "a", ""), ("", "plt_", ""))),
    Parser(images, "sniff", lambda text: images.sniff(text.encode("latin-1", "replace")),
        ("\x00\x00\xff\xff", "ftyp", "avif", "RIFF"), (("\x7f\xff\xff\xffftyp", "mif1", ""),)),
    Parser(uploads, "uploaded_image", image_upload, ("data:", ",", "A", "=", "\\n"), (("", "A", ""), ("data:", ",", ""))),
    Parser(tier_definitions, "name of a tier", lambda text: tier_definitions.parse_new_tier({"name": text}, "saas"),
        ("a", "-", "_"), (("", "a", "!"), ("", "a-", "!"))),
    Parser(tier_definitions, "texts of a tier",
        lambda text: tier_definitions.parse_new_tier({"features": text, "description": text, "imageUrl": text}, "saas"),
        (",", " ", "\n", "https://"), (("", ",", ""), ("", " ", ""))),
    Parser(emails, "is_email", emails.is_email, ("a", "@", ".", " "), (("a@", "a.", "@"), ("", "a", ""), ("a@", ".", ""))),
    Parser(origins, "origin_of", origins.origin_of, ("https://", ":", "[", "]", "@", ".", "9", "%"),
        (("https://a:", "9", ""), ("https://", "@", ""), ("https://[", ":", "]"), ("", "\n", ""))),
    Parser(origins, "origin_problem", lambda text: origins.origin_problem(text, "test"), ("https://", "a", ".", "-"),
        (("https://", "a.", ""), ("https://", "a-", ""))),
    Parser(redirects, "RedirectTarget.parse", redirects.RedirectTarget.parse, ("https://a", "/", "?", "%", "%41", ".", "9"),
        (("https://a/", "a", "#"), ("https://a", "?", "#"), ("https://", "9.", ""), ("https://a/", "%41", "%"))),
    Parser(return_urls, "return_url_problem", return_urls.return_url_problem, ("https://", "{", "}", "@", ":", "["),
        (("https://a:", "9", ""), ("https://", "@", ""))),
    Parser(keys, "is_well_formed", lambda text: keys.is_well_formed(text, "pk"), ("pk_test_", "a"), (("pk_test_", "a", ""),)),
    Parser(keys, "is_key_id", keys.is_key_id, ("0", "f", "g"), (("", "0", "g"),)),
    Parser(logs, "redacted", logs.redacted, ("eyJ", ".", "a", "-", "Bearer", " ", "sk_test_", "whsec_", "+"),
        (("", "eyJ", ""), ("", "eyJ", "."), ("eyJaaaaaaaa.", "eyJ", ""), ("", "eyJaaaaaaaa.", ""), ("Bearer", " ", ""),
         ("", "Bearer ", ""), ("", "sk_test_", ""), ("", "whsec_", ""), ("", "whsec_aaaaa", "!"))),
    Parser(cursors, "place_of", lambda text: cursors.place_of({"cursor": text}), ("W", "A", "=", "-", "é"),
        (("", "A", ""), ("", "=", ""))),
    Parser(cursors, "limit_of", lambda text: cursors.limit_of({"limit": text}), ("9", "0", "-"), (("", "9", ""),)),
    Parser(usage, "user_id_of", usage.user_id_of, ("a", " ", "é"), (("", "a", " "),)),
    Parser(idempotency, "key_of", lambda text: idempotency.key_of(request_with(idempotency_key=text)), ("a", "é"),
        (("", "a", "é"),)),
    Parser(stripe_signature, "verify", stripe, ("t=1800000000", ",", "v1=", "=", " ", "a"),
        (("t=1800000000,", "v1=a,", ""), ("t=1800000000,v1=", "a", ""), ("", ",", ""), ("t=", "9", ",v1=a"))),
    Parser(svix_signature, "verify", svix, ("v1,", " ", ",", "a", "é", "v1," + "A" * 43 + "= "),
        (("", "v1,a ", ""), ("v1,", "a", ""), ("", " ", ""), ("", "v1," + "A" * 43 + "= ", ""))),
)  # fmt: skip

# Parsers of the standard library that can take more time than their input warrants, so that whoever uses one shows that it does not.
WATCHED_IMPORTS = frozenset({"re", "http.cookies", "email", "html.parser", "xml", "csv", "ipaddress"})
ATTACKS = [
    pytest.param(parser, attack, id=f"{parser.name} {attack}") for parser in PARSERS for attack in parser.attacks
]


def seconds_of(read: Read, text: str, repeats: int) -> float:
    """The shortest time of the processor that reading took, of so many."""
    shortest = float("inf")
    for _ in range(repeats):
        began = time.process_time()
        with suppress(ValueError, ApiError):
            read(text)
        shortest = min(shortest, time.process_time() - began)
    return shortest


def growth_problem(read: Read, attack: tuple[str, str, str], largest: int, repeats: int) -> str | None:
    """How the time outgrew the input while the input doubled, or None."""
    before, repeated, behind = attack
    times: dict[int, float] = {}
    size = SMALLEST
    while size <= largest:
        times[size] = seconds_of(read, before + repeated * (size // len(repeated)) + behind, repeats)
        for growth in (2, 4, 8):
            base = times.get(size // growth)
            if base is not None and times[size] > FACTOR * growth * base + NOISE_SECONDS:
                return f"{size // growth} characters took {base:.6f} s, {size} took {times[size]:.6f} s"
        size *= 2
    return None


def assert_linear(read: Read, attack: tuple[str, str, str], largest: int) -> None:
    """Measures again, and more often, before it blames the parser: other programs disturb a time, but never for good."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        problems = [growth_problem(read, attack, largest, repeats=2)]
        while problems[-1] is not None and len(problems) < ATTEMPTS:
            problems.append(growth_problem(read, attack, largest, repeats=2 + 2 * len(problems)))
    finally:
        if enabled:
            gc.enable()
    assert problems[-1] is None, problems


@pytest.mark.parametrize(("parser", "attack"), ATTACKS)
def test_an_input_made_to_be_slow_takes_time_in_proportion(parser: Parser, attack: tuple[str, str, str]) -> None:
    assert_linear(parser.read, attack, largest=32 * 1024)


@pytest.mark.parametrize("parser", PARSERS, ids=[parser.name for parser in PARSERS])
def test_repetitions_of_any_fragment_take_time_in_proportion(parser: Parser) -> None:
    fragments = st.lists(st.sampled_from(parser.pieces), min_size=1, max_size=4).map("".join)
    edges = st.lists(st.sampled_from(parser.pieces), max_size=2).map("".join)

    @settings(max_examples=10, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])
    @given(st.tuples(edges, fragments, edges))
    def holds(attack: tuple[str, str, str]) -> None:
        assert_linear(parser.read, attack, largest=8 * 1024)

    holds()


def test_a_quadratic_parser_is_noticed() -> None:
    strings = re.compile(r'"(?:[^"\\]|\\.)*"')
    with pytest.raises(AssertionError):
        assert_linear(strings.findall, ('"', '\\"', ""), largest=64 * 1024)


def test_every_module_with_a_regular_expression_is_measured() -> None:
    measured = {getattr(parser.module, "__file__", None) for parser in PARSERS}
    sources = [*(ROOT / "shared/dream").rglob("*.py"), *(ROOT / "workers").glob("*/src/**/*.py")]
    assert len(sources) > 100
    unmeasured = [
        str(source.relative_to(ROOT))
        for source in sources
        if str(source) not in measured and WATCHED_IMPORTS & imported_by(source.read_text())
    ]
    assert not unmeasured, "add a line to PARSERS"


def imported_by(source: str) -> set[str]:
    """The names of the modules that a source imports, and of what it imports from them."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{name.name}" for name in node.names)}
    return found
