"""The client of the Lambda Runtime API, against a server as in the Lambda developer guide."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Queue
from typing import Any

import pytest

from local_cloud import bootstrap

FUNCTION = """
class LockConflictError(Exception):
    pass

def handler(event, context):
    if event == "conflict":
        raise LockConflictError("another writer holds the lock")
    if event == "set":
        return {1, 2}
    left = context.get_remaining_time_in_millis()
    return {"event": event, "request": context.aws_request_id, "in_time": 0 < left <= 5000}
"""


class RuntimeApiServer(ThreadingHTTPServer):
    """Sends the test's events and collects what the function posts."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.events: Queue[Any] = Queue()
        self.posts: Queue[tuple[str, Any]] = Queue()


class _Handler(BaseHTTPRequestHandler):
    server: RuntimeApiServer
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        event = self.server.events.get()
        body = json.dumps(event).encode()
        self.send_response(500 if event == "stop" else 200)
        self.send_header("Lambda-Runtime-Aws-Request-Id", "request-1")
        self.send_header("Lambda-Runtime-Deadline-Ms", str(int(time.time() * 1000) + 5000))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.posts.put((self.path.removeprefix("/2018-06-01/runtime/"), json.loads(body)))
        self.send_response(202)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[RuntimeApiServer]:
    with RuntimeApiServer() as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def run(
    server: RuntimeApiServer, folder: Path, *events: Any, handler: str = "function.handler"
) -> int:
    """Run the bootstrap as Lambda does and return its exit code."""
    (folder / "function.py").write_text(FUNCTION)
    for event in (*events, "stop"):
        server.events.put(event)
    environment = {
        **os.environ,
        "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{server.server_address[1]}",
        "_HANDLER": handler,
        "PYTHONPATH": str(folder),
    }
    finished = subprocess.run(
        [sys.executable, str(bootstrap.__file__)],
        env=environment,
        timeout=30,
        capture_output=True,
        check=False,
    )
    return finished.returncode


def test_a_result_is_posted_as_the_response_and_the_next_event_is_requested(server, tmp_path):
    assert run(server, tmp_path, {"n": 1}, {"n": 2}) == 0
    answers = [server.posts.get_nowait() for _ in range(2)]
    assert [path for path, _ in answers] == ["invocation/request-1/response"] * 2
    assert answers[1][1] == {"event": {"n": 2}, "request": "request-1", "in_time": True}


def test_an_exception_is_reported_with_its_class_name_and_the_function_continues(server, tmp_path):
    run(server, tmp_path, "conflict", {"n": 2})
    path, error = server.posts.get_nowait()
    assert path == "invocation/request-1/error"
    assert (error["errorType"], error["errorMessage"]) == (
        "LockConflictError",
        "another writer holds the lock",
    )
    assert any("handler" in line for line in error["stackTrace"])
    assert server.posts.get_nowait()[0].endswith("/response")


def test_an_answer_that_is_not_json_is_an_error(server, tmp_path):
    run(server, tmp_path, "set")
    assert server.posts.get_nowait()[1]["errorType"] == "TypeError"


def test_a_handler_that_cannot_be_imported_is_an_init_error(server, tmp_path):
    assert run(server, tmp_path, handler="nowhere.handler") == 1
    path, error = server.posts.get_nowait()
    assert (path, error["errorType"]) == ("init/error", "Runtime.ImportModuleError")


def test_the_function_ends_when_the_server_is_gone(tmp_path):
    (tmp_path / "function.py").write_text(FUNCTION)
    environment = {
        **os.environ,
        "AWS_LAMBDA_RUNTIME_API": "127.0.0.1:1",
        "_HANDLER": "function.handler",
    }
    environment["PYTHONPATH"] = str(tmp_path)
    finished = subprocess.run(
        [sys.executable, str(bootstrap.__file__)], env=environment, timeout=30, check=False
    )
    assert finished.returncode == 0
