"""Vendored files follow uv.lock and the patterns in wrangler.toml."""

from __future__ import annotations

import ast
import sys

import pytest

from deploy import vendor
from deploy.imports import imported_by
from deploy.paths import WORKERS, worker_folder


@pytest.mark.parametrize(
    ("path", "pattern", "matches"),
    [
        ("a.pyc", "**/*.pyc", True),
        ("x/y/a.pyc", "**/*.pyc", True),
        ("x/a.py", "**/*.pyc", False),
        ("requests/api.py", "requests/**", True),
        ("requests/deep/api.py", "requests/**", True),
        ("requests_more/api.py", "requests/**", False),
        ("stripe-16.dist-info/METADATA", "**/*.dist-info/**", True),
        ("workers/asgi.py", "asgi.py", False),
        ("workers/deep/x.py", "workers/*.py", False),
    ],
)
def test_patterns_mean_what_they_mean_to_wrangler(path: str, pattern: str, matches: bool) -> None:
    assert vendor.is_excluded(path, [pattern]) is matches


def test_all_workers_exclude_the_same_files() -> None:
    assert len({tuple(vendor.excluded_patterns(worker)) for worker in WORKERS}) == 1


@pytest.mark.parametrize("worker", WORKERS)
def test_versions_come_from_the_lock_and_requests_is_left_out(worker: str) -> None:
    packages = {package.name: package.version for package in vendor.packages_of(worker)}
    locked = vendor.locked_packages()
    assert packages == {name: locked[name].version for name in packages}
    assert "workers-runtime-sdk" in packages
    assert "requests" not in packages


@pytest.mark.parametrize("worker", WORKERS)
def test_no_excluded_file_is_vendored(worker: str) -> None:
    names = [name for name, _ in vendor.files_under(vendor.libraries(worker), [])]
    assert "workers/__init__.py" in names
    assert not [name for name in names if vendor.is_excluded(name, vendor.excluded_patterns(worker))]


@pytest.mark.parametrize("worker", WORKERS)
def test_all_modules_that_a_worker_imports_are_uploaded(worker: str) -> None:
    source = worker_folder(worker) / "src"
    own = {path.name.removesuffix(".py") for path in source.iterdir()}
    uploaded = {
        name.partition("/")[0].removesuffix(".py") for name, _ in vendor.files_under(vendor.libraries(worker), [])
    }
    there = {*sys.stdlib_module_names, *own, *uploaded, "dream", "js", "pyodide"}
    for path in [*source.rglob("*.py"), *vendor.shared_modules(worker)]:
        wanted = {name.partition(".")[0] for name in imported_by(ast.parse(path.read_text(encoding="utf-8")))}
        assert wanted <= there, f"{path} imports {wanted - there}"
