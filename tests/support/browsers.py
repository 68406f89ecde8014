"""A real browser for tests, and what people do on Clerk's hosted pages."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, Page, sync_playwright

PASSWORD = "analytical-engine-7"
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@contextmanager
def chromium() -> Iterator[Browser]:
    """The machine's Chromium, without a window."""
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=list(FLAGS))
        try:
            yield running
        finally:
            running.close()


def sign_up(page: Page, email: str) -> None:
    """Fill in the hosted page."""
    page.fill("#first-name", "Ada")
    page.fill("#last-name", "Lovelace")
    page.fill("#email-address", email)
    page.fill("#password", PASSWORD)
    page.click("#submit")


def sign_in(page: Page, email: str) -> None:
    """Fill in the hosted page."""
    page.fill("#email-address", email)
    page.fill("#password", PASSWORD)
    page.click("#submit")
