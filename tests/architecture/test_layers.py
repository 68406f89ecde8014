"""Imports go one way: from each layer to the layers below it. The list is ordered; a module that stands in no layer fails."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT / "shared"
WORKERS = {path.name.replace("-", "_"): path / "src" for path in sorted((ROOT / "workers").iterdir())}
RUNTIME_ONLY = {"js", "pyodide", "workers"}

# Lowest first. A star stands for the package of any worker.
LAYERS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("errors", ("dream.errors",)),
    ("domain", ("dream.domain",)),
    ("runtime", ("dream.runtime",)),
    ("crypto", ("dream.crypto",)),
    ("storage", ("dream.db", "dream.kv")),
    ("clients", ("dream.clients",)),
    ("http", ("dream.http",)),
    ("auth", ("dream.auth",)),
    ("services", ("dream.services",)),
    ("webhooks", ("dream.webhooks",)),
    ("worker services", ("*.services", "*.static")),
    ("worker credentials", ("*.credentials",)),
    ("pages", ("*.pages",)),
    ("events and jobs", ("*.stripe_events", "*.clerk_events", "*.jobs")),
    ("handlers", ("*.handlers",)),
    ("routes", ("*.routes", "*.schedule")),
    ("adapter", ("dream.cloudflare",)),
    ("entry", ("*.entry",)),
)
CURE = "Move the code down, or pass the value in. STYLE: entry > routes > handlers > services > db > domain > errors."


@dataclass(frozen=True)
class Import:
    """One module that a module imports when it runs."""

    importer: str
    file: Path
    line: int
    module: str

    def __str__(self) -> str:
        return f"{self.file.relative_to(ROOT)}:{self.line} imports {self.module}"


@cache
def modules() -> dict[str, Path]:
    """Every module of shared/ and of the workers by name. An `entry` is named after its worker, for all have one."""
    found = {_name(path, SHARED): path for path in sorted((SHARED / "dream").rglob("*.py"))}
    for worker, source in WORKERS.items():
        for path in sorted(source.rglob("*.py")):
            name = _name(path, source)
            found[f"{worker}.entry" if name == "entry" else name] = path
    return found


def _name(path: Path, root: Path) -> str:
    return ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__")


def layer_of(module: str) -> int | None:
    """The place of a module's layer in the list."""
    package, _, rest = module.partition(".")
    generic = f"*.{rest}" if package in WORKERS else module
    for place, (_, prefixes) in enumerate(LAYERS):
        if any(generic == prefix or generic.startswith(f"{prefix}.") for prefix in prefixes):
            return place
    return None


@cache
def imports() -> tuple[Import, ...]:
    return tuple(
        Import(name, path, line, module)
        for name, path in modules().items()
        for line, module in _imports(ast.parse(path.read_text(encoding="utf-8")))
    )


def _imports(tree: ast.AST) -> Iterator[tuple[int, str]]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            continue
        if isinstance(node, ast.ImportFrom):
            assert node.module and not node.level, "imports are absolute"
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                yield node.lineno, full if full in modules() else node.module
        elif isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        else:
            yield from _imports(node)


def refuse(found: list[Import]) -> None:
    assert not found, "\n".join([*map(str, found), CURE])


def test_every_module_stands_in_a_layer() -> None:
    empty_packages = {"dream", *WORKERS}
    unknown = [name for name in modules() if layer_of(name) is None and name not in empty_packages]
    assert not unknown, f"in no layer: {', '.join(unknown)}. Move the module to a room of STYLE.md's shape."
    for name in empty_packages:
        assert not ast.parse(modules()[name].read_text(encoding="utf-8")).body[1:], f"{name}/__init__.py holds code"


def test_no_module_imports_from_a_layer_above_its_own() -> None:
    def is_upward(each: Import) -> bool:
        importer, imported = layer_of(each.importer), layer_of(each.module)
        return importer is not None and imported is not None and imported > importer

    refuse([each for each in imports() if is_upward(each)])


def test_a_worker_imports_nothing_of_another_worker_or_of_what_is_never_deployed() -> None:
    local = {"devstack", "deploy", "tests", "bench"}

    def is_foreign(each: Import) -> bool:
        top = each.module.partition(".")[0]
        return top in local or (top in WORKERS and top != each.importer.partition(".")[0])

    refuse([each for each in imports() if is_foreign(each)])


def test_no_modules_import_each_other() -> None:
    graph = {name: {each.module for each in imports() if each.importer == name} for name in modules()}
    done: set[str] = set()

    def visit(name: str, path: tuple[str, ...]) -> None:
        assert name not in path, f"import circle: {' > '.join([*path[path.index(name) :], name])}"
        if name not in done:
            for imported in graph.get(name, ()):
                visit(imported, (*path, name))
            done.add(name)

    for name in graph:
        visit(name, ())


@pytest.mark.parametrize("layer", ["dream.errors", "dream.domain"])
def test_the_lowest_layers_need_python_alone(layer: str) -> None:
    refuse(
        [
            each
            for each in imports()
            if each.importer.startswith(layer)
            and each.module.partition(".")[0] not in {*sys.stdlib_module_names, "dream"}
        ]
    )


def test_the_domain_has_no_clock_no_entropy_no_await() -> None:
    clocks = {"time", "random", "secrets", "os", "asyncio"}
    domain = [each for each in imports() if each.importer.startswith("dream.domain")]
    refuse([each for each in domain if each.module.partition(".")[0] in clocks])
    for name, path in modules().items():
        if name.startswith("dream.domain"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                assert not isinstance(node, ast.AsyncFunctionDef | ast.Await), f"{path}: {name} awaits"


def test_one_adapter_and_the_entries_know_the_runtime() -> None:
    entries = {f"{worker}.entry" for worker in WORKERS}

    def knows_the_runtime(module: str) -> bool:
        return module in entries or module.startswith("dream.cloudflare.")

    refuse(
        [
            each
            for each in imports()
            if each.module.partition(".")[0] in RUNTIME_ONLY and not knows_the_runtime(each.importer)
        ]
    )


def test_all_sql_lives_in_db() -> None:
    verbs = ("SELECT ", "INSERT ", "UPDATE ", "DELETE FROM ", "WITH ")
    for name, path in modules().items():
        if name.startswith("dream.db."):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                assert not node.value.lstrip().startswith(verbs), f"{path.relative_to(ROOT)}:{node.lineno} holds SQL"
