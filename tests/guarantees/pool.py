"""A pool of worker processes: each call gets one that is idle, or a new one; those that die are replaced."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from local_cloud.cloud import FUNCTION_INTERPRETER
from local_cloud.state import PROJECT_ROOT

DIED = "Runtime.ExitError"
TIMED_OUT = "Sandbox.Timedout"


@dataclass(frozen=True)
class Answer:
    """What a call came to: a result, or an error as Step Functions sees it. `steps` were counted by a worker that lived."""

    result: Any = None
    error: str | None = None
    cause: str = ""
    steps: int = 0


@dataclass
class Worker:
    """One process, by its connection."""

    connection: socket.socket
    stream: Any
    pid: int

    def close(self) -> None:
        self.stream.close()
        self.connection.close()

    def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        self.close()


class Nursery:
    """The process whose forks the workers are."""

    def __init__(self, folder: Path) -> None:
        self._control, theirs = socket.socketpair()
        self._lock = threading.Lock()
        self.log = folder / "workers.log"
        with self.log.open("wb") as log, theirs:
            self._process = subprocess.Popen(
                [FUNCTION_INTERPRETER, "-m", "tests.guarantees.worker", str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=[theirs.fileno()],
                env={
                    "PATH": os.environ["PATH"],
                    "HOME": str(folder),
                    "PYTHONPATH": str(PROJECT_ROOT),
                },
            )

    def worker(self, environment: Mapping[str, str]) -> Worker:
        """A new worker with this environment."""
        connection, theirs = socket.socketpair()
        with theirs, self._lock:
            socket.send_fds(self._control, [b"w"], [theirs.fileno()])
        stream = connection.makefile("rw", encoding="utf-8", newline="\n")
        stream.write(json.dumps(dict(environment)) + "\n")
        stream.flush()
        hello = stream.readline()
        assert hello, f"no worker could be made: see {self.log}"
        return Worker(connection, stream, json.loads(hello)["pid"])

    def stop(self) -> None:
        self._control.close()
        self._process.wait(10)


@dataclass
class Pool:
    """At most `size` workers at a time, all with one environment. `deaths` counts the steps at which they were killed."""

    nursery: Nursery
    environment: Mapping[str, str]
    size: int = 3
    seconds: float = 120.0
    deaths: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self._free = threading.Semaphore(self.size)
        self._idle: list[Worker] = []

    def call(self, handler: str, event: Mapping[str, Any], kill_at: int = 0) -> Answer:
        """Runs a handler. A worker that is killed, or that has not answered in `seconds`, gives the runtime's error."""
        with self._free:
            worker = self._idle.pop() if self._idle else self.nursery.worker(self.environment)
            worker.connection.settimeout(self.seconds)
            request = {
                "handler": handler,
                "event": event,
                "seconds": self.seconds,
                "kill_at": kill_at,
            }
            try:
                worker.stream.write(json.dumps(request) + "\n")
                worker.stream.flush()
                answer = json.loads(worker.stream.readline() or "{}")
            except TimeoutError:
                worker.kill()
                return Answer(
                    error=TIMED_OUT, cause=_cause(f"Task timed out after {self.seconds} seconds")
                )
            return self._settle(worker, answer)

    def _settle(self, worker: Worker, answer: dict[str, Any]) -> Answer:
        if "steps" in answer:
            self._idle.append(worker)
            return Answer(
                answer.get("result"), answer.get("error"), answer.get("cause", ""), answer["steps"]
            )
        self.deaths[answer.get("killed", "unknown")] += 1
        worker.close()
        return Answer(error=DIED, cause=_cause("Runtime exited with error: signal: killed"))

    def stop(self) -> None:
        for worker in self._idle:
            worker.close()
        self._idle.clear()


def _cause(message: str) -> str:
    return json.dumps({"errorMessage": message})


@contextmanager
def pool(nursery: Nursery, environment: Mapping[str, str], **options: Any) -> Iterator[Pool]:
    """A pool for as long as the block lasts."""
    made = Pool(nursery, environment, **options)
    try:
        yield made
    finally:
        made.stop()
