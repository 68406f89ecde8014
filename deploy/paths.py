"""The folders of the repository, and the names of the four workers. devstack, tests and bench use them too."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT / "shared"
NODE_MODULES = ROOT / "node_modules"
NODE = NODE_MODULES / "node" / "bin" / "node"
# Unpacked packages, the Pyodide bundle and memory snapshots. All stacks share them. Deleting this folder is safe.
CACHE = ROOT / ".cache"

WORKERS = ("api-multi", "front-auth-api", "oauth-api", "sign-up")


def worker_folder(name: str) -> Path:
    return ROOT / "workers" / name
