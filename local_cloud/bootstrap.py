"""Client of the Lambda Runtime API for functions declared as `provided.al2023`.

It does what AWS's Python runtime does.

It is added to each function's archive and runs on the functions' interpreter, so it imports the
standard library only. The error type that it reports is exactly the exception's class name: the
state machine's retries depend on it. Source: Lambda developer guide, "Using the Lambda runtime API
for custom runtimes".
"""

from __future__ import annotations

import http.client
import importlib
import json
import os
import socket
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from typing import Any

RUNTIME = "/2018-06-01/runtime"
QUICK_ACK = getattr(socket, "TCP_QUICKACK", None)  # Linux only

Handler = Callable[[Any, "Context"], Any]


class Context:
    """The second argument of a handler. The attribute names are AWS's."""

    def __init__(self, headers: http.client.HTTPMessage, environment: Mapping[str, str]) -> None:
        self.aws_request_id = headers.get("Lambda-Runtime-Aws-Request-Id", "")
        self.invoked_function_arn = headers.get("Lambda-Runtime-Invoked-Function-Arn", "")
        self.function_name = environment.get("AWS_LAMBDA_FUNCTION_NAME", "")
        self.function_version = environment.get("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
        self.memory_limit_in_mb = environment.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128")
        self.log_group_name = environment.get(
            "AWS_LAMBDA_LOG_GROUP_NAME", f"/aws/lambda/{self.function_name}"
        )
        self.log_stream_name = environment.get("AWS_LAMBDA_LOG_STREAM_NAME", "")
        self.identity = None
        self.client_context = None
        self._deadline_ms = int(headers.get("Lambda-Runtime-Deadline-Ms", "0"))

    def get_remaining_time_in_millis(self) -> int:
        return max(0, self._deadline_ms - int(time.time() * 1000))


class RuntimeApi:
    """One persistent connection to the server that provides the events."""

    def __init__(self, address: str) -> None:
        self._connection = http.client.HTTPConnection(address)

    def next_event(self) -> tuple[http.client.HTTPMessage, bytes]:
        """Wait for the next event and return its headers and body.

        Raises OSError or HTTPException when the server is gone.
        """
        status, headers, body = self._exchange("GET", f"{RUNTIME}/invocation/next")
        if status != 200:
            raise ConnectionError(f"the execution environment was stopped (status {status})")
        return headers, body

    def send(self, path: str, body: str) -> None:
        self._exchange("POST", f"{RUNTIME}/{path}", body)

    def _exchange(
        self, method: str, path: str, body: str | None = None
    ) -> tuple[int, http.client.HTTPMessage, bytes]:
        self._connection.request(method, path, None if body is None else body.encode())
        self._acknowledge_at_once()
        response = self._connection.getresponse()
        self._acknowledge_at_once()
        return response.status, response.headers, response.read()

    def _acknowledge_at_once(self) -> None:
        """Switch off delayed acknowledgements.

        The server writes an answer in two parts, and a delay after the first costs 40 ms.
        """
        if QUICK_ACK is not None and self._connection.sock is not None:
            self._connection.sock.setsockopt(socket.IPPROTO_TCP, QUICK_ACK, 1)


def describe(error: BaseException, error_type: str | None = None) -> str:
    """Return the error document of the Runtime API."""
    frames = [
        frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename != __file__
    ]
    document = {
        "errorMessage": str(error),
        "errorType": error_type or type(error).__name__,
        "stackTrace": traceback.format_list(frames),
    }
    return json.dumps(document)


def load_handler(name: str) -> Handler:
    """Import `package.module.function` and return it. Raises ImportError or AttributeError."""
    module, _, function = name.rpartition(".")
    handler: Handler = getattr(importlib.import_module(module.replace("/", ".")), function)
    return handler


def run_once(api: RuntimeApi, handler: Handler) -> None:
    """Answer one event with the handler's result or its exception."""
    headers, body = api.next_event()
    context = Context(headers, os.environ)
    invocation = f"invocation/{context.aws_request_id}"
    try:
        answer = json.dumps(handler(json.loads(body), context))
    except Exception as error:
        traceback.print_exc()
        api.send(f"{invocation}/error", describe(error))
    else:
        api.send(f"{invocation}/response", answer)


def main() -> int:
    api = RuntimeApi(os.environ["AWS_LAMBDA_RUNTIME_API"])
    try:
        try:
            handler = load_handler(os.environ["_HANDLER"])
        except Exception as error:
            traceback.print_exc()
            api.send("init/error", describe(error, init_error_type(error)))
            return 1
        while True:
            run_once(api, handler)
    except (OSError, http.client.HTTPException):
        return 0  # the server is gone: nothing waits for an answer


def init_error_type(error: Exception) -> str:
    """Return the error type that AWS reports when a function cannot start."""
    return "Runtime.ImportModuleError" if isinstance(error, ImportError) else type(error).__name__


if __name__ == "__main__":
    sys.exit(main())
