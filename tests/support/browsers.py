"""A real browser for tests, and the forms of Clerk's hosted pages."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest
from playwright.sync_api import Browser, Page

from devstack.browser import NoBrowser, open_browser

PASSWORD = "analytical-engine-7"


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser without a window. Skips the test if this machine has none."""
    with ExitStack() as opened:
        try:
            browser = opened.enter_context(open_browser())
        except NoBrowser as error:
            pytest.skip(str(error))
        yield browser


def sign_up(page: Page, email: str) -> None:
    """Fills in and submits the hosted page."""
    page.fill("#first-name", "Ada")
    page.fill("#last-name", "Lovelace")
    page.fill("#email-address", email)
    page.fill("#password", PASSWORD)
    page.click("#submit")


def sign_in(page: Page, email: str) -> None:
    """Fills in and submits the hosted page."""
    page.fill("#email-address", email)
    page.fill("#password", PASSWORD)
    page.click("#submit")
