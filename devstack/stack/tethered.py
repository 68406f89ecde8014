"""`python -m devstack.stack.tethered MODULE ARGUMENTS...` runs a module until its parent process ends.

The parent (a stack) holds the other end of this process's standard input. When the parent ends, even if it is killed, the
input ends too. This process then sends itself SIGTERM.
"""

from __future__ import annotations

import os
import runpy
import signal
import sys
import threading


def _wait_for_the_end_of_input() -> None:
    while os.read(sys.stdin.fileno(), 1024):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    module = sys.argv[1]
    sys.argv = sys.argv[1:]
    threading.Thread(target=_wait_for_the_end_of_input, daemon=True).start()
    runpy.run_module(module, run_name="__main__", alter_sys=True)
