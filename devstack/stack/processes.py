"""Owns how processes of a stack are found and ended, also those that a killed program left behind."""

from __future__ import annotations

import os
from contextlib import suppress

import psutil

STOP_SECONDS = 10.0


def command_of(pid: int) -> list[str]:
    """The command line of a running process, empty when it has ended."""
    try:
        process = psutil.Process(pid)
        return [] if process.status() == psutil.STATUS_ZOMBIE else process.cmdline()
    except psutil.Error:
        return []


def end_group(group: int) -> None:
    """Ends every process of a process group: asks first, kills what is still there after `STOP_SECONDS`."""
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
