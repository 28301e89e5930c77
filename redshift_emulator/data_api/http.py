"""The HTTP server of the Data API: AWS JSON 1.1, `X-Amz-Target: RedshiftData.<operation>`; and of logins with IAM.

It listens on the loopback address only. A request must be signed, but the signature is not checked.
"""

from __future__ import annotations

import json
import logging
import socketserver
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

from redshift_emulator.data_api.credentials import SERVERLESS, IamLogins
from redshift_emulator.data_api.errors import (
    ApiError,
    BodyTooLargeError,
    InternalError,
    MissingSignatureError,
    SerializationError,
    UnknownOperationError,
)
from redshift_emulator.data_api.operations import Operations

LOOPBACK = "127.0.0.1"
CONTENT_TYPE = "application/x-amz-json-1.1"
XML_TYPE = "text/xml"
MAX_BODY_BYTES = 32 * 1024 * 1024
"""40 statements of 100 KB, each byte written as \\u0000."""
_TARGET = "RedshiftData."
logger = logging.getLogger("redshift_emulator.data_api")


class DataApiServer:
    """A running HTTP server."""

    def __init__(self, port: int, operations: Operations, iam_logins: IamLogins) -> None:
        self._server = _HttpServer(port, operations, iam_logins)
        self._thread = threading.Thread(
            target=self._server.serve_forever, name="redshift-data-api-http", daemon=True
        )
        self._thread.start()

    @property
    def address(self) -> tuple[str, int]:
        """The host and port that the server listens on."""
        host, port = self._server.server_address[:2]
        return str(host), int(port)

    def stop(self) -> None:
        """Stop to listen. Requests that are being answered may still end."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _HttpServer(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, port: int, operations: Operations, iam_logins: IamLogins) -> None:
        super().__init__((LOOPBACK, port), _Handler)
        self.operations = operations
        self.iam_logins = iam_logins

    def server_bind(self) -> None:
        # Not HTTPServer's: it looks up the host's name, which may take seconds.
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[:2]  # type: ignore[assignment]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "redshift-emulator"
    timeout = 60
    wbufsize = -1
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        try:
            if self._is_query():
                self._send_text(200, XML_TYPE, self._query_response())
            else:
                self._send(200, self._response())
        except ApiError as failure:
            if self._is_query():
                self._send_text(failure.http_status, XML_TYPE, failure.xml())
            else:
                self._send(failure.http_status, failure.body())
        except OSError as gone:
            logger.debug("a caller disconnected: %s", gone)
            self.close_connection = True
        except Exception:
            logger.exception("a request failed because of an internal error of the emulator")
            failed = InternalError("internal error of the emulator: see the emulator's log")
            self._send(failed.http_status, failed.body())

    def _response(self) -> dict[str, Any]:
        body = self._read_body()
        if not self.headers.get("Authorization", "").startswith("AWS4-"):
            raise MissingSignatureError("the request is not signed (Signature Version 4)")
        target = self.headers.get("X-Amz-Target", "")
        if target == SERVERLESS:
            return self._emulator.iam_logins.json()
        if not target.startswith(_TARGET):
            raise UnknownOperationError(f"X-Amz-Target is {target[:80]!r}; it must be {_TARGET}...")
        return self._emulator.operations.call(target.removeprefix(_TARGET), _parse(body))

    def _is_query(self) -> bool:
        """Whether the request is signed for Redshift's own API, which has the query protocol."""
        return "/redshift/aws4_request" in self.headers.get("Authorization", "")

    def _query_response(self) -> str:
        """Answer a request of the query protocol, which Redshift's own API uses."""
        form = parse_qs(self._read_body().decode(errors="replace"))
        return self._emulator.iam_logins.xml(form.get("Action", [""])[0])

    @property
    def _emulator(self) -> _HttpServer:
        server: _HttpServer = self.server  # type: ignore[assignment]
        return server

    def _read_body(self) -> bytes:
        length = self.headers.get("Content-Length", "")
        is_number = length.isascii() and length.isdigit() and len(length) < 10
        if not is_number or int(length) > MAX_BODY_BYTES:
            self.close_connection = True  # the body is not read
            raise BodyTooLargeError(
                f"Content-Length is {length[:20]!r}; it must be a number up to {MAX_BODY_BYTES}"
            )
        return self.rfile.read(int(length))

    def _send(self, status: int, body: dict[str, Any]) -> None:
        self._send_text(status, CONTENT_TYPE, json.dumps(body), body.get("__type"))

    def _send_text(
        self, status: int, content_type: str, text: str, error: str | None = None
    ) -> None:
        data = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(data)))
        if error is not None:
            self.send_header("x-amzn-ErrorType", error)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        logger.debug(format, *args)


def _parse(body: bytes) -> dict[str, Any]:
    try:
        parsed = json.loads(body or b"{}")
    except (ValueError, RecursionError) as failure:
        raise SerializationError("the body is not JSON") from failure
    if not isinstance(parsed, dict):
        raise SerializationError("the body is not a JSON object")
    return parsed
