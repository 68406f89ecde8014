"""Local migrations are applied as wrangler applies them: each once, in one transaction, and recorded."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from devstack.stack import migrations


def tables(file: Path) -> set[str]:
    with closing(sqlite3.connect(file)) as connection:
        return {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}


def test_each_migration_is_applied_once(tmp_path: Path) -> None:
    file = migrations.database_file(tmp_path)
    applied = migrations.apply(file)
    assert applied == sorted(path.name for path in migrations.FOLDER.glob("*.sql"))
    assert migrations.apply(file) == []
    with closing(sqlite3.connect(file)) as connection:
        assert [name for (name,) in connection.execute("SELECT name FROM d1_migrations ORDER BY id")] == applied


def test_a_failing_migration_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "migrations"
    folder.mkdir()
    (folder / "0001_good.sql").write_text("CREATE TABLE good (id INTEGER);")
    (folder / "0002_bad.sql").write_text("CREATE TABLE half (id INTEGER); CREATE TABLE good (id INTEGER);")
    monkeypatch.setattr(migrations, "FOLDER", folder)
    file = tmp_path / "d1.sqlite"
    with pytest.raises(RuntimeError, match=r"0002_bad\.sql failed"):
        migrations.apply(file)
    assert "good" in tables(file)
    assert "half" not in tables(file)
