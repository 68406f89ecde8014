"""Has a running stack seal its stored secret keys anew, by the same scheduled job that does so in production."""

from __future__ import annotations

import json
import urllib.request
from typing import Any

from devstack.stack.ports import HOST, Ports

RUNS = 200
"""Each run of the schedule seals some hundreds of keys."""


def seal_anew(addresses: dict[str, Any], ports: Ports) -> tuple[int, int]:
    """How many keys were looked at, and how many were sealed anew. `addresses` are those in `stack.json`."""
    before = _runs(ports)
    for _ in range(RUNS):
        _post(f"{addresses['frontAuthApi']}/_devstack/scheduled", {})
        new = [row for name, row in _runs(ports).items() if name not in before and row["finishedAt"]]
        if new:
            return new[0]["checked"], new[0]["repaired"]
    raise RuntimeError("the keys were not all sealed anew; the log says why")


def _runs(ports: Ports) -> dict[str, dict[str, Any]]:
    """The runs of the job by their names, which have the date and the encryption key."""
    query: dict[str, Any] = {"sql": "SELECT * FROM nightly_runs WHERE job = 'sealed_keys'", "params": []}
    rows = _post(f"http://{HOST}:{ports.control}/d1", query)["results"]
    return {row["run"]: row for row in rows}


def _post(url: str, body: dict[str, Any]) -> Any:
    request = urllib.request.Request(url, json.dumps(body).encode(), {"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)
