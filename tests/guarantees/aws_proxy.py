"""Faults between a worker and AWS: an HTTP proxy that breaks, delays or answers chosen calls."""

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

Kind = Literal["reset", "lost response", "slow", "response"]
_XML = (
    '<?xml version="1.0" encoding="UTF-8"?>'
    "<Error><Code>{code}</Code><Message>{code}, says the test</Message></Error>"
)


@dataclass
class Fault:
    """A fault of the first `times` calls (None: all) whose name, `service.operation`, matches the pattern `calls`.

    reset: the connection breaks before the call arrives. lost response: the call takes effect, then
    the connection breaks. slow: the call takes `seconds` longer. response: the proxy returns
    `status` with `code` or `body`, without the service. `hits`: how many calls it applied to.
    """

    calls: str
    kind: Kind
    times: int | None = 1
    seconds: float = 0.3
    status: int = 503
    code: str = ""
    body: Any = None
    hits: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def applies(self, call: str) -> bool:
        """Return whether the fault applies to this call, and count it."""
        with self._lock:
            if not re.match(self.calls, call) or self.hits == self.times:
                return False
            self.hits += 1
            return True

    def document(self, service: str) -> bytes:
        """Return the body of a `response` fault."""
        if self.body is not None:
            return json.dumps(self.body).encode()
        if service == "s3":
            return _XML.format(code=self.code).encode()
        return json.dumps({"__type": self.code, "message": f"{self.code}, says the test"}).encode()


class AwsProxy(ThreadingHTTPServer):
    """Forwards every call to the endpoint, except calls to which the fault applies."""

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
        """Print nothing: broken connections are expected."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: AwsProxy

    def _forward(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        service, call = self._call()
        fault = self.server.fault
        if fault is None or not fault.applies(call):
            return self._respond(*self._call_service(body))
        match fault.kind:
            case "reset":
                return self._reset()
            case "lost response":
                self._call_service(body)
                return self._reset()
            case "slow":
                time.sleep(fault.seconds)
                return self._respond(*self._call_service(body))
            case "response":
                return self._respond(fault.status, [], fault.document(service))

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = _forward  # noqa: N815 - BaseHTTPRequestHandler sets the names

    def _call(self) -> tuple[str, str]:
        """Return the service, from the signature's scope, and the call: the operation from its
        header, or S3's HTTP method.
        """
        scope = re.search(
            r"Credential=[^/]+/\d+/[^/]+/([^/]+)/", self.headers.get("Authorization", "")
        )
        service = scope.group(1) if scope else ""
        return (
            service,
            f"{service}.{self.headers.get('X-Amz-Target', self.command).rpartition('.')[2]}",
        )

    def _call_service(self, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        connection = http.client.HTTPConnection(self.server.target)
        try:
            connection.putrequest(
                self.command, self.path, skip_host=True, skip_accept_encoding=True
            )
            for name, value in self.headers.items():
                if name.lower() not in ("expect", "connection"):
                    connection.putheader(name, value)
            connection.endheaders(body)
            response = connection.getresponse()
            return response.status, response.getheaders(), response.read()
        finally:
            connection.close()

    def _respond(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        self.send_response_only(status)
        for name, value in headers:
            if name.lower() not in ("content-length", "transfer-encoding", "connection"):
                self.send_header(name, value)
        length = {name.lower(): value for name, value in headers}.get("content-length")
        self.send_header(
            "Content-Length", length if self.command == "HEAD" and length else str(len(body))
        )
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _reset(self) -> None:
        reset_connection(self.connection)
        self.close_connection = True

    def log_message(self, *_: Any) -> None:
        """Print nothing."""


def reset_connection(connection: socket.socket) -> None:
    """Close a connection with RST, like a broken network, instead of FIN."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    with contextlib.suppress(OSError):
        # Wakes a thread that reads from it: the RST is only sent when the last user closes.
        connection.shutdown(socket.SHUT_RD)
        os.close(connection.detach())


@contextmanager
def aws_proxy(endpoint_url: str) -> Iterator[AwsProxy]:
    """Return a proxy that runs until the block ends."""
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
