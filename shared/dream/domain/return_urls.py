"""URLs that Stripe sends a user back to, as the developer's app names them: absolute, http or https."""

from __future__ import annotations

from urllib.parse import urlsplit

MAXIMUM_LENGTH = 2048


def return_url_problem(url: object) -> str | None:
    """What the URL should be, None if it may be used. It may contain Stripe's template `{CHECKOUT_SESSION_ID}`."""
    if not isinstance(url, str) or not 0 < len(url) <= MAXIMUM_LENGTH:
        return f"an absolute http or https URL of at most {MAXIMUM_LENGTH} characters"
    if not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        return "an absolute http or https URL, percent-encoded"
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return "an absolute http or https URL"
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None:
        return "an absolute http or https URL"
    return None
