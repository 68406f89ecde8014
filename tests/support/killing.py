"""Ends requests half-way: workerd dies by SIGKILL under calls that are held at checkpoints, or one request dies in process."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from threading import Thread

import httpx
import pytest

from tests.support.in_process.stack import InProcessStack
from tests.support.stack import Stack
from tests.support.waiting import eventually


def kill_during(stack: Stack, worker: str, calls: Sequence[tuple[str, Callable[[], httpx.Response]]]) -> None:
    """Makes each call, holds it at its checkpoint, kills workerd under all of them, and waits until it runs again."""
    kill_workers_during(stack, [(worker, checkpoint, call) for checkpoint, call in calls])


def kill_workers_during(stack: Stack, calls: Sequence[tuple[str, str, Callable[[], httpx.Response]]]) -> None:
    """The same for calls of several workers: each is a worker, a checkpoint and the call. Workerd dies once."""
    doors = "/_devstack/checkpoints"
    failures: list[str] = []
    threads: list[Thread] = []
    for worker, checkpoint, call in calls:
        client = stack.http(worker)
        client.post(doors, json={"armed": {checkpoint: "hang"}}).raise_for_status()
        thread = Thread(target=_make, args=(checkpoint, call, failures))
        thread.start()
        threads.append(thread)
        eventually(partial(_is_reached, client, checkpoint, thread, failures), f"a call held at {checkpoint}")
    stack.kill_workers()
    for thread in threads:
        thread.join()
    assert not failures


def _is_reached(client: httpx.Client, checkpoint: str, thread: Thread, failures: list[str]) -> bool:
    reached: list[str] = client.get("/_devstack/checkpoints").json()["reached"]
    assert checkpoint in reached or thread.is_alive(), failures or f"the call ended before {checkpoint}"
    return checkpoint in reached


def _make(checkpoint: str, call: Callable[[], httpx.Response], failures: list[str]) -> None:
    try:
        answer = call()
    except httpx.HTTPError:
        return
    failures.append(f"answered {answer.status_code} instead of dying at {checkpoint}: {answer.text}")


def die_at(stack: InProcessStack, worker: str, checkpoint: str, call: Callable[[], object]) -> None:
    """Makes a call, which dies at the checkpoint. Then all workers lose their other work and their memory."""
    client, doors = stack.http(worker), "/_devstack/checkpoints"
    client.post(doors, json={"armed": {checkpoint: "kill"}}).raise_for_status()
    with pytest.raises(httpx.RemoteProtocolError, match=checkpoint):
        call()
    stack.kill_workers()
