"""Imports go one way: entry > routes > handlers > {auth, db, kv, clients, webhooks, http} > domain > errors."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT / "shared" / "dream"
WORKERS = sorted(path.parent for path in ROOT.glob("workers/*/src"))
RUNTIME_ONLY = {"js", "pyodide", "workers"}


@dataclass(frozen=True)
class Import:
    """One module that a file imports when it runs."""

    file: Path
    line: int
    module: str

    @property
    def top(self) -> str:
        return self.module.partition(".")[0]

    def __str__(self) -> str:
        return f"{self.file.relative_to(ROOT)}:{self.line} imports {self.module}"


def imports_of(file: Path) -> list[Import]:
    return [Import(file, line, module) for line, module in _imports(ast.parse(file.read_text(encoding="utf-8")))]


def _imports(tree: ast.AST) -> Iterator[tuple[int, str]]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            continue
        if isinstance(node, ast.ImportFrom):
            assert node.module and not node.level, "imports are absolute"
            for alias in node.names:
                yield node.lineno, f"{node.module}.{alias.name}"
        elif isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        else:
            yield from _imports(node)


def every_import(folder: Path) -> list[Import]:
    return [each for file in sorted(folder.rglob("*.py")) for each in imports_of(file)]


def refuse(found: list[Import]) -> None:
    assert not found, "\n".join(map(str, found))


def test_errors_import_nothing_of_ours() -> None:
    refuse([each for each in imports_of(SHARED / "errors.py") if each.top not in sys.stdlib_module_names])


def test_the_domain_imports_nothing_but_itself_and_errors() -> None:
    allowed = ("dream.domain.", "dream.errors.")
    refuse(
        [
            each
            for each in every_import(SHARED / "domain")
            if each.top not in sys.stdlib_module_names and not each.module.startswith(allowed)
        ]
    )


def test_the_domain_has_no_clock_no_entropy_no_await() -> None:
    refuse(
        [each for each in every_import(SHARED / "domain") if each.top in {"time", "random", "secrets", "os", "asyncio"}]
    )
    for file in sorted((SHARED / "domain").rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            assert not isinstance(node, ast.AsyncFunctionDef | ast.Await), f"{file}:{getattr(node, 'lineno', 0)} awaits"


def test_shared_code_knows_no_worker() -> None:
    refuse(
        [
            each
            for each in every_import(SHARED)
            if each.top in {"entry", "routes", "handlers", "stripe_events", "devstack"}
        ]
    )


def test_one_adapter_and_the_entries_know_the_runtime() -> None:
    knowing = {SHARED / "cloudflare.py", *(worker / "src" / "entry.py" for worker in WORKERS)}
    found = [each for folder in (SHARED, *(worker / "src" for worker in WORKERS)) for each in every_import(folder)]
    refuse([each for each in found if each.top in RUNTIME_ONLY and each.file not in knowing])
    refuse([each for each in found if each.module.startswith("dream.cloudflare") and each.file not in knowing])


@pytest.mark.parametrize("worker", WORKERS, ids=lambda worker: worker.name)
def test_within_a_worker_nothing_imports_upward(worker: Path) -> None:
    source = worker / "src"
    above = {"handlers": {"entry", "routes"}, "stripe_events": {"entry", "routes", "handlers"}}
    for folder, forbidden in above.items():
        refuse([each for each in every_import(source / folder) if each.top in forbidden])
    refuse([each for each in imports_of(source / "routes.py") if each.top == "entry"])
    refuse([each for each in every_import(source) if each.top == "devstack"])


def test_all_sql_lives_in_db() -> None:
    verbs = ("SELECT ", "INSERT ", "UPDATE ", "DELETE FROM ", "WITH ")
    elsewhere = [file for file in sorted(SHARED.rglob("*.py")) if (SHARED / "db") not in file.parents]
    for file in [*elsewhere, *(file for worker in WORKERS for file in sorted((worker / "src").rglob("*.py")))]:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                assert not node.value.lstrip().startswith(verbs), f"{file.relative_to(ROOT)}:{node.lineno} holds SQL"
