"""Compares vendored files with the wheels on PyPI, so that an upload has no changed line of a library.

uv.lock has the hash of each wheel. RECORD in a wheel has the hash of each of its files:
https://packaging.python.org/en/latest/specifications/recording-installed-packages/#the-record-file
"""

from __future__ import annotations

import base64
import csv
import hashlib
import tempfile
from collections.abc import Iterable
from pathlib import Path

from deploy.vendor import Package, install, packages_of

# The package in `shared/`. It comes from this repository and not from a wheel.
OURS = "dream"


class DiffersFromWheel(Exception):
    """A vendored file is in no wheel, or differs from the file in the wheel. The message names all such files."""


def hash_of(content: bytes) -> str:
    """The hash of a file's content, in the format of RECORD."""
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest())
    return f"sha256={digest.decode().rstrip('=')}"


def recorded_hashes(packages: Iterable[Package]) -> dict[str, str]:
    """The hash of each file in the wheels of packages, by file name. Only wheels whose hash is in uv.lock are read."""
    hashes: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as folder:
        install(packages, Path(folder))
        for record in Path(folder).glob("*.dist-info/RECORD"):
            with record.open(newline="", encoding="utf-8") as file:
                hashes |= {name: recorded for name, recorded, _ in csv.reader(file)}
    return hashes


def check(worker: str, modules: Path) -> int:
    """Compares a worker's `python_modules/`, the folder `modules`, with its wheels. Returns the number of compared files.

    Raises DiffersFromWheel.
    """
    recorded = recorded_hashes(packages_of(worker))
    vendored = {path.relative_to(modules).as_posix(): path for path in modules.rglob("*") if path.is_file()}
    files = {name: path for name, path in vendored.items() if not name.startswith(f"{OURS}/")}
    different = sorted(name for name, path in files.items() if recorded.get(name) != hash_of(path.read_bytes()))
    if different:
        raise DiffersFromWheel(f"{worker}: {', '.join(different)}")
    return len(files)
