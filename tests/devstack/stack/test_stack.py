"""The stack starts all services, survives a killed workerd, and ends all its processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from deploy.paths import ROOT, WORKERS
from devstack.stack.log import Log
from devstack.stack.service import Service
from devstack.stack.stack import Stack


@pytest.mark.parametrize("worker", WORKERS)
def test_each_worker_answers_on_its_own_port(stack: Stack, worker: str) -> None:
    answer = httpx.get(f"{stack.url(worker)}/health?deep=1", timeout=30).json()
    assert answer["worker"] == worker
    assert set(answer["checks"].values()) == {"ok"}


def test_the_migrations_are_in_the_database_that_the_workers_use(stack: Stack) -> None:
    names = [row["name"] for row in stack.d1("SELECT name FROM d1_migrations ORDER BY id")]
    assert names == sorted(path.name for path in (ROOT / "migrations").glob("*.sql"))


def test_stored_data_survive_a_killed_workerd(stack: Stack) -> None:
    secret_key = stack.state["demo"]["saas"]["secretKey"]
    headers = {"Authorization": f"Bearer {secret_key}", "X-User-Id": "user_of_a_killed_runtime"}

    def count() -> int:
        answer = httpx.post(f"{stack.url('api-multi')}/api/data", headers=headers, timeout=30)
        return answer.json()["usage"]["count"]

    assert count() == 1
    before = stack.workers_status()["pid"]
    stack.kill_workers()
    assert stack.workers_status()["pid"] != before
    assert count() == 2


def test_a_restart_does_not_reset_a_moved_clock(stack: Stack) -> None:
    clock = f"{stack.url('stripe')}/_devstack/clock"
    httpx.post(clock, json={"advanceSeconds": 3600}, timeout=30).raise_for_status()
    try:
        stack.restart_workers()
        moved = httpx.get(f"{stack.url('sign-up')}/_devstack/clock", timeout=30).json()
        assert moved["offsetSeconds"] == 3600
    finally:
        httpx.post(clock, json={"reset": True}, timeout=30).raise_for_status()


def test_only_the_local_entry_has_local_routes() -> None:
    sources = [*ROOT.glob("workers/*/src/**/*.py"), *ROOT.glob("shared/dream/**/*.py")]
    assert not [path for path in sources if "_devstack" in path.read_text(encoding="utf-8")]


def test_stopping_a_service_ends_its_child_processes_too(tmp_path: Path) -> None:
    script = "import subprocess, time; print(subprocess.Popen(['sleep', '600']).pid, flush=True); time.sleep(600)"
    log = Log(tmp_path / "log")
    service = Service("family", [sys.executable, "-c", script], log)
    child = int(_first_line(log.path).rpartition("| ")[2])
    service.stop()
    log.close()
    for pid in (service.pid, child):
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_a_tethered_service_ends_when_its_parent_ends(tmp_path: Path) -> None:
    module = tmp_path / "forever.py"
    module.write_text("import time\nprint('started', flush=True)\ntime.sleep(600)\n")
    process = subprocess.Popen(
        [sys.executable, "-m", "devstack.stack.tethered", "forever"],
        env={**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{tmp_path}"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdin and process.stdout
    assert process.stdout.readline() == b"started\n"
    process.stdin.close()
    assert process.wait(timeout=10) == -signal.SIGTERM
    process.stdout.close()


def _first_line(file: Path) -> str:
    deadline = time.monotonic() + 10
    while not (text := file.read_text()).endswith("\n"):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return text.splitlines()[0]
