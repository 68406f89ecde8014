"""Rows of D1 stay inside `dream.db`: its functions return dataclasses or plain values, and no other module reads columns.

Only the modules that carry rows from D1 to `dream.db` without reading them may name the type `Row`.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DB = ROOT / "shared" / "dream" / "db"
CARRIERS = {"shared/dream/runtime/bindings.py", "shared/dream/cloudflare/d1.py"}
CURE = "Return a frozen dataclass from a function of dream.db, and read its attributes."

# Files that still read rows. The list only gets shorter.
EXCEPTIONS: set[str] = set()


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def sources() -> list[Path]:
    folders = [ROOT / "shared" / "dream", *sorted((ROOT / "workers").glob("*/src"))]
    return [path for folder in folders for path in sorted(folder.rglob("*.py"))]


def is_row_name(node: ast.AST) -> bool:
    """Whether an expression is called `row`, `rows` or `…_row`, `…_rows`."""
    name = node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""
    return name in ("row", "rows") or name.endswith(("_row", "_rows"))


def is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def reads_of_rows(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """`row["x"]`, `rows[0]["x"]` and `results[0][0]["x"]`, `from_row`, and imports of the type `Row`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Subscript) and is_text(node.slice):
            inner = node.value
            indexed = (
                isinstance(inner, ast.Subscript) and not is_text(inner.slice) and not isinstance(inner.slice, ast.Name)
            )
            if is_row_name(inner) or indexed:
                yield node.lineno, "reads a column of a row"
        elif isinstance(node, ast.Attribute) and node.attr == "from_row":
            yield node.lineno, "calls from_row"
        elif isinstance(node, ast.FunctionDef) and node.name == "from_row":
            yield node.lineno, "defines from_row"
        elif isinstance(node, ast.ImportFrom) and any(alias.name == "Row" for alias in node.names):
            yield node.lineno, "imports the type Row"


def returns_rows(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether the annotation of the result names a row: `Row`, `list[Row]`, `Mapping[str, Any]` and the like."""
    if function.returns is None:
        return False
    for node in ast.walk(function.returns):
        if isinstance(node, ast.Name) and node.id == "Row":
            return True
        if (
            isinstance(node, ast.Subscript)
            and isinstance(node.value, ast.Name)
            and node.value.id in ("Mapping", "dict")
            and any(isinstance(each, ast.Name) and each.id == "Any" for each in ast.walk(node.slice))
        ):
            return True
    return False


def test_only_db_reads_the_columns_of_rows() -> None:
    found = {
        name: list(reads_of_rows(ast.parse(path.read_text(encoding="utf-8"))))
        for path in sources()
        if DB not in path.parents and (name := name_of(path)) not in CARRIERS
    }
    wrong = [f"{name}:{line} {what}" for name, reads in found.items() if name not in EXCEPTIONS for line, what in reads]
    assert not wrong, "\n".join([*wrong, CURE])


def test_no_public_function_of_db_returns_rows() -> None:
    wrong: list[str] = []
    for path in sorted(DB.glob("*.py")):
        if name_of(path) in EXCEPTIONS:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            is_public = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not node.name.startswith("_")
            if is_public and returns_rows(node):
                wrong.append(f"{name_of(path)}:{node.lineno} {node.name} returns rows")
    assert not wrong, "\n".join([*wrong, CURE])


def test_every_exception_is_still_needed() -> None:
    for name in sorted(EXCEPTIONS):
        tree = ast.parse((ROOT / name).read_text(encoding="utf-8"))
        functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
        in_db = DB in (ROOT / name).parents
        needed = any(map(returns_rows, functions)) if in_db else any(reads_of_rows(tree))
        assert needed, f"{name} reads no rows any more. Delete it from EXCEPTIONS."


@pytest.mark.parametrize(
    ("code", "is_read"),
    [
        ('row["plan"]', True),
        ('found.row["plan"]', True),
        ('rows[0]["plan"]', True),
        ('plans[0]["plan"]', True),
        ('results[1][0]["plan"]', True),
        ("Tier.from_row(each)", True),
        ("from dream.runtime.bindings import Bound, Row", True),
        ('event.object["id"]', False),
        ('payload["account"]', False),
        ("rows[0]", False),
        ("def page_from(rows: object) -> None: ...", False),
    ],
)
def test_a_read_of_a_row_is_recognised(code: str, is_read: bool) -> None:
    assert bool(list(reads_of_rows(ast.parse(code)))) is is_read
