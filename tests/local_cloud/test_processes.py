"""Starting, finding and stopping processes."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from local_cloud import processes
from local_cloud.processes import Child, ProcessRecord

STUBBORN = (
    "import signal, time; "
    "signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"
)
PARENT_OF_STUBBORN = f"""
import subprocess, sys, time
subprocess.Popen([sys.executable, "-c", {STUBBORN!r}], stdout=subprocess.DEVNULL)
print("up", flush=True)
time.sleep(60)
"""


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "log"


@pytest.fixture
def started(log: Path) -> Iterator[list[Child]]:
    children: list[Child] = []
    yield children
    processes.stop(*(child.record for child in children), grace_seconds=0)
    for child in children:
        child.release()


def start(code: str, log: Path, started: list[Child]) -> Child:
    child = processes.start(
        "test",
        [sys.executable, "-c", code],
        environment=dict(os.environ),
        log_file=log,
        working_directory=log.parent,
    )
    started.append(child)
    assert processes.wait_until(lambda: "up" in log.read_text(), 20)
    return child


def test_a_process_is_found_again_by_its_record(log, started):
    child = start("import time; print('up', flush=True); time.sleep(60)", log, started)
    record = ProcessRecord.from_json(child.record.as_json())
    assert processes.is_running(record)
    processes.stop(record)
    assert not processes.is_running(record)


def test_a_reused_pid_is_never_signalled(log, started):
    child = start("import time; print('up', flush=True); time.sleep(60)", log, started)
    stale = replace(child.record, created_at=child.record.created_at - 100)
    assert not processes.is_running(stale)
    processes.stop(stale)
    assert processes.is_running(child.record)


def test_a_process_that_ignores_sigterm_is_killed_after_the_grace_period(log, started):
    child = start(STUBBORN, log, started)
    processes.stop(child.record, grace_seconds=0.2)
    assert not processes.is_running(child.record)


def test_stopping_a_process_stops_its_descendants(log, started):
    child = start(PARENT_OF_STUBBORN, log, started)
    (grandchild,) = psutil.Process(child.record.pid).children()
    processes.stop(child.record)
    assert not processes.is_alive(grandchild)


def test_descendants_of_a_killed_leader_are_found(log, started):
    child = start(PARENT_OF_STUBBORN, log, started)
    (grandchild,) = psutil.Process(child.record.pid).children()
    child.popen.kill()
    child.popen.wait()
    processes.stop(child.record)
    assert not processes.is_alive(grandchild)


def test_stopping_an_ended_process_is_not_an_error(log, started):
    child = start("print('up')", log, started)
    child.popen.wait()
    processes.stop(child.record)


def test_until_parent_ends_stops_the_program_when_the_pipe_closes(tmp_path):
    sleeper = tmp_path / "sleeper.py"
    sleeper.write_text("import time\nprint('up', flush=True)\ntime.sleep(60)\n")
    script = processes.__file__.replace("processes.py", "until_parent_ends.py")
    with subprocess.Popen(
        [sys.executable, "-P", script, str(sleeper)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as child:
        assert child.stdout is not None
        assert child.stdin is not None
        assert child.stdout.readline() == b"up\n"
        began = time.monotonic()
        child.stdin.close()
        child.wait(10)
        assert time.monotonic() - began < 3
