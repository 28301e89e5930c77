"""A pool of worker processes.

A call runs in an idle worker or in a new one; killed workers are replaced.
"""

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
class CallResult:
    """The result of a call, or its error as Step Functions sees it.

    `steps` is 0 if the worker was killed.
    """

    result: Any = None
    error: str | None = None
    cause: str = ""
    steps: int = 0


@dataclass
class Worker:
    """One worker process and the connection to it."""

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


class ForkServer:
    """The process that forks the workers."""

    def __init__(self, folder: Path) -> None:
        self._control, theirs = socket.socketpair()
        self._lock = threading.Lock()
        self.log = folder / "workers.log"
        with self.log.open("wb") as log, theirs:
            self._process = subprocess.Popen(
                [
                    FUNCTION_INTERPRETER,
                    "-m",
                    "tests.guarantees.worker_process",
                    str(theirs.fileno()),
                ],
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
        """Fork a new worker with this environment."""
        connection, theirs = socket.socketpair()
        with theirs, self._lock:
            socket.send_fds(self._control, [b"w"], [theirs.fileno()])
        stream = connection.makefile("rw", encoding="utf-8", newline="\n")
        stream.write(json.dumps(dict(environment)) + "\n")
        stream.flush()
        greeting = stream.readline()
        assert greeting, f"no worker could be started: see {self.log}"
        return Worker(connection, stream, json.loads(greeting)["pid"])

    def stop(self) -> None:
        self._control.close()
        self._process.wait(10)


@dataclass
class WorkerPool:
    """At most `size` workers at a time, all with one environment.

    `kills_by_step` counts the steps at which they were killed.
    """

    fork_server: ForkServer
    environment: Mapping[str, str]
    size: int = 3
    seconds: float = 120.0
    kills_by_step: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self._free = threading.Semaphore(self.size)
        self._idle: list[Worker] = []

    def call(self, handler: str, event: Mapping[str, Any], kill_at: int = 0) -> CallResult:
        """Run a handler.

        If the worker is killed or does not respond within `seconds`, return the error of the Lambda
        runtime.
        """
        with self._free:
            worker = self._idle.pop() if self._idle else self.fork_server.worker(self.environment)
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
                response = json.loads(worker.stream.readline() or "{}")
            except TimeoutError:
                worker.kill()
                return CallResult(
                    error=TIMED_OUT, cause=_cause(f"Task timed out after {self.seconds} seconds")
                )
            return self._result(worker, response)

    def _result(self, worker: Worker, response: dict[str, Any]) -> CallResult:
        if "steps" in response:
            self._idle.append(worker)
            return CallResult(
                response.get("result"),
                response.get("error"),
                response.get("cause", ""),
                response["steps"],
            )
        self.kills_by_step[response.get("killed", "unknown")] += 1
        worker.close()
        return CallResult(error=DIED, cause=_cause("Runtime exited with error: signal: killed"))

    def stop(self) -> None:
        for worker in self._idle:
            worker.close()
        self._idle.clear()


def _cause(message: str) -> str:
    return json.dumps({"errorMessage": message})


@contextmanager
def worker_pool(
    fork_server: ForkServer, environment: Mapping[str, str], **options: Any
) -> Iterator[WorkerPool]:
    """Return a pool that is stopped when the block ends."""
    workers = WorkerPool(fork_server, environment, **options)
    try:
        yield workers
    finally:
        workers.stop()
