"""The billing portal of the Stripe stand-in, as a subscriber uses it."""

from __future__ import annotations

from tests.support.stack import Stack


def press(stack: Stack, url: str) -> None:
    """Opens a page of the portal and presses its button."""
    with stack.client() as browser:
        page = browser.get(url, follow_redirects=True)
        assert page.is_success, page.text
        done = browser.post(str(page.url), data={})
        assert done.status_code == 303, done.text
