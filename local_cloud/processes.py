"""Child processes that outlive a command, and how a later command finds and stops them.

A process is identified by its pid and its creation time, so a pid that the system has reused is
never signalled. Each child leads its own session. Stopping it therefore also stops its descendants,
including orphaned ones.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any

import psutil

CLOCK_TOLERANCE_SECONDS = 0.05
STOP_SECONDS = 5.0


@dataclass(frozen=True)
class ProcessRecord:
    """Identifies a process across commands. The state file contains one per process."""

    name: str
    pid: int
    created_at: float

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> ProcessRecord:
        return cls(
            name=str(value["name"]), pid=int(value["pid"]), created_at=float(value["created_at"])
        )

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass
class Child:
    """A process started here.

    Its stdin stays open so that the child can notice when this process ends.
    """

    record: ProcessRecord
    popen: subprocess.Popen[bytes] = field(repr=False)

    def exit_code(self) -> int | None:
        return self.popen.poll()

    def leave_running(self) -> None:
        """Stop waiting for the process. A later command finds it by its record."""
        self.popen.returncode = 0

    def release(self) -> None:
        """Collect the exit code of an ended process and close its pipe."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.popen.wait(STOP_SECONDS)
        if self.popen.stdin is not None:
            with contextlib.suppress(OSError):
                self.popen.stdin.close()


def stop_children(children: Sequence[Child]) -> None:
    """Stop the children and all their descendants, and return when they have ended."""
    stop(*(child.record for child in children))
    for child in children:
        child.release()


def start(
    name: str,
    command: Sequence[str],
    *,
    environment: Mapping[str, str],
    log_file: Path,
    working_directory: Path,
    stdin: int | IO[bytes] = subprocess.DEVNULL,
) -> Child:
    """Start a command in its own session and append its output to `log_file`. Raises OSError."""
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
    except psutil.NoSuchProcess:  # already ended: exit_code() reports it
        return 0.0


def find(record: ProcessRecord) -> psutil.Process | None:
    """Return the live process of the record, or None when it has ended or its pid was reused."""
    try:
        process = psutil.Process(record.pid)
        if abs(process.create_time() - record.created_at) > CLOCK_TOLERANCE_SECONDS:
            return None
    except psutil.NoSuchProcess:
        return None
    return process if is_alive(process) else None


def is_running(record: ProcessRecord) -> bool:
    return find(record) is not None


def is_alive(process: psutil.Process) -> bool:
    """Return whether the process runs.

    A zombie does not: it waits for its parent, which in some containers never reaps it.
    """
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def stop(*records: ProcessRecord, grace_seconds: float = STOP_SECONDS) -> None:
    """Send SIGTERM, and SIGKILL after the grace period to what is left of their sessions.

    Ended processes are ignored.
    """
    leaders = [leader for leader in map(find, records) if leader is not None]
    for leader in leaders:
        with contextlib.suppress(psutil.NoSuchProcess):
            leader.send_signal(signal.SIGTERM)
    wait_until(lambda: not any(map(is_alive, leaders)), grace_seconds)
    _kill_all([member for record in records for member in _session_members(record)])


def _session_members(record: ProcessRecord) -> Iterator[psutil.Process]:
    """Yield the live processes of the record's session.

    The system does not reuse a pid while it identifies a session, so the members are ours unless
    the pid itself was reused.
    """
    if _was_reused(record):
        return
    for process in psutil.process_iter():
        with contextlib.suppress(ProcessLookupError, PermissionError, psutil.NoSuchProcess):
            if os.getsid(process.pid) == record.pid and is_alive(process):
                yield process


def _was_reused(record: ProcessRecord) -> bool:
    try:
        created_at = psutil.Process(record.pid).create_time()
    except psutil.NoSuchProcess:
        return False
    return bool(abs(created_at - record.created_at) > CLOCK_TOLERANCE_SECONDS)


def kill_processes_using(folder: Path, program: str) -> None:
    """Send SIGKILL to the processes of the program with a path below the folder as an argument."""
    _kill_all([process for process in psutil.process_iter() if is_using(process, folder, program)])


def is_using(process: psutil.Process, folder: Path, program: str) -> bool:
    """Return whether the process runs the program and has an argument below the folder."""
    try:
        command = process.cmdline()
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return False
    is_program = bool(command) and Path(command[0]).name == program
    return is_program and any(Path(argument).is_relative_to(folder) for argument in command[1:])


def _kill_all(processes: Sequence[psutil.Process]) -> None:
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            process.kill()
    wait_until(lambda: not any(map(is_alive, processes)), STOP_SECONDS)


def wait_until(
    condition: Callable[[], bool], seconds: float, interval_seconds: float = 0.05
) -> bool:
    """Wait for the condition and return whether it became true in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(interval_seconds)
    return True
