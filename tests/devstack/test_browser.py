"""The right browser is found, and a screenshot is of the page that was named."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest
from playwright.sync_api import Playwright

from devstack.browser import NoBrowser, find, install
from devstack.screenshot import target_of


class FetchedBrowser:
    """Replaces Playwright, which has the path of the Chromium that it downloaded."""

    def __init__(self, program: Path) -> None:
        self.chromium = self
        self.executable_path = str(program)


@pytest.fixture
def bin_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, the only one on the PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.delenv("DREAM_BROWSER", raising=False)
    return folder


def _program(file: Path, script: str) -> Path:
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)
    return file


def _found(fetched: Path) -> Path | None:
    return find(cast("Playwright", FetchedBrowser(fetched)))


def test_the_first_installed_browser_that_starts_is_used(bin_folder: Path) -> None:
    _program(bin_folder / "chromium", "echo 'Chromium 150.0 snap'")
    _program(bin_folder / "chromium-browser", "exit 1")
    chrome = _program(bin_folder / "google-chrome", "echo 'Google Chrome 150.0'")
    _program(bin_folder / "microsoft-edge", "echo 'Microsoft Edge 150.0'")
    assert _found(bin_folder / "none") == chrome


def test_the_browser_that_playwright_fetched_is_used_if_none_is_installed(bin_folder: Path, tmp_path: Path) -> None:
    fetched = _program(tmp_path / "chrome", "echo 'Chromium 150.0'")
    assert _found(fetched) == fetched
    assert _found(tmp_path / "missing") is None


def test_a_named_browser_is_the_only_one_tried(bin_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _program(bin_folder / "chromium", "echo 'Chromium 150.0'")
    named = _program(bin_folder / "own", "echo 'Own 1.0'")
    monkeypatch.setenv("DREAM_BROWSER", str(named))
    assert _found(bin_folder / "none") == named


def test_nothing_is_installed_in_place_of_a_named_browser(bin_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DREAM_BROWSER", str(bin_folder / "missing"))
    said: list[str] = []
    assert install(said.append) is None
    assert said == []
    assert "DREAM_BROWSER" in str(NoBrowser())


def test_a_page_is_found_by_its_short_name() -> None:
    state: dict[str, Any] = {
        "frontend": "http://dashboard",
        "signUp": "http://sign-up",
        "demo": {"saas": {"publishableKey": "pk_1"}, "store": {"publishableKey": "pk_2"}},
    }
    expected = {
        "saas": ("http://dashboard/projects/pk_1", "developer"),
        "store/orders": ("http://dashboard/projects/pk_2/orders", "developer"),
        "/projects/new": ("http://dashboard/projects/new", "developer"),
        "welcome": ("http://dashboard", None),
        "sign-up/refresh": ("http://sign-up/refresh?pk=pk_1&redirect=http%3A%2F%2Flocalhost%3A3000%2F", "end user"),
        "sign-up": ("http://sign-up/signup?pk=pk_1&redirect=http%3A%2F%2Flocalhost%3A3000%2F", None),
    }
    assert {page: (target_of(page, state).url, target_of(page, state).signs_in) for page in expected} == expected
