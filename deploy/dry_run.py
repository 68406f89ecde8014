"""Bundles each worker as `wrangler deploy` would, and says how large the uploads are."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass

from devstack.paths import NODE, NODE_MODULES, WORKERS, worker_folder

WRANGLER = NODE_MODULES / "wrangler" / "bin" / "wrangler.js"
TOTAL = re.compile(r"Total Upload: ([\d.]+ \w+) / gzip: ([\d.]+ \w+)")


@dataclass(frozen=True)
class Upload:
    """What wrangler says of a worker's bundle."""

    worker: str
    size: str
    gzip: str


def measure(worker: str) -> Upload:
    """Runs `wrangler deploy --dry-run`. Raises RuntimeError with its output when it fails."""
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [NODE, WRANGLER, "deploy", "--dry-run", "--outdir", folder],
            cwd=worker_folder(worker),
            env={**os.environ, "CI": "1", "CLOUDFLARE_CF_FETCH_ENABLED": "false", "WRANGLER_SEND_METRICS": "false"},
            capture_output=True,
            text=True,
            check=False,
        )
    found = TOTAL.search(done.stdout)
    if done.returncode or not found:
        raise RuntimeError(f"{worker}: {done.stdout}{done.stderr}")
    return Upload(worker, found[1], found[2])


def main() -> int:
    for worker in WORKERS:
        upload = measure(worker)
        print(f"{upload.worker:<16} {upload.size:>14}   gzip {upload.gzip:>12}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
