"""A worker process: it runs the functions' handlers, one call after another, and can be killed at any of their steps.

`python -m tests.guarantees.worker_process DESCRIPTOR` is the fork server. It imports the handlers
once and forks a worker for each socket that it receives over the socket of that descriptor. A
worker reads lines of JSON from its socket: first the environment, then calls. Workers end when
their socket closes, and so does the fork server. It runs on the functions' own Python, so it
imports only what the functions may import.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any, TextIO

import botocore.client
import botocore.retries.standard
import sqlalchemy as sa
from sqlalchemy.engine.default import DefaultDialect

from etl_core.adapters.aws_clients import session

HANDLERS = ("handlers.load", "handlers.record", "handlers.long_copy")


class Steps:
    """Counts the calls of the handlers to AWS and the warehouse.

    At a chosen count the process kills itself.
    """

    def __init__(self, output: TextIO) -> None:
        self._output, self.count, self.kill_at = output, 0, 0

    def begin(self, kill_at: int) -> None:
        """Start the count for the next call. 0: the process is not killed."""
        self.count, self.kill_at = 0, kill_at

    def passed(self, name: str) -> None:
        """Count one step, which is about to happen or has just happened."""
        self.count += 1
        if self.count == self.kill_at:
            write_line(self._output, {"killed": name})
            os.kill(os.getpid(), signal.SIGKILL)

    def watch(self) -> None:
        """Count a step before and after every statement, commit and rollback, every connection, and
        every call to AWS.
        """
        sa.event.listen(
            sa.Engine, "before_cursor_execute", lambda *of: self.passed(f"before {_word(of[2])}")
        )
        sa.event.listen(
            sa.Engine, "after_cursor_execute", lambda *of: self.passed(f"after {_word(of[2])}")
        )
        sa.event.listen(sa.pool.Pool, "connect", lambda *_: self.passed("after CONNECT"))
        self._wrap(DefaultDialect, "do_commit", lambda *_: "COMMIT")
        self._wrap(DefaultDialect, "do_rollback", lambda *_: "ROLLBACK")
        self._wrap(
            botocore.client.BaseClient, "_make_api_call", lambda _, operation, *__: operation
        )

    def _wrap(self, owner: type, name: str, label: Callable[..., str]) -> None:
        original = getattr(owner, name)

        def counted(*arguments: Any) -> Any:
            self.passed(f"before {label(*arguments)}")
            result = original(*arguments)
            self.passed(f"after {label(*arguments)}")
            return result

        setattr(owner, name, counted)


def _word(statement: str) -> str:
    return (
        " ".join(statement.split(maxsplit=2)[:2])
        if statement.startswith(("CREATE", "ALTER"))
        else statement.split()[0]
    )


class Context:
    """Lambda's context object with the time limit of the call."""

    def __init__(self, seconds: float) -> None:
        self._deadline = time.monotonic() + seconds

    def get_remaining_time_in_millis(self) -> int:
        return max(0, int((self._deadline - time.monotonic()) * 1000))


def write_line(output: TextIO, line: Mapping[str, Any]) -> None:
    """Write one line of JSON."""
    output.write(json.dumps(line) + "\n")
    output.flush()


def call(request: Mapping[str, Any]) -> dict[str, Any]:
    """Call a handler and return its result, or its exception like the Lambda runtime reports it."""
    module, _, name = request["handler"].rpartition(".")
    handler = getattr(importlib.import_module(module), name)
    try:
        return {"result": handler(request["event"], Context(request["seconds"]))}
    except Exception as error:
        return {"error": type(error).__name__, "cause": json.dumps({"errorMessage": str(error)})}


def serve(connection: socket.socket) -> None:
    """Run one worker until its connection closes."""
    stream = connection.makefile("rw", encoding="utf-8", newline="\n")
    steps = Steps(stream)
    steps.watch()
    os.environ.update(json.loads(stream.readline()))
    # Shorten the SDK's pauses like the state machine's. The handlers set the number of its attempts.
    original = botocore.retries.standard.ExponentialBackoff.delay_amount
    botocore.retries.standard.ExponentialBackoff.delay_amount = lambda *of: 0.01 * original(*of)
    write_line(stream, {"pid": os.getpid()})
    for line in stream:
        request = json.loads(line)
        steps.begin(request["kill_at"])
        result = call(request)
        write_line(stream, result | {"steps": steps.count})


def main() -> None:
    """Import the handlers, then fork a worker per received socket."""
    for name in HANDLERS:
        importlib.import_module(name)
    for service in ("s3", "dynamodb", "secretsmanager", "redshift-data"):
        # The session caches the service models, the slowest part of creating a client. No
        # connection is opened.
        session().create_client(service, region_name="us-east-1")
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    control = socket.socket(fileno=int(sys.argv[1]))
    while True:
        _, descriptors, _, _ = socket.recv_fds(control, 1, 1)
        if not descriptors:
            return
        with socket.socket(fileno=descriptors[0]) as connection:
            if os.fork() == 0:
                control.close()
                serve(connection)
                os._exit(0)


if __name__ == "__main__":
    main()
