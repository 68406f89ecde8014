"""Finds and ends the processes of a stack, also those whose parent was killed."""

from __future__ import annotations

import os
from contextlib import suppress

import psutil

STOP_SECONDS = 10.0


def command_of(pid: int) -> list[str]:
    """The command line of a running process; empty if it has ended."""
    try:
        process = psutil.Process(pid)
        return [] if process.status() == psutil.STATUS_ZOMBIE else process.cmdline()
    except psutil.Error:
        return []


def end_group(group: int) -> None:
    """Ends all processes of a group: sends SIGTERM, then SIGKILL to those that still run after STOP_SECONDS."""
    asked = _of_group(group)
    for process in asked:
        with suppress(psutil.NoSuchProcess):
            process.terminate()
    psutil.wait_procs(asked, timeout=STOP_SECONDS)
    while left := _of_group(group):
        for process in left:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(left, timeout=STOP_SECONDS)


def _of_group(group: int) -> list[psutil.Process]:
    return [process for process in psutil.process_iter() if _is_in(process, group)]


def _is_in(process: psutil.Process, group: int) -> bool:
    try:
        return os.getpgid(process.pid) == group and process.status() != psutil.STATUS_ZOMBIE
    except (psutil.Error, OSError):
        return False
