"""Owns the resealing of stored secret keys under a new encryption key. The scheduled job of production does the work."""

from __future__ import annotations

import json
import urllib.request
from typing import Any

from devstack.stack.ports import HOST, Ports

RUNS = 200
"""More than enough: each run of the schedule reseals some hundreds of keys."""


def reseal(addresses: dict[str, Any], ports: Ports) -> tuple[int, int]:
    """Runs the job until it is done, and returns how many keys it checked and how many it resealed.

    `addresses` are those in `stack.json`. Raises RuntimeError.
    """
    before = _runs(ports)
    for _ in range(RUNS):
        _post(f"{addresses['frontAuthApi']}/_devstack/scheduled", {})
        new = [row for name, row in _runs(ports).items() if name not in before and row["finishedAt"]]
        if new:
            return new[0]["checked"], new[0]["repaired"]
    raise RuntimeError("not every key was resealed; the reason is in the log")


def _runs(ports: Ports) -> dict[str, dict[str, Any]]:
    """The runs of the job by name. A name has the date and the id of the encryption key."""
    query: dict[str, Any] = {"sql": "SELECT * FROM nightly_runs WHERE job = 'sealed_keys'", "params": []}
    rows = _post(f"http://{HOST}:{ports.control}/d1", query)["results"]
    return {row["run"]: row for row in rows}


def _post(url: str, body: dict[str, Any]) -> Any:
    request = urllib.request.Request(url, json.dumps(body).encode(), {"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)
