"""Bundles each worker as `wrangler deploy` does, compares it with the published packages, and prints its size."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from deploy import wheel_records
from deploy.paths import NODE, NODE_MODULES, WORKERS, worker_folder

WRANGLER = NODE_MODULES / "wrangler" / "bin" / "wrangler.js"
TOTAL = re.compile(r"Total Upload: ([\d.]+ \w+) / gzip: ([\d.]+ \w+)")


@dataclass(frozen=True)
class Upload:
    """The size of a worker's bundle, as wrangler prints it."""

    worker: str
    size: str
    gzip: str


def bundle(worker: str, target: Path) -> Upload:
    """Writes the files of an upload to the folder `target`. Raises RuntimeError with wrangler's output if it fails."""
    done = subprocess.run(
        [NODE, WRANGLER, "deploy", "--dry-run", "--outdir", target],
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
        with tempfile.TemporaryDirectory() as folder:
            upload = bundle(worker, Path(folder))
            checked = wheel_records.check(worker, Path(folder) / "python_modules")
        size = f"{upload.worker:<16} {upload.size:>14}   gzip {upload.gzip:>12}"
        print(f"{size}   {checked} files equal to their wheels", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
