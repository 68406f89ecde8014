"""Which modules a module needs when it runs, read from its source."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Module:
    """One module: its file, and its syntax tree."""

    path: Path
    tree: ast.Module


def reachable(roots: Iterable[str], file_of: Callable[[str], Path | None]) -> dict[str, Module]:
    """The roots, what they import, what that imports, and the packages around them, by name. `file_of` knows the files."""
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
    """The file of a module of the package in the folder `package`, or None when it is none of its modules."""
    if name.partition(".")[0] != package.name:
        return None
    base = package.joinpath(*name.split(".")[1:])
    candidates = (base / "__init__.py", base.with_suffix(".py"))
    return next((path for path in candidates if path.exists()), None)


def imported_by(tree: ast.AST) -> list[str]:
    """The names that a module imports when it runs, in functions too, but not for type checkers alone."""
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
