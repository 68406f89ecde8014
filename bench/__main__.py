"""`make bench`: drives the real stack, straight at workerd, and compares it with minimal workers in the same process.

Every round measures each target once, so that what else the machine does falls on all of them; the table shows the medians
of the rounds. Writes `bench/results.json`.
"""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from deploy.paths import NODE, ROOT
from deploy.vendor import libraries
from devstack.stack.ports import HOST, Ports
from devstack.stack.stack import Stack
from dream.db.usage import ADD
from dream.domain.keys import hash_secret

HERE = Path(__file__).parent
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "5"))
SECONDS = float(os.environ.get("BENCH_SECONDS", "4"))
CONNECTIONS = 4
NO_RATE_LIMIT = 1_000_000_000
PYTHON_COUNT, JAVASCRIPT_COUNT = "minimal Python, same statement", "minimal JavaScript, same statement"
PYTHON_CONSTANT, JAVASCRIPT_CONSTANT = "bare Python", "bare JavaScript"
DATA, HEALTH = "POST /api/data", "GET /health"
# What each of our answers is held against, and the least part of its rate that ours should have.
GOALS = ((DATA, PYTHON_COUNT, 0.7), (DATA, JAVASCRIPT_COUNT, 0.4), (HEALTH, PYTHON_CONSTANT, 0.7))


@dataclass(frozen=True)
class Target:
    """One thing to ask for, again and again."""

    name: str
    port: int
    method: str = "GET"
    path: str = "/"
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Measured:
    """What one target did: requests a second, milliseconds for the median and the 99th percentile."""

    name: str
    rate: float
    median: float
    p99: float


def minimal_worker(name: str, port: int, like: dict[str, Any], values: list[Any]) -> dict[str, Any]:
    """A worker of `bench/workers`, as `workers.mjs` wants it described, over the same bindings as `like`."""
    folder = HERE / "workers" / name
    is_python = name.startswith("python")
    sources = [{"folder": str(folder)}]
    if is_python:
        sources.append({"folder": str(libraries("sign-up")), "prefix": "python_modules"})
    return {
        **like,
        "name": name,
        "port": port,
        "compatibilityFlags": like["compatibilityFlags"] if is_python else [],
        "main": "main.py" if is_python else "main.mjs",
        "sources": sources,
        "vars": {"STATEMENT": str(ADD), "VALUES": json.dumps(values)},
    }


def values_of_statement(project: dict[str, str], user_id: str, now: str) -> list[Any]:
    """What `POST /api/data` binds for a call of this user by secret key, on the plan without a limit."""
    key_hash = hash_secret(project["secretKey"])
    month = f"{now[:7]}-01T00:00:00.000Z", "9999-12-01T00:00:00.000Z"
    minute = int(time.time()) // 60
    caller = [project["publishableKey"], user_id, *month, now, key_hash, "unlimited", None]
    return [*caller, 1, minute, NO_RATE_LIMIT, None]


def load(target: Target, seconds: float) -> dict[str, Any]:
    """Runs the load generator. Raises RuntimeError unless every answer was 200."""
    body = {
        **asdict(target),
        "headers": dict(target.headers),
        "body": "",
        "connections": CONNECTIONS,
        "seconds": seconds,
    }
    command = [NODE, HERE / "load.mjs", json.dumps(body)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    result = json.loads(done.stdout)
    if set(result["statuses"]) != {"200"}:
        raise RuntimeError(f"{target.name} answered {result['statuses']}")
    return result


def measure(targets: list[Target]) -> list[Measured]:
    for target in targets:
        load(target, 1.5)
    rounds: dict[str, list[dict[str, Any]]] = {target.name: [] for target in targets}
    for number in range(1, ROUNDS + 1):
        for target in targets:
            result = load(target, SECONDS)
            rounds[target.name].append(result)
            print(f"  round {number}/{ROUNDS}  {target.name:<36} {result['rate']:8.0f}/s", flush=True)
    return [
        Measured(name, *(statistics.median(each[key] for each in results) for key in ("rate", "median", "p99")))
        for name, results in rounds.items()
    ]


def report(found: list[Measured]) -> dict[str, Any]:
    """Prints the table and returns it as what `results.json` holds."""
    rates = {each.name: each.rate for each in found}
    print(f"\n{'':<36} {'requests/s':>10} {'median ms':>10} {'p99 ms':>8}")
    for each in found:
        print(f"{each.name:<36} {each.rate:10.0f} {each.median:10.2f} {each.p99:8.2f}")
    print()
    ratios: list[dict[str, Any]] = []
    for ours, theirs, goal in GOALS:
        ratio = rates[ours] / rates[theirs]
        ratios.append({"of": ours, "to": theirs, "ratio": round(ratio, 3), "goal": goal, "reached": ratio >= goal})
        print(f"{ours} / {theirs}: {ratio:.2f} (goal {goal}{'' if ratio >= goal else ', MISSED'})")
    return {
        "measuredAt": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "machine": f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}",
        "connections": CONNECTIONS,
        "rounds": ROUNDS,
        "secondsPerRound": SECONDS,
        "results": [
            {
                "name": each.name,
                "requestsPerSecond": round(each.rate),
                "medianMs": round(each.median, 2),
                "p99Ms": round(each.p99, 2),
            }
            for each in found
        ],
        "ratios": ratios,
    }


def main() -> int:
    ports, more = Ports.free(), Ports.free()
    with tempfile.TemporaryDirectory() as folder:
        stack = Stack(
            Path(folder),
            ports,
            rate_limit_per_minute=NO_RATE_LIMIT,
            debug_round_trips=False,
            frontend=False,
            test_routes=False,
            say=lambda text: print(f"  {text}", flush=True),
        )
        places = {
            "python-count": more.api_multi,
            "javascript-count": more.oauth_api,
            "python-constant": more.sign_up,
            "javascript-constant": more.frontend,
        }

        def extra_workers() -> list[dict[str, Any]]:
            like = stack.configuration.worker("api-multi")
            now = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime())
            values = values_of_statement(stack.state["demo"]["saas"], "user_minimal", now)
            return [minimal_worker(name, port, like, values) for name, port in places.items()]

        stack.extra_workers = extra_workers
        stack.start()
        try:
            headers = (
                ("Authorization", f"Bearer {stack.state['demo']['saas']['secretKey']}"),
                ("X-User-Id", "user_bench"),
                ("X-User-Plan", "unlimited"),
            )
            targets = [
                Target(DATA, ports.api_multi, "POST", "/api/data", headers),
                Target(PYTHON_COUNT, places["python-count"], "POST"),
                Target(JAVASCRIPT_COUNT, places["javascript-count"], "POST"),
                Target(HEALTH, ports.api_multi, "GET", "/health"),
                Target(PYTHON_CONSTANT, places["python-constant"]),
                Target(JAVASCRIPT_CONSTANT, places["javascript-constant"]),
            ]
            print(f"\n{CONNECTIONS} connections, {ROUNDS} rounds of {SECONDS:g} s, straight at workerd on {HOST}\n")
            results = report(measure(targets))
        finally:
            stack.stop()
    file = HERE / "results.json"
    file.write_text(json.dumps(results, indent=2) + "\n")
    print(f"\nwritten to {file.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
