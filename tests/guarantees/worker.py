"""A process that runs the functions' handlers, one call after the other, and can be killed at any of their steps.

`python -m tests.guarantees.worker DESCRIPTOR` is the parent of all workers: it imports what the functions import, once, and forks
for each socket that it is handed through the one of that descriptor. On it go lines of JSON: first the environment, then calls.
Workers end with their sockets, their parent with its own.
It runs on the functions' own interpreter, so it imports nothing but what they may import.
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

import boto3
import botocore.client
import botocore.retries.standard
import sqlalchemy as sa
from sqlalchemy.engine.default import DefaultDialect

HANDLERS = ("handlers.load", "handlers.record")


class Steps:
    """Counts what the handlers do to the outside world; at a chosen count the process kills itself."""

    def __init__(self, answers: TextIO) -> None:
        self._answers, self.count, self.kill_at = answers, 0, 0

    def begin(self, kill_at: int) -> None:
        """For the next call. 0: it lives."""
        self.count, self.kill_at = 0, kill_at

    def passed(self, name: str) -> None:
        """One more step, which is about to be made or was just made."""
        self.count += 1
        if self.count == self.kill_at:
            say(self._answers, {"killed": name})
            os.kill(os.getpid(), signal.SIGKILL)

    def watch(self) -> None:
        """Every statement, commit, rollback and connection, and every call to AWS, is a step before it and one after it."""
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
        whole = getattr(owner, name)

        def stepped(*arguments: Any) -> Any:
            self.passed(f"before {label(*arguments)}")
            answer = whole(*arguments)
            self.passed(f"after {label(*arguments)}")
            return answer

        setattr(owner, name, stepped)


def _word(statement: str) -> str:
    return (
        " ".join(statement.split(maxsplit=2)[:2])
        if statement.startswith(("CREATE", "ALTER"))
        else statement.split()[0]
    )


class Context:
    """Lambda's context, with the seconds that the call was given."""

    def __init__(self, seconds: float) -> None:
        self._deadline = time.monotonic() + seconds

    def get_remaining_time_in_millis(self) -> int:
        return max(0, int((self._deadline - time.monotonic()) * 1000))


def say(answers: TextIO, answer: Mapping[str, Any]) -> None:
    answers.write(json.dumps(answer) + "\n")
    answers.flush()


def call(request: Mapping[str, Any]) -> dict[str, Any]:
    """A handler's result, or its exception as the runtime reports it."""
    module, _, name = request["handler"].rpartition(".")
    handler = getattr(importlib.import_module(module), name)
    try:
        return {"result": handler(request["event"], Context(request["seconds"]))}
    except Exception as error:
        return {"error": type(error).__name__, "cause": json.dumps({"errorMessage": str(error)})}


def serve(connection: socket.socket) -> None:
    """One worker's life."""
    stream = connection.makefile("rw", encoding="utf-8", newline="\n")
    steps = Steps(stream)
    steps.watch()
    os.environ.update(json.loads(stream.readline()))
    # The SDK's own pauses are shortened like those of the state machine; how often it tries is the handlers' choice.
    whole = botocore.retries.standard.ExponentialBackoff.delay_amount
    botocore.retries.standard.ExponentialBackoff.delay_amount = lambda *of: 0.01 * whole(*of)  # type: ignore[method-assign]
    say(stream, {"pid": os.getpid()})
    for line in stream:
        request = json.loads(line)
        steps.begin(request["kill_at"])
        answer = call(request)
        say(stream, answer | {"steps": steps.count})


def main() -> None:
    for name in HANDLERS:
        importlib.import_module(name)
    for service in ("s3", "dynamodb", "secretsmanager"):
        # The session keeps the service models, which are most of a client's making; no connection is opened.
        boto3.client(service, region_name="us-east-1")
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
