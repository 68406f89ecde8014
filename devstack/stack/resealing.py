"""Reseals stored secret keys with a new encryption key, by running the same scheduled job as in production."""

from __future__ import annotations

import json
import urllib.request
from typing import Any

from devstack.stack.ports import HOST, Ports

RUNS = 200
"""The maximum number of runs. Each run reseals some hundreds of keys."""


def reseal(addresses: dict[str, Any], ports: Ports) -> tuple[int, int]:
    """Runs the job until it is done, and returns how many keys it checked and how many it resealed.

    `addresses` is the content of `stack.json`. Raises RuntimeError if the job is not done after RUNS runs.
    """
    before = _runs(ports)
    for _ in range(RUNS):
        _post(f"{addresses['frontAuthApi']}/_devstack/scheduled", {})
        new = [row for name, row in _runs(ports).items() if name not in before and row["finishedAt"]]
        if new:
            return new[0]["checked"], new[0]["repaired"]
    raise RuntimeError("not all keys were resealed; read the end of dev.log for the reason")


def _runs(ports: Ports) -> dict[str, dict[str, Any]]:
    """The runs of the job by name. The name contains the date and the id of the encryption key."""
    query: dict[str, Any] = {"sql": "SELECT * FROM nightly_runs WHERE job = 'sealed_keys'", "params": []}
    rows = _post(f"http://{HOST}:{ports.control}/d1", query)["results"]
    return {row["run"]: row for row in rows}


def _post(url: str, body: dict[str, Any]) -> Any:
    request = urllib.request.Request(url, json.dumps(body).encode(), {"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)
