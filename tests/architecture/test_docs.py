"""Documents name paths that exist, the index names every record once, and no document uses a word that the glossary avoids."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
GLOSSARY = ROOT / "docs/glossary.md"
INDEX = ROOT / "docs/decisions/README.md"
RECORDS = sorted(path for path in INDEX.parent.glob("*.md") if path != INDEX)
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])

# Folders that are made by tools, so that what lies in them is not part of the repository.
GENERATED_FOLDERS = {
    ".cache",
    ".dev",
    ".git",
    ".hypothesis",
    ".pytest_cache",
    ".ruff_cache",
    ".venv",
    "__pycache__",
    "dist",
    "node_modules",
    "python_modules",
}
# Files that are named although no clone has them from the start.
GENERATED = (".dev", ".dev.vars", ".venv", "dist", "node_modules", "python_modules", "stack.json")
SUFFIXES = r"(?:py|md|mjs|ts|tsx|sql|yaml|yml|toml|json|svg|png|txt|capnp|lock)"
CODE = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
AVOIDED = re.compile(r"^\| ([^|]+) \|", re.MULTILINE)


@cache
def paths() -> frozenset[str]:
    """Every file of the repository, and every folder with a slash at its end, as paths from the root."""
    found: set[str] = set()
    for folder, folders, files in os.walk(ROOT):
        folders[:] = [name for name in folders if name not in GENERATED_FOLDERS]
        base = Path(folder).relative_to(ROOT)
        found.update(str(base / name) for name in files)
        found.update(f"{base / name}/" for name in folders)
    return frozenset(found)


@cache
def top_folders() -> frozenset[str]:
    return frozenset(path.split("/")[0] for path in paths() if path.count("/") == 1 and path.endswith("/"))


def named_paths(text: str) -> Iterator[str]:
    """The code spans of a document that read as a path of this repository. Capitals such as NNNN stand for any name."""
    for span in CODE.findall(text):
        first, slash, _ = span.partition("/")
        is_path = re.fullmatch(rf"[\w.*@{{}},-]+(?:/[\w.*@{{}},-]+)*(?:/|\.{SUFFIXES})", span) is not None
        if not is_path:
            is_path = bool(slash) and first in top_folders() and re.fullmatch(r"[\w./*@{},-]+", span) is not None
        if (
            is_path
            and not any(part in GENERATED for part in span.split("/"))
            and not re.search(r"NNNN|NAME|…|\{\w+\}", span)
        ):
            yield span


def exists(named: str) -> bool:
    """Whether a file or folder has this path, from the root or as the end of its path. `*` stands for any text but a slash.

    A module may be named without its ending.
    """
    pattern = re.escape(named.rstrip("/")).replace(r"\*", "[^/]*")
    pattern = re.sub(
        r"\\\{([^}]*)\\\}", lambda match: "(?:" + match[1].replace(",", "|").replace(r"\|", "|") + ")", pattern
    )
    whole = re.compile(rf"(?:.*/)?{pattern}(?:/|\.py)?")
    return any(whole.fullmatch(path) for path in paths())


@cache
def avoided_words() -> tuple[str, ...]:
    """The first column of the glossary's table of avoided words."""
    table = GLOSSARY.read_text().partition("## Words that we avoid")[2].partition("\n## ")[0]
    words = [word.strip() for row in AVOIDED.findall(table)[2:] for word in row.split(",")]
    assert len(words) >= 10, "docs/glossary.md has no table under the heading `Words that we avoid`"
    return tuple(words)


@pytest.mark.parametrize("document", DOCUMENTS, ids=[str(path.relative_to(ROOT)) for path in DOCUMENTS])
def test_every_path_that_a_document_names_exists(document: Path) -> None:
    text = document.read_text()
    missing = [named for named in named_paths(text) if not exists(named)]
    if document.name == "CHANGELOG.md":
        missing = []
    broken = [
        link for link in LINK.findall(text) if not link.startswith("http") and not (document.parent / link).exists()
    ]
    assert not missing + broken, (
        f"{document.relative_to(ROOT)} names what does not exist: {', '.join(missing + broken)}. Write the new name, or delete"
        " the sentence. A name that is no path of this repository is written without backticks."
    )


def test_the_index_names_every_record_once() -> None:
    linked = [link for link in LINK.findall(INDEX.read_text()) if re.match(r"\d{4}-", link)]
    unlisted = {path.name for path in RECORDS} - set(linked)
    doubled = {link for link in linked if linked.count(link) > 1}
    assert not unlisted, f"add a line to docs/decisions/README.md for {', '.join(sorted(unlisted))}"
    assert not doubled, f"docs/decisions/README.md names {', '.join(sorted(doubled))} more than once: keep one line"


@pytest.mark.parametrize("record", RECORDS, ids=[path.name for path in RECORDS])
def test_a_record_has_its_number_as_title_and_says_what_was_decided(record: Path) -> None:
    text, number = record.read_text(), record.name[:4]
    assert text.startswith(f"# {number}: "), f"begin {record.name} with `# {number}: ` and its title"
    for heading in ("## Context\n", "## Decision\n", "## Consequences\n"):
        assert heading in text, f"add the heading `{heading.strip()}` to {record.name}"


def test_no_two_records_share_a_number() -> None:
    numbers = [path.name[:4] for path in RECORDS]
    assert len(numbers) == len(set(numbers)), (
        "give the newer of two decision records with one number the next free number"
    )


@pytest.mark.parametrize("document", DOCUMENTS, ids=[str(path.relative_to(ROOT)) for path in DOCUMENTS])
def test_no_document_uses_a_word_that_the_glossary_avoids(document: Path) -> None:
    if document == GLOSSARY:
        return
    for number, line in enumerate(document.read_text().splitlines(), 1):
        prose = CODE.sub("", line)
        for word in avoided_words():
            assert not re.search(rf"\b{re.escape(word)}\b", prose, re.IGNORECASE), (
                f"{document.relative_to(ROOT)}:{number} uses the word {word!r}. docs/glossary.md says what to write instead."
            )
