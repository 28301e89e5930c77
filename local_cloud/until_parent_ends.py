"""Run a program and end it when standard input closes: `python -P until_parent_ends.py FILE`.

Standard input is a pipe that the parent holds open. It closes when the parent ends, also when it is
killed, so a killed test run leaves no server behind. This is run as a file so that the module's
import path does not contain the project.
"""

from __future__ import annotations

import os
import runpy
import signal
import sys
import threading
import time

GRACE_SECONDS = 5.0


def _end_with_parent() -> None:
    while os.read(0, 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE_SECONDS)
    os._exit(1)


def main() -> None:
    program = sys.argv[1]
    sys.argv = sys.argv[1:]
    threading.Thread(target=_end_with_parent, daemon=True, name="end-with-parent").start()
    runpy.run_path(program, run_name="__main__")


if __name__ == "__main__":
    main()
