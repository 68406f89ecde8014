"""A redirect that is accepted means the same to us, to Python's parser and to a browser's; all else is refused."""

from __future__ import annotations

import json
import subprocess
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devstack.paths import NODE, ROOT
from dream.domain.redirects import RedirectTarget

ACCEPTED = {
    "https://app.example.com": "https://app.example.com/",
    "https://app.example.com/": "https://app.example.com/",
    "HTTPS://App.Example.COM/Path": "https://app.example.com/Path",
    "https://app.example.com:443/": "https://app.example.com/",
    "http://localhost:3000/a/b?c=d&e=%2F#".rstrip("#"): "http://localhost:3000/a/b?c=d&e=%2F",
    "http://127.0.0.1:0080/": "http://127.0.0.1/",
    "https://xn--bcher-kva.example/": "https://xn--bcher-kva.example/",
    "https://app.example.com//evil.example": "https://app.example.com//evil.example",
    "https://app.example.com/?next=https://evil.example": "https://app.example.com/?next=https://evil.example",
    "https://app.example.com/%0d%0aSet-Cookie:%20a=b": "https://app.example.com/%0d%0aSet-Cookie:%20a=b",
}

REFUSED = [
    "",
    "/",
    "//evil.example",
    "///evil.example",
    "app.example.com",
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "java\tscript:alert(1)",
    "data:text/html,hi",
    "vbscript:x",
    "file:///etc/passwd",
    "blob:https://app.example.com/x",
    "ftp://app.example.com/",
    "https:app.example.com",
    "https:/app.example.com",
    "https:///app.example.com",
    "https:\\\\app.example.com",
    "https://app.example.com\\@evil.example",
    "https://app.example.com\\.evil.example",
    "https://evil.example\\.app.example.com",
    "https://app.example.com@evil.example/",
    "https://app.example.com:pass@evil.example/",
    "https://@app.example.com/",
    "https://evil.example#@app.example.com/",
    "https://app.example.com/#fragment",
    "https://app.example.com/#",
    "https://app.example.com%2eevil.example/",
    "https://app.example.com%00.evil.example/",
    "https://app.example.com%2f@evil.example/",
    "https://app.example.com\r\nSet-Cookie: a=b",
    "https://app.example.com/\r\nSet-Cookie: a=b",
    "https://app.example.com/\n",
    "\nhttps://app.example.com/",
    " https://app.example.com/",
    "https://app.example.com/ ",
    "https://app.exa\tmple.com/",
    "https://app.example.com/\x00",
    "https://app.example.com/%zz",
    "https://app.example.com/%2",
    "https://app。example。com/",
    "https://аpp.example.com/",
    "https://app.example.com/ä",
    "https://[::1]/",
    "https://[app.example.com]/",
    "https://app.example.com:/",
    "https://app.example.com:0/",
    "https://app.example.com:65536/",
    "https://app.example.com:443evil/",
    "https://app.example.com:443:80/",
    "https://.example.com/",
    "https://app..example.com/",
    "https://app.example.com./",
    "https://-app.example.com/",
    "https://app_.example.com/",
    "https://2130706433/",
    "https://0x7f000001/",
    "https://0x7f.1/",
    "https://127.1/",
    "https://0177.0.0.1/",
    "https://256.0.0.1/",
    'https://app.example.com/"onload=x',
    "https://app.example.com/<script>",
    "https://app.example.com/?a=`b`",
    "https://app.example.com/?a={b}",
    "https://app.example.com/?a=b|c",
    "https://app.example.com/" + "a" * 2048,
]


def as_a_browser_reads(texts: list[str]) -> list[dict[str, str] | None]:
    """The WHATWG parser of Node on each text: its href and origin, or None."""
    program = """const texts = JSON.parse(require("fs").readFileSync(0, "utf8"));
    console.log(JSON.stringify(texts.map((text) => {
      try { const { href, origin, username, hash } = new URL(text); return { href, origin, username, hash }; }
      catch { return null; }
    })));"""
    done = subprocess.run(
        [NODE, "-e", program], input=json.dumps(texts), capture_output=True, text=True, check=True, cwd=ROOT
    )
    return json.loads(done.stdout)


def test_what_is_accepted_is_put_together_again() -> None:
    for text, url in ACCEPTED.items():
        target = RedirectTarget.parse(text)
        assert target is not None, text
        assert target.url == url
        assert target.url.startswith(f"{target.origin}/")


@pytest.mark.parametrize("text", REFUSED)
def test_what_could_be_read_differently_is_refused(text: str) -> None:
    assert RedirectTarget.parse(text) is None


def test_a_browser_goes_to_the_origin_that_was_checked() -> None:
    targets = [target for text in ACCEPTED if (target := RedirectTarget.parse(text))]
    for target, read in zip(targets, as_a_browser_reads([target.url for target in targets]), strict=True):
        assert read == {"href": target.url, "origin": target.origin, "username": "", "hash": ""}


# Pieces that URL parsers disagree about.
PIECES = [
    *(
        "http://",
        "https://",
        "HTTP://",
        "https:",
        "//",
        "/",
        "\\",
        "@",
        ":",
        "#",
        "?",
        ".",
        "..",
        "%2f",
        "%00",
        "%5c",
        "\t",
    ),
    *(
        "app.example.com",
        "localhost",
        "127.0.0.1",
        "evil",
        "0x7f",
        "1",
        "xn--",
        "443",
        "80",
        "a",
        "&",
        ";",
        "=",
        "[",
        "]",
        "é",
    ),
]


def test_no_mixture_of_pieces_is_read_differently_by_a_browser() -> None:
    accepted: list[RedirectTarget] = []

    @given(st.sampled_from(PIECES[:3]), st.lists(st.sampled_from(PIECES), max_size=8))
    def collect(scheme: str, pieces: list[str]) -> None:
        text = scheme + "".join(pieces)
        target = RedirectTarget.parse(text)
        if target is None:
            return
        accepted.append(target)
        parts = urlsplit(target.url)
        assert (parts.username, parts.fragment) == (None, "")
        assert f"{parts.scheme}://{parts.netloc}" == target.origin

    collect()
    assert accepted
    for target, read in zip(accepted, as_a_browser_reads([target.url for target in accepted]), strict=True):
        # An impossible punycode label is no URL at all to a browser, which then goes nowhere.
        assert read is None or read["origin"] == target.origin


@pytest.mark.parametrize(
    ("text", "test", "live"),
    [
        ("http://localhost:5173/", True, False),
        ("http://127.0.0.1:5173/", True, False),
        ("https://localhost/", False, False),
        ("http://localhost.evil.example/", False, False),
        ("http://127.0.0.1.evil.example/", False, False),
        ("http://127.0.0.2/", False, False),
        ("http://app.example.com/", False, False),
    ],
)
def test_only_http_on_this_machine_needs_no_registration_and_only_in_test(text: str, test: bool, live: bool) -> None:
    target = RedirectTarget.parse(text)
    assert target is not None
    assert target.needs_no_registration("test") is test
    assert target.needs_no_registration("live") is live
