"""Finds the modules that a module imports when it runs, from its source code."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Module:
    """One module: its file and its syntax tree."""

    path: Path
    tree: ast.Module


def reachable(roots: Iterable[str], file_of: Callable[[str], Path | None]) -> dict[str, Module]:
    """The modules `roots`, all that they import directly or indirectly, and their packages, by name.

    `file_of` returns the file of a module, or None if the module is not wanted.
    """
    wanted = list(roots)
    found: dict[str, Module] = {}
    while wanted:
        name = wanted.pop()
        path = file_of(name)
        if name in found or path is None:
            continue
        found[name] = Module(path, ast.parse(path.read_text(encoding="utf-8")))
        wanted.append(name.rpartition(".")[0])
        wanted.extend(imported_by(found[name].tree))
    return found


def file_in(package: Path, name: str) -> Path | None:
    """The file of the module `name`, or None if it is not a module of the package in the folder `package`."""
    if name.partition(".")[0] != package.name:
        return None
    base = package.joinpath(*name.split(".")[1:])
    candidates = (base / "__init__.py", base.with_suffix(".py"))
    return next((path for path in candidates if path.exists()), None)


def imported_by(tree: ast.AST) -> list[str]:
    """The names that a module imports when it runs, also inside functions. Imports under `if TYPE_CHECKING` are left out."""
    names: list[str] = []
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and is_type_checking(node.test):
            for branch in node.orelse:
                names.extend(imported_by(branch))
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.append(node.module)
            names.extend(f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            names.extend(alias.name for alias in node.names)
        else:
            names.extend(imported_by(node))
    return names


def is_type_checking(test: ast.expr) -> bool:
    return isinstance(test, ast.Name) and test.id == "TYPE_CHECKING"
