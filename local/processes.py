"""Child processes that outlive a command and are found again by a later one.

A process is known by its pid and its creation time: a pid that the system has given to someone else is never signalled.
Each child leads a session of its own, so that stopping it takes its descendants along, also those it left behind.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any

import psutil

CLOCK_TOLERANCE_SECONDS = 0.05
STOP_SECONDS = 5.0


@dataclass(frozen=True)
class ProcessRecord:
    """What it takes to find a process again: goes into the state file."""

    name: str
    pid: int
    created_at: float

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> ProcessRecord:
        return cls(name=str(value["name"]), pid=int(value["pid"]), created_at=float(value["created_at"]))

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass
class Child:
    """A process started here. `stdin` is held open on purpose: the child may watch it to notice that we are gone."""

    record: ProcessRecord
    popen: subprocess.Popen[bytes] = field(repr=False)

    def exit_code(self) -> int | None:
        return self.popen.poll()

    def stop(self) -> None:
        """Stop it and everything it started; returns when all of them are gone."""
        stop(self.record)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.popen.wait(STOP_SECONDS)
        for stream in (self.popen.stdin, self.popen.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()


def start(
    name: str,
    command: Sequence[str],
    *,
    environment: Mapping[str, str],
    log_file: Path,
    working_directory: Path,
    stdin: int | IO[bytes] = subprocess.DEVNULL,
) -> Child:
    """Start a command as the leader of its own session, its output appended to `log_file`. Raises OSError."""
    with log_file.open("ab") as log:
        popen = subprocess.Popen(
            list(command),
            env=dict(environment),
            cwd=working_directory,
            stdin=stdin,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    return Child(ProcessRecord(name, popen.pid, _created_at(popen.pid)), popen)


def _created_at(pid: int) -> float:
    try:
        return float(psutil.Process(pid).create_time())
    except psutil.NoSuchProcess:  # it has ended already: the caller learns it from exit_code()
        return 0.0


def find(record: ProcessRecord) -> psutil.Process | None:
    """The live process of the record; None when it has ended, or when its pid belongs to another process by now."""
    try:
        process = psutil.Process(record.pid)
        if abs(process.create_time() - record.created_at) > CLOCK_TOLERANCE_SECONDS:
            return None
        return None if process.status() == psutil.STATUS_ZOMBIE else process
    except psutil.NoSuchProcess:
        return None


def is_running(record: ProcessRecord) -> bool:
    return find(record) is not None


def stop(record: ProcessRecord, grace_seconds: float = STOP_SECONDS) -> None:
    """SIGTERM to the process, SIGKILL after the grace to what is left of its session. Nothing to do is no error."""
    leader = find(record)
    if leader is not None:
        with contextlib.suppress(psutil.NoSuchProcess):
            leader.send_signal(signal.SIGTERM)
            _wait_for_end(leader, grace_seconds)
    _kill_all(list(_session_members(record)))


def _wait_for_end(process: psutil.Process, seconds: float) -> None:
    with contextlib.suppress(psutil.TimeoutExpired):
        process.wait(seconds)


def _session_members(record: ProcessRecord) -> Iterator[psutil.Process]:
    """Every process of the record's session.

    The system reuses no pid that still names a session, so members are ours unless the pid itself has a new owner.
    """
    if psutil.pid_exists(record.pid) and find(record) is None and not _is_zombie(record.pid):
        return
    for process in psutil.process_iter():
        with contextlib.suppress(ProcessLookupError, PermissionError, psutil.NoSuchProcess):
            if os.getsid(process.pid) == record.pid:
                yield process


def _is_zombie(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def _kill_all(processes: Sequence[psutil.Process]) -> None:
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            process.kill()
    psutil.wait_procs(processes, timeout=STOP_SECONDS)


def wait_until(condition: Any, seconds: float, interval_seconds: float = 0.05) -> bool:
    """Whether the condition came true within the time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(interval_seconds)
    return True
