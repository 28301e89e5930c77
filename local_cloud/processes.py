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
from collections.abc import Callable, Iterator, Mapping, Sequence
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
        return cls(
            name=str(value["name"]), pid=int(value["pid"]), created_at=float(value["created_at"])
        )

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass
class Child:
    """A process started here. `stdin` is held open on purpose: the child may watch it to notice that we are gone."""

    record: ProcessRecord
    popen: subprocess.Popen[bytes] = field(repr=False)

    def exit_code(self) -> int | None:
        return self.popen.poll()

    def leave_running(self) -> None:
        """It is no longer ours to wait for; a later command finds it by its record."""
        self.popen.returncode = 0

    def forget(self) -> None:
        """After it has ended: take its exit code and close its pipe."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.popen.wait(STOP_SECONDS)
        if self.popen.stdin is not None:
            with contextlib.suppress(OSError):
                self.popen.stdin.close()


def stop_children(children: Sequence[Child]) -> None:
    """Stop them and everything they started; returns when all of it is gone."""
    stop(*(child.record for child in children))
    for child in children:
        child.forget()


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
    except psutil.NoSuchProcess:
        return None
    return process if is_alive(process) else None


def is_running(record: ProcessRecord) -> bool:
    return find(record) is not None


def is_alive(process: psutil.Process) -> bool:
    """A zombie is no longer alive: it only waits for a parent to look, which some containers never do."""
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def stop(*records: ProcessRecord, grace_seconds: float = STOP_SECONDS) -> None:
    """SIGTERM to the processes, SIGKILL after the grace to what is left of their sessions. Nothing to do is no error."""
    leaders = [leader for leader in map(find, records) if leader is not None]
    for leader in leaders:
        with contextlib.suppress(psutil.NoSuchProcess):
            leader.send_signal(signal.SIGTERM)
    wait_until(lambda: not any(map(is_alive, leaders)), grace_seconds)
    _kill_all([member for record in records for member in _session_members(record)])


def _session_members(record: ProcessRecord) -> Iterator[psutil.Process]:
    """Every live process of the record's session.

    The system reuses no pid that still names a session, so members are ours unless the pid itself has a new owner.
    """
    if _has_new_owner(record):
        return
    for process in psutil.process_iter():
        with contextlib.suppress(ProcessLookupError, PermissionError, psutil.NoSuchProcess):
            if os.getsid(process.pid) == record.pid and is_alive(process):
                yield process


def _has_new_owner(record: ProcessRecord) -> bool:
    try:
        created_at = psutil.Process(record.pid).create_time()
    except psutil.NoSuchProcess:
        return False
    return bool(abs(created_at - record.created_at) > CLOCK_TOLERANCE_SECONDS)


def kill_those_working_on(folder: Path, program: str) -> None:
    """SIGKILL to every process of the program that was given a path below the folder as an argument."""
    _kill_all(
        [process for process in psutil.process_iter() if is_working_on(process, folder, program)]
    )


def is_working_on(process: psutil.Process, folder: Path, program: str) -> bool:
    """Whether it is a process of the program with an argument that lies below the folder."""
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
    """Whether the condition came true within the time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(interval_seconds)
    return True
