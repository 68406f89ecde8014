"""Where an end user's browser may be sent with a token: one strict reading of a URL, and the text that the browser gets.

The grammar is narrower than RFC 3986 and than what browsers accept, so that no other parser can read the same text differently;
what is sent is put together again from the parts that were checked.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from dream.domain.keys import Mode

MAXIMUM_LENGTH = 2048
PROBLEM = "an absolute URL with http or https, percent-encoded, without user, password or fragment"

_URL = re.compile(
    r"(?P<scheme>https?)://(?P<host>[a-z0-9.-]{1,253})(?::(?P<port>[0-9]{1,5}))?"
    r"(?P<path>/(?:[\w.~!$&'()*+,;=:@/-]|%[0-9a-f]{2})*)?(?P<query>\?(?:[\w.~!$&'()*+,;=:@/?-]|%[0-9a-f]{2})*)?",
    re.ASCII | re.IGNORECASE,
)
_LABEL = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)", re.ASCII)
# Browsers read a host that ends in a number as an IPv4 address, in octal and hexadecimal too.
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*", re.ASCII)
_OCTET = re.compile(r"0|[1-9][0-9]{0,2}", re.ASCII)
_DEFAULT_PORTS = {"http": 80, "https": 443}
_LOOPBACK_HOSTS = ("localhost", "127.0.0.1")


@dataclass(frozen=True, slots=True)
class RedirectTarget:
    """A URL that was read strictly. `url` is its text as sent, `origin` as a browser writes it."""

    url: str
    origin: str
    is_loopback: bool
    """Plain http to this very machine."""

    @classmethod
    def parse(cls, text: str) -> RedirectTarget | None:
        """None for anything but a plain absolute http or https URL."""
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
        """A test project's developer works on this machine, on whatever port is free."""
        return mode == "test" and self.is_loopback


def _is_host(host: str) -> bool:
    labels = host.split(".")
    if not all(_LABEL.fullmatch(label) for label in labels):
        return False
    if _NUMBER.fullmatch(labels[-1]):
        return len(labels) == 4 and all(_OCTET.fullmatch(label) and int(label) < 256 for label in labels)
    return True
