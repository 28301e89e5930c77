"""Cold starts: a new process that imports a function, compared with one that imports boto3."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from functools import partial

from bench.measure import PartResult, Target, Turns, timed
from bench.sizes import Size
from local_cloud.function_environment import FUNCTION_INTERPRETER, ensure_environment
from local_cloud.state import PROJECT_ROOT

ROUNDS = {Size.TINY: 2, Size.QUICK: 15, Size.FULL: 30}
BOTO3 = "import boto3"
LIMITS = {"load": 2.2, "record": 1.1, "query": 1.1}
"""The most that importing a function may take, as a multiple of importing boto3."""


def measure(size: Size, report: Callable[[str], None]) -> PartResult:
    ensure_environment(report)
    cases = {BOTO3: partial(_import, "boto3"), "no import": partial(_import, "sys")} | {
        name: partial(_import, f"handlers.{name}") for name in LIMITS
    }
    turns = Turns(cases, ROUNDS[size]).run()
    targets = [
        Target(f"{name} / {BOTO3}", turns.ratio(name, BOTO3), limit)
        for name, limit in LIMITS.items()
    ]
    note = (
        "Whole processes on the functions' interpreter, with only the packages of the layer and "
        "with compiled files. The warm-up round fills the file cache."
    )
    return PartResult(list(turns.series("start, import, end")), targets, [note])


def _import(module: str) -> float:
    """Return the seconds of a process that imports the module."""
    environment = {"PATH": os.defpath, "PYTHONPATH": str(PROJECT_ROOT)}
    command = [str(FUNCTION_INTERPRETER), "-c", f"import {module}"]
    return timed(lambda: subprocess.run(command, env=environment, check=True))
