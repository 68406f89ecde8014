"""Owns the preparation of workerd: the Pyodide bundle, a memory snapshot, and the program that miniflare starts.

All of it is kept in the cache folder under a name made of the versions it came from, so nothing is built twice and
nothing stale is used.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from deploy import vendor
from devstack.paths import CACHE, NODE, NODE_MODULES, ROOT
from devstack.stack.workerd import pyodide_bundle

HERE = Path(__file__).parent
SNAPSHOT = "snapshot.bin"
# Selects the Pyodide version `dev`, which workerd takes from a folder. It must never be in what is deployed.
DEVELOPMENT_FLAG = "python_workers_development"


@dataclass(frozen=True)
class Runtime:
    """A workerd that is ready to run Python Workers."""

    workerd: Path
    """The program to start: a script that adds the options that miniflare does not pass on."""


def npm_version(package: str) -> str:
    return json.loads((NODE_MODULES / package / "package.json").read_text())["version"]


def workerd_program() -> Path:
    """The binary inside the npm package for this machine's system and processor."""
    found = subprocess.run(
        [NODE, "-p", "require('workerd').default"], cwd=ROOT, check=True, capture_output=True, text=True
    )
    return Path(found.stdout.strip())


def prepare(say: Callable[[str], None]) -> Runtime:
    """Builds what is missing and returns the runtime. `say` is told about each step that takes time."""
    settings = vendor.load_toml(ROOT / "workers" / "api-multi" / "wrangler.toml")
    libraries = vendor.libraries("api-multi")
    ingredients = [npm_version("pyodide"), npm_version("workerd"), settings["compatibility_date"], libraries.name]
    ingredients += [(HERE / name).read_text() for name in ("pyodide_bundle.py", "pyodide_bundle.capnp", "warm.py")]
    folder = CACHE / "runtime" / hashlib.sha256("\0".join(ingredients).encode()).hexdigest()[:16]
    bundle, script = folder / pyodide_bundle.FILE_NAME, folder / "workerd"
    if not script.exists():
        program = workerd_program()
        say("building the Pyodide bundle")
        pyodide_bundle.build(NODE_MODULES / "pyodide", bundle)
        say("taking a memory snapshot of Python with its libraries")
        _take_snapshot(program, folder, libraries, settings)
        _write_script(script, program, folder)
    return Runtime(workerd=script)


def _write_script(script: Path, program: Path, folder: Path) -> None:
    """Writes the script that MINIFLARE_WORKERD_PATH names. It adds the options, and writes the process id to WORKERD_PID_FILE."""
    text = f"""#!/bin/sh
if [ -n "$WORKERD_PID_FILE" ]; then echo $$ > "$WORKERD_PID_FILE"; fi
command=$1
shift
exec "{program}" "$command" --pyodide-bundle-disk-cache-dir="{folder}" \\
  --python-snapshot-dir="{folder}" --python-load-snapshot={SNAPSHOT} "$@"
"""
    partial = script.with_suffix(".partial")
    partial.write_text(text)
    partial.chmod(0o755)
    partial.replace(script)


def _take_snapshot(program: Path, folder: Path, libraries: Path, settings: dict[str, object]) -> None:
    """Runs workerd once with `warm.py`. workerd writes its memory to a file and stops."""
    files = vendor.files_under(libraries, [])
    modules = [_module("warm.py", HERE / "warm.py")]
    modules += [_module(f"python_modules/{name}", path) for name, path in files]
    listing = ",\n    ".join(modules)
    config = f"""using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (services = [(name = "warm", worker = .warm)]);
const warm :Workerd.Worker = (
  compatibilityDate = "{settings["compatibility_date"]}",
  compatibilityFlags = ["python_workers", "{DEVELOPMENT_FLAG}"],
  modules = [
    {listing}
  ],
);
"""
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        file = Path(scratch) / "warm.capnp"
        file.write_text(config)
        command = [program, "test", file, "--experimental", "--import-path=/"]
        command += [f"--pyodide-bundle-disk-cache-dir={folder}", f"--python-snapshot-dir={scratch}"]
        command += ["--python-save-snapshot"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        written = Path(scratch) / SNAPSHOT
        if not written.exists():
            raise RuntimeError(f"workerd wrote no memory snapshot; it said:\n{done.stdout}{done.stderr}")
        written.replace(folder / SNAPSHOT)


def _module(name: str, path: Path) -> str:
    kind = "pythonModule" if name.endswith(".py") else "data"
    return f'(name = "{name}", {kind} = embed {json.dumps(os.fspath(path))})'
