"""The URLs that an end user's browser may be redirected to with a token. Parses them strictly.

The grammar accepts less than RFC 3986 and browsers do, so that no other parser can read the same text differently. The redirect uses
a URL that is built from the parts that were checked.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from dream.domain.keys import Mode

MAXIMUM_LENGTH = 2048
PROBLEM = "an absolute http or https URL, percent-encoded, without user name, password or fragment"

_URL = re.compile(
    r"(?P<scheme>https?)://(?P<host>[a-z0-9.-]{1,253})(?::(?P<port>[0-9]{1,5}))?"
    r"(?P<path>/(?:[\w.~!$&'()*+,;=:@/-]|%[0-9a-f]{2})*)?(?P<query>\?(?:[\w.~!$&'()*+,;=:@/?-]|%[0-9a-f]{2})*)?",
    re.ASCII | re.IGNORECASE,
)
_LABEL = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)", re.ASCII)
# Browsers read a host whose last label is a number as an IPv4 address, also in octal and hexadecimal (WHATWG URL).
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*", re.ASCII)
_OCTET = re.compile(r"0|[1-9][0-9]{0,2}", re.ASCII)
_DEFAULT_PORTS = {"http": 80, "https": 443}
_LOOPBACK_HOSTS = ("localhost", "127.0.0.1")


@dataclass(frozen=True, slots=True)
class RedirectTarget:
    """A URL that was parsed strictly. `url` is the URL to redirect to; `origin` is written as a browser writes it."""

    url: str
    origin: str
    is_loopback: bool
    """Whether it is http on localhost or 127.0.0.1."""

    @classmethod
    def parse(cls, text: str) -> RedirectTarget | None:
        """None if the text is not such a URL."""
        found = _URL.fullmatch(text) if len(text) <= MAXIMUM_LENGTH else None
        if found is None:
            return None
        scheme, host = found["scheme"].lower(), found["host"].lower()
        port = _DEFAULT_PORTS[scheme] if found["port"] is None else int(found["port"])
        if not 0 < port <= 65535 or not _is_host(host):
            return None
        origin = f"{scheme}://{host}" + ("" if port == _DEFAULT_PORTS[scheme] else f":{port}")
        url = f"{origin}{found['path'] or '/'}{found['query'] or ''}"
        return cls(url, origin, scheme == "http" and host in _LOOPBACK_HOSTS)

    def needs_no_registration(self, mode: Mode) -> bool:
        """Whether it is allowed without registration: localhost on any port, for test projects only."""
        return mode == "test" and self.is_loopback


def _is_host(host: str) -> bool:
    labels = host.split(".")
    if not all(_LABEL.fullmatch(label) for label in labels):
        return False
    if _NUMBER.fullmatch(labels[-1]):
        return len(labels) == 4 and all(_OCTET.fullmatch(label) and int(label) < 256 for label in labels)
    return True
