"""Redirect origins: the exact origins that sign-up may redirect an end user and their token to.

An origin is scheme, host and port (RFC 6454), written as a browser writes it: lower case, international names in punycode, no
default port. Test projects may also use http on localhost.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from dream.domain.keys import Mode

MAXIMUM_ORIGINS = 20
MAXIMUM_LENGTH = 255

_LABEL = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)", re.ASCII)
_LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1"})
_DEFAULT_PORTS = {"https": 443, "http": 80}


def origin_of(url: str) -> str | None:
    """The origin of an http or https URL as a browser writes it. None for other texts."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    host = parts.hostname
    if parts.scheme not in _DEFAULT_PORTS or not host or not host.isascii() or port == 0:
        return None
    shown_port = "" if port is None or port == _DEFAULT_PORTS[parts.scheme] else f":{port}"
    return f"{parts.scheme}://{host}{shown_port}"


def origin_problem(origin: object, mode: Mode) -> str | None:
    """The format that the origin should have for a project of this mode. None if the origin is valid."""
    if not isinstance(origin, str) or not 0 < len(origin) <= MAXIMUM_LENGTH:
        return "an exact origin such as https://app.example.com"
    if origin_of(origin) != origin:
        return "an exact origin such as https://app.example.com: lower case, no path, no wildcard, no user, no default port"
    parts = urlsplit(origin)
    host = parts.hostname or ""
    if parts.scheme == "http":
        if mode == "test" and host in _LOOPBACK_HOSTS:
            return None
        return "an https origin; only a test project may use http, and only on localhost"
    labels = host.split(".")
    if len(host) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        return "a host name of letters, digits and hyphens; write an international name in punycode"
    if len(labels) == 1 and not (mode == "test" and host in _LOOPBACK_HOSTS):
        return "a full host name such as app.example.com"
    return None
