"""Calls that die half-way: at a checkpoint in this process, or with workerd, which is ended by SIGKILL."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from threading import Thread

import httpx
import pytest

from tests.support.stack import Stack

PATIENCE_SECONDS = 60.0


def kill_at(stack: Stack, worker: str, checkpoint: str, call: Callable[[], httpx.Response]) -> None:
    """Make the call on the in-process stack, and let it die without an answer when it comes to the checkpoint."""
    client, door = stack.http(worker), "/_devstack/checkpoints"
    client.post(door, json={"armed": {checkpoint: "kill"}}).raise_for_status()
    with pytest.raises(httpx.RemoteProtocolError, match=re.escape(checkpoint)):
        call()
    client.post(door, json={"armed": {}}).raise_for_status()


def kill_during(stack: Stack, worker: str, calls: Sequence[tuple[str, Callable[[], httpx.Response]]]) -> None:
    """Make each call, hold it at its checkpoint, then kill workerd under all of them and wait until it is back."""
    client, doors = stack.http(worker), "/_devstack/checkpoints"
    failures: list[str] = []
    threads: list[Thread] = []
    for checkpoint, call in calls:
        client.post(doors, json={"armed": {checkpoint: "hang"}}).raise_for_status()
        thread = Thread(target=_make, args=(checkpoint, call, failures))
        thread.start()
        threads.append(thread)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while checkpoint not in client.get(doors).json()["reached"]:
            assert thread.is_alive(), failures or f"the call never came to {checkpoint}"
            assert time.monotonic() < deadline, f"the call never came to {checkpoint}"
            time.sleep(0.02)
    stack.kill_workers()
    for thread in threads:
        thread.join()
    assert not failures


def _make(checkpoint: str, call: Callable[[], httpx.Response], failures: list[str]) -> None:
    try:
        answer = call()
    except httpx.HTTPError:
        return
    failures.append(f"answered {answer.status_code} instead of dying at {checkpoint}: {answer.text}")
