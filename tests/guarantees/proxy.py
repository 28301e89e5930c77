"""Faults on the way between a worker and AWS: an HTTP proxy that does to chosen calls what networks and busy services do."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal
from urllib.parse import urlsplit

from local_cloud.tcp_ports import LOOPBACK

Kind = Literal["reset", "lost answer", "slow", "answer"]
_XML = '<?xml version="1.0" encoding="UTF-8"?><Error><Code>{code}</Code><Message>{code}, says the test</Message></Error>'


@dataclass
class Fault:
    """What happens to the first `times` calls (None: to all) whose name, `service.operation`, matches `calls`.

    reset: the connection breaks before the call arrives. lost answer: the call takes effect, the connection breaks before its
    answer. slow: it takes `seconds` longer. answer: the service answers with `status` and `code`, or with `body`.
    """

    calls: str
    kind: Kind
    times: int | None = 1
    seconds: float = 0.3
    status: int = 503
    code: str = ""
    body: Any = None
    met: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def meets(self, call: str) -> bool:
        with self._lock:
            if not re.match(self.calls, call) or self.met == self.times:
                return False
            self.met += 1
            return True

    def document(self, service: str) -> bytes:
        if self.body is not None:
            return json.dumps(self.body).encode()
        if service == "s3":
            return _XML.format(code=self.code).encode()
        return json.dumps({"__type": self.code, "message": f"{self.code}, says the test"}).encode()


class AwsProxy(ThreadingHTTPServer):
    """Passes every call on to the endpoint, but for those that the fault meets."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, endpoint_url: str) -> None:
        super().__init__((LOOPBACK, 0), _Handler)
        self.target = str(urlsplit(endpoint_url).netloc)
        self.fault: Fault | None = None

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.server_address[1]}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away in the middle is what these tests are about."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: AwsProxy

    def _pass_on(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        service, call = self._call()
        fault = self.server.fault
        if fault is None or not fault.meets(call):
            return self._answer(*self._ask(body))
        match fault.kind:
            case "reset":
                return self._break()
            case "lost answer":
                self._ask(body)
                return self._break()
            case "slow":
                time.sleep(fault.seconds)
                return self._answer(*self._ask(body))
            case "answer":
                return self._answer(fault.status, [], fault.document(service))

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = _pass_on  # noqa: N815 - the names are those of the methods of HTTP

    def _call(self) -> tuple[str, str]:
        """The service from the signature's scope; the operation from its header, of S3 the method."""
        found = re.search(
            r"Credential=[^/]+/\d+/[^/]+/([^/]+)/", self.headers.get("Authorization", "")
        )
        service = found.group(1) if found else ""
        return (
            service,
            f"{service}.{self.headers.get('X-Amz-Target', self.command).rpartition('.')[2]}",
        )

    def _ask(self, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        connection = http.client.HTTPConnection(self.server.target)
        try:
            connection.putrequest(
                self.command, self.path, skip_host=True, skip_accept_encoding=True
            )
            for name, value in self.headers.items():
                if name.lower() not in ("expect", "connection"):
                    connection.putheader(name, value)
            connection.endheaders(body)
            answer = connection.getresponse()
            return answer.status, answer.getheaders(), answer.read()
        finally:
            connection.close()

    def _answer(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        self.send_response_only(status)
        for name, value in headers:
            if name.lower() not in ("content-length", "transfer-encoding", "connection"):
                self.send_header(name, value)
        whole = {name.lower(): value for name, value in headers}.get("content-length")
        self.send_header(
            "Content-Length", whole if self.command == "HEAD" and whole else str(len(body))
        )
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _break(self) -> None:
        break_off(self.connection)
        self.close_connection = True

    def log_message(self, *_: Any) -> None:
        """Nothing: the terminal is the test run's."""


def break_off(connection: socket.socket) -> None:
    """Ends a connection by RST, as a network does that breaks, not by the orderly FIN."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    with contextlib.suppress(OSError):
        connection.shutdown(
            socket.SHUT_RD
        )  # wakes who waits for it: only the last user's close sends the RST
        os.close(connection.detach())


@contextmanager
def aws_proxy(endpoint_url: str) -> Iterator[AwsProxy]:
    """A proxy for as long as the block lasts."""
    with AwsProxy(endpoint_url) as server:
        thread = threading.Thread(
            target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        )
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
