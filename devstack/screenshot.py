"""`make screenshot PAGE=…`: saves a picture of one page of the local stack, as the demo developer sees it.

PAGE is a path of the dashboard (`projects`, `account`, `projects/new`), or starts with one of these words:
  saas, store   a section of a demo project: `saas`, `saas/keys`, `store/orders`
  welcome       the dashboard's page for visitors, without a sign-in
  sign-up       a path of the sign-up Worker, for the demo saas project. `sign-up/refresh` waits for a paid plan,
                `sign-up/callback` shows the error page, `sign-up/signup` and `sign-up/signin` lead to Clerk
Starts the local stack if it does not run, and leaves it running.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlencode

from playwright.sync_api import Error, Page, expect

from deploy.paths import ROOT
from devstack.browser import NoBrowser, open_browser

DESKTOP_WIDTH, HEIGHT = 1280, 800
# In test mode every project accepts a redirect to any port of localhost.
REDIRECT = "http://localhost:3000/"
TIMEOUT_MILLISECONDS = 30_000


@dataclass(frozen=True)
class Target:
    """A page of the local stack, and who must be signed in to see it."""

    url: str
    signs_in: Literal["developer", "end user"] | None
    """`developer` is the demo developer, in the dashboard. `end user` is a new end user of the demo saas project."""


def target_of(page: str, state: dict[str, Any]) -> Target:
    """Translates PAGE, as the module's docstring describes it, to an address. `state` is the content of stack.json."""
    first, _, rest = page.strip("/").partition("/")
    dashboard, demo = state["frontend"], state["demo"]
    if first in ("saas", "store"):
        return Target(f"{dashboard}/projects/{demo[first]['publishableKey']}/{rest}".rstrip("/"), "developer")
    if first == "sign-up":
        return Target(_sign_up_page(state, rest or "signup"), "end user" if rest == "refresh" else None)
    if first in ("", "welcome"):
        return Target(dashboard, None)
    return Target(f"{dashboard}/{page.strip('/')}", "developer")


def _sign_up_page(state: dict[str, Any], path: str) -> str:
    query = urlencode({"pk": state["demo"]["saas"]["publishableKey"], "redirect": REDIRECT})
    return f"{state['signUp']}/{path}?{query}"


def running_stack() -> dict[str, Any]:
    """Starts the stack if it does not run, and returns the content of stack.json. Raises CalledProcessError if it does not start."""
    subprocess.run([sys.executable, "-m", "devstack", "up"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    return json.loads((_dev_folder() / "stack.json").read_text())


def _dev_folder() -> Path:
    return Path(os.environ.get("DREAM_DEV_DIR") or ROOT / ".dev")


def save(page: Page, target: Target, state: dict[str, Any], file: Path, width: int) -> None:
    """Opens the page, waits until it has loaded, and writes the picture."""
    page.set_default_timeout(TIMEOUT_MILLISECONDS)
    if target.signs_in == "developer":
        _sign_in_developer(page, state)
    elif target.signs_in == "end user":
        _sign_up_end_user(page, state)
    page.goto(target.url)
    expect(page.get_by_role("heading", level=1)).to_be_visible(timeout=TIMEOUT_MILLISECONDS)
    expect(page.locator(".skeleton")).to_have_count(0, timeout=TIMEOUT_MILLISECONDS)
    # The sidebar is as tall as the window. So the window becomes as tall as the page.
    page.set_viewport_size({"width": width, "height": max(HEIGHT, page.evaluate("document.body.scrollHeight"))})
    file.parent.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=file, full_page=True, animations="disabled")


def _sign_in_developer(page: Page, state: dict[str, Any]) -> None:
    developer = state["demo"]["developer"]
    page.goto(state["frontend"])
    page.get_by_test_id("sign-in").click()
    page.fill("#email-address", developer["email"])
    page.fill("#password", developer["password"])
    page.click("#submit")
    page.get_by_test_id("sign-out").wait_for()


def _sign_up_end_user(page: Page, state: dict[str, Any]) -> None:
    """Signs up on Clerk's page, then returns to REDIRECT. No app listens there, so the browser gets an empty page."""
    page.route(f"{REDIRECT}**", lambda route: route.fulfill(body=""))
    page.goto(_sign_up_page(state, "signup"))
    page.fill("#email-address", f"{secrets.token_hex(6)}@user.example")
    page.fill("#password", secrets.token_urlsafe(12))
    page.click("#submit")
    page.wait_for_url(f"{REDIRECT}**")


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="make screenshot", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("page", help="the page, as described above")
    parser.add_argument("--out", type=Path, help="the PNG file (.dev/screenshots/PAGE.png)")
    parser.add_argument("--width", type=int, default=DESKTOP_WIDTH, help="width of the window in pixels (%(default)s)")
    parser.add_argument("--scheme", choices=("light", "dark"), default="light", help="colours (%(default)s)")
    arguments = parser.parse_args()
    name: str = arguments.page.strip("/").replace("/", "-") or "welcome"
    file: Path = arguments.out or _dev_folder() / "screenshots" / f"{name}.png"
    scheme: Literal["light", "dark"] = arguments.scheme
    try:
        state = running_stack()
        with open_browser() as browser:
            page = browser.new_page(viewport={"width": arguments.width, "height": HEIGHT}, color_scheme=scheme)
            save(page, target_of(arguments.page, state), state, file, arguments.width)
    except subprocess.CalledProcessError:
        print("The local stack does not start. Run `make up` to see why.", file=sys.stderr)
        return 1
    except NoBrowser as error:
        print(f"No picture: {error}.", file=sys.stderr)
        return 1
    except (AssertionError, Error) as error:
        print(f"No picture of {arguments.page}: {error}", file=sys.stderr)
        return 1
    print(file)
    return 0


if __name__ == "__main__":
    sys.exit(main())
