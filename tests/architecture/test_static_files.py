"""wrangler uploads every file of a worker: Python modules by itself, other files by a rule of wrangler.toml."""

from __future__ import annotations

import tomllib
from fnmatch import fnmatch
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
WORKERS = sorted(path.name for path in (ROOT / "workers").iterdir() if path.is_dir())


@pytest.mark.parametrize("worker", WORKERS)
def test_a_rule_uploads_every_file_that_is_no_python_module(worker: str) -> None:
    folder = ROOT / "workers" / worker
    rules = tomllib.loads((folder / "wrangler.toml").read_text(encoding="utf-8")).get("rules", [])
    globs = [glob for rule in rules for glob in rule["globs"]]
    names = [
        path.relative_to(folder / "src").as_posix()
        for path in sorted((folder / "src").rglob("*"))
        if path.is_file() and path.suffix not in (".py", ".pyc")
    ]
    missing = [name for name in names if not any(fnmatch(name, glob) for glob in globs)]
    assert not missing, f"{', '.join(missing)}: add a rule to workers/{worker}/wrangler.toml"
