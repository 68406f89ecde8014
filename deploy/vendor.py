"""Fills `python_modules/` of each worker, the folder that wrangler uploads: the Workers SDK, packages, and shared modules.

`pywrangler sync` does the same, but must download an Emscripten interpreter; this needs only PyPI. A worker's packages are
in its pyproject.toml, their versions and hashes in the root's uv.lock. Files that are not uploaded are in the worker's
wrangler.toml, under `[python_modules] exclude`. All other files of a package are copied unchanged.
"""

from __future__ import annotations

import ast
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

from deploy.imports import file_in, imported_by, reachable
from deploy.paths import CACHE, ROOT, SHARED, WORKERS, worker_folder

SDK = "workers-runtime-sdk"
SHARED_PACKAGE = "dream-api-shared"
# Options of uv: Pyodide's platform and Python version, as in workerd.
PLATFORM = ("--python-platform", "wasm32-pyodide2025", "--python-version", "3.14")
# stripe imports requests only if it is installed. The workers pass stripe an HTTP client that uses fetch.
NOT_NEEDED = {"requests", "certifi", "charset-normalizer", "idna", "urllib3"}


@dataclass(frozen=True)
class Package:
    """One package of uv.lock."""

    name: str
    version: str
    dependencies: tuple[str, ...]
    hashes: tuple[str, ...]
    """The hashes of its wheels, each `sha256:` and hexadecimal digits."""

    @property
    def requirement(self) -> str:
        """The line for a requirements file: the version, and the hashes that the wheel may have."""
        return " ".join([f"{self.name}=={self.version}", *(f"--hash={each}" for each in self.hashes)])


def load_toml(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        return tomllib.load(file)


def locked_packages() -> dict[str, Package]:
    """All packages of uv.lock, by name."""
    return {
        entry["name"]: Package(
            name=entry["name"],
            version=entry["version"],
            dependencies=tuple(dependency["name"] for dependency in entry.get("dependencies", ())),
            hashes=tuple(wheel["hash"] for wheel in entry.get("wheels", ())),
        )
        for entry in load_toml(ROOT / "uv.lock")["package"]
        if "version" in entry
    }


def packages_of(worker: str) -> list[Package]:
    """The packages from PyPI that a worker vendors: the SDK, its dependencies, and their dependencies."""
    locked = locked_packages()
    declared = load_toml(worker_folder(worker) / "pyproject.toml")["project"]["dependencies"]
    wanted = [SDK, *(requirement.partition("==")[0] for requirement in declared)]
    found: dict[str, Package] = {}
    while wanted:
        name = wanted.pop()
        if name == SHARED_PACKAGE or name in NOT_NEEDED or name in found:
            continue
        found[name] = locked[name]
        wanted.extend(found[name].dependencies)
    return [found[name] for name in sorted(found)]


def excluded_patterns(worker: str) -> list[str]:
    return load_toml(worker_folder(worker) / "wrangler.toml")["python_modules"]["exclude"]


def is_excluded(path: str, patterns: list[str]) -> bool:
    """Whether a file matches one of wrangler's patterns. `path` is relative to python_modules."""
    return any(_glob(pattern).fullmatch(path) for pattern in patterns)


@cache
def _glob(pattern: str) -> re.Pattern[str]:
    """Translates wrangler's glob: `**` between slashes matches any number of folders, `*` any text within a name."""
    parts = re.split(r"(\*\*/|/\*\*$|\*)", pattern)
    meanings = {"**/": "(?:[^/]+/)*", "/**": "/.*", "*": "[^/]*"}
    return re.compile("".join(meanings.get(part, re.escape(part)) for part in parts))


def libraries(worker: str) -> Path:
    """The folder with a worker's packages from PyPI, without excluded files.

    It is in the cache, and is created once for each set of versions and patterns.
    """
    patterns = excluded_patterns(worker)
    packages = packages_of(worker)
    ingredients = [*PLATFORM, *(package.requirement for package in packages), *patterns]
    folder = CACHE / "packages" / hashlib.sha256("\n".join(ingredients).encode()).hexdigest()[:16]
    if not folder.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
            whole, chosen = Path(scratch) / "whole", Path(scratch) / "chosen"
            install(packages, whole)
            for name, path in files_under(whole, patterns):
                (chosen / name).parent.mkdir(parents=True, exist_ok=True)
                path.rename(chosen / name)
            # Another process may have created the folder meanwhile. It has the same files.
            with suppress(OSError):
                chosen.rename(folder)
    return folder


def install(packages: Iterable[Package], target: Path) -> None:
    """Unpacks the wheels of packages into the folder `target`.

    Raises CalledProcessError if the hash of a wheel is not in uv.lock.
    """
    with tempfile.TemporaryDirectory() as scratch:
        requirements = Path(scratch) / "requirements.txt"
        requirements.write_text("".join(f"{package.requirement}\n" for package in packages))
        command = [
            str(Path(sys.executable).parent / "uv"),
            "pip",
            "install",
            "--quiet",
            "--no-deps",
            "--require-hashes",
        ]
        command += ["--only-binary", ":all:", *PLATFORM, "--target", str(target), "--requirements", str(requirements)]
        subprocess.run(command, check=True, env={**os.environ, "UV_PYTHON_DOWNLOADS": "never"})


def files_under(folder: Path, patterns: list[str]) -> list[tuple[str, Path]]:
    """The files of a folder that no pattern excludes, sorted by name. Each is (name relative to python_modules, path)."""
    found = ((path.relative_to(folder).as_posix(), path) for path in folder.rglob("*") if path.is_file())
    return sorted((name, path) for name, path in found if name[0] != "." and not is_excluded(name, patterns))


def shared_modules(worker: str) -> list[Path]:
    """The modules of `dream` that a worker imports, directly or indirectly."""
    sources = (worker_folder(worker) / "src").rglob("*.py")
    roots = [name for path in sources for name in imported_by(ast.parse(path.read_text(encoding="utf-8")))]
    return [module.path for module in reachable(roots, partial(file_in, SHARED / "dream")).values()]


def vendor(worker: str, target: Path) -> None:
    """Makes the folder `target` equal to what a worker uploads as `python_modules/`. Only changed files are copied."""
    wanted = dict(files_under(libraries(worker), []))
    wanted |= {path.relative_to(SHARED).as_posix(): path for path in shared_modules(worker)}
    present = {path.relative_to(target).as_posix() for path in target.rglob("*") if path.is_file()}
    for name in present - wanted.keys():
        (target / name).unlink()
    for name, source in wanted.items():
        destination = target / name
        if name in present and _same(source, destination):
            continue
        destination.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, destination)
    for folder in sorted((path for path in target.rglob("*") if path.is_dir()), reverse=True):
        if not any(folder.iterdir()):
            folder.rmdir()


def _same(source: Path, destination: Path) -> bool:
    one, other = source.stat(), destination.stat()
    return one.st_size == other.st_size and one.st_mtime_ns == other.st_mtime_ns


def main() -> None:
    for worker in WORKERS:
        folder = worker_folder(worker) / "python_modules"
        vendor(worker, folder)
        files = [path for path in folder.rglob("*") if path.is_file()]
        size = sum(path.stat().st_size for path in files)
        print(f"{worker}: {len(files)} files, {size / 1e6:.1f} MB in {folder.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
