"""Imports in devstack go one way: no import circle, no import inside a function, and its four parts stay apart.

deploy never imports devstack.
"""

from __future__ import annotations

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from deploy.paths import ROOT

PACKAGE = ROOT / "devstack"


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


TREES = {name_of(path): ast.parse(path.read_text(encoding="utf-8")) for path in sorted(PACKAGE.rglob("*.py"))}


def imported(node: ast.AST) -> set[str]:
    """The modules of devstack that an import statement names, and their packages, which are imported first."""
    names: set[str] = set()
    if isinstance(node, ast.ImportFrom) and node.module:
        names = {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    elif isinstance(node, ast.Import):
        names = {alias.name for alias in node.names}
    around = {".".join(name.split(".")[:end]) for name in names for end in range(1, name.count(".") + 1)}
    return (names | around) & set(TREES)


def packages_of(module: str) -> set[str]:
    parts = module.split(".")
    return {".".join(parts[:end]) for end in range(1, len(parts))}


def test_no_module_imports_itself_through_others() -> None:
    """Imports under `if TYPE_CHECKING` count too."""
    graph = {
        module: {name for node in ast.walk(tree) for name in imported(node)} - packages_of(module) - {module}
        for module, tree in TREES.items()
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f"an import circle: {' > '.join(error.args[1])}")


@pytest.mark.parametrize("package", sorted(name for name in TREES if f"{name}." in " ".join(TREES)))
def test_a_package_imports_nothing_by_itself(package: str) -> None:
    """If `__init__.py` imported a module, every module of the package would import that module too."""
    path = ROOT.joinpath(*package.split("."), "__init__.py")
    if path.exists():
        assert not [node for node in ast.walk(TREES[package]) if imported(node)]


def test_no_function_imports_a_module_of_devstack() -> None:
    hidden = [
        f"{module}:{node.lineno}"
        for module, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom) and node not in tree.body and imported(node)
    ]
    assert hidden == []


@pytest.mark.parametrize(
    ("package", "strangers"),
    [
        ("devstack.kit", ("devstack.stripe", "devstack.clerk", "devstack.stack")),
        ("devstack.stripe", ("devstack.clerk", "devstack.stack")),
        ("devstack.clerk", ("devstack.stripe", "devstack.stack")),
        ("devstack.stack", ("devstack.stripe", "devstack.clerk", "devstack.kit")),
    ],
)
def test_the_four_parts_stay_apart(package: str, strangers: tuple[str, ...]) -> None:
    """The stack starts the stand-ins as programs. The stand-ins share only the kit."""
    crossing = [
        f"{module} imports {name}"
        for module, tree in TREES.items()
        if module.startswith(package)
        for node in ast.walk(tree)
        for name in imported(node)
        if name.startswith(strangers)
    ]
    assert crossing == []


def test_deploy_never_imports_devstack() -> None:
    """What is deployed must not depend on what exists for local runs only."""
    crossing = [
        f"{path.name}:{node.lineno}"
        for path in sorted((ROOT / "deploy").rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Import | ast.ImportFrom) and imported(node)
    ]
    assert crossing == []
