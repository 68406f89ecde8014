"""Where things are in the repository, and the names of the four workers."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT / "shared"
NODE_MODULES = ROOT / "node_modules"
NODE = NODE_MODULES / "node" / "bin" / "node"
# What can be made again at any time: downloads unpacked, the Pyodide bundle, snapshots. Every stack shares it.
CACHE = ROOT / ".cache"

WORKERS = ("api-multi", "front-auth-api", "oauth-api", "sign-up")


def worker_folder(name: str) -> Path:
    return ROOT / "workers" / name
