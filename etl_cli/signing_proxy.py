"""A server on this machine that shows the page of an API with IAM: it signs what the page asks.

It answers only requests with its own key, which the page gets in its address, so that no other page
and no other program can use the credentials.
"""

from __future__ import annotations

import hmac
import secrets
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from etl_cli.api_client import API_SECONDS, ApiClient, opener_of
from etl_core.model.errors import StackError

_PASSED_ON = ("Content-Type", "Cache-Control", "ETag", "Content-Security-Policy", "Referrer-Policy",
              "X-Content-Type-Options")  # fmt: skip
_OPEN = ("/", "/health")
LOOPBACK = "127.0.0.1"


class SigningProxy(ThreadingHTTPServer):
    """Serves the API at `address`, until it is closed. Reads only."""

    daemon_threads = True

    def __init__(self, api: ApiClient) -> None:
        super().__init__((LOOPBACK, 0), _Handler)
        self.api, self.key = api, secrets.token_urlsafe(32)
        self.host = f"{LOOPBACK}:{self.server_port}"

    @property
    def address(self) -> str:
        """The address of the page, with the key in the part that browsers do not send."""
        return f"http://{self.host}/#key={self.key}"


class _Handler(BaseHTTPRequestHandler):
    server: SigningProxy

    def do_GET(self) -> None:
        """Answer as the API does, or 403 for a request that is not the page's."""
        is_ours = self.headers.get("Host") == self.server.host and self.path.startswith("/")
        if is_ours and self._has_key():
            self._pass_on(self.server.api.url_of(self.path), self.server.api.headers)
        elif is_ours and urlsplit(self.path).path in _OPEN:
            self._pass_on(self.server.api.url_of(self.path), lambda url: {})
        else:
            self._send(403, {}, b"")

    def _has_key(self) -> bool:
        given = self.headers.get("x-api-key") or ""
        return hmac.compare_digest(given.encode(), self.server.key.encode())

    def _pass_on(self, url: str, sign: Callable[[str], Mapping[str, str]]) -> None:
        try:
            known = {"If-None-Match": self.headers.get("If-None-Match", "")}
            request = urllib.request.Request(url, headers={**known, **sign(url)})  # noqa: S310
            with opener_of(url).open(request, timeout=API_SECONDS) as answer:
                self._send(answer.status, dict(answer.headers), answer.read())
        except urllib.error.HTTPError as error:
            with error:
                self._send(error.code, dict(error.headers), error.read())
        except (OSError, ValueError, StackError) as error:
            self._send(502, {"Content-Type": "text/plain; charset=utf-8"}, str(error).encode())

    def _send(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        lower = {name.lower(): value for name, value in headers.items()}
        for name in _PASSED_ON:
            if name.lower() in lower:
                self.send_header(name, lower[name.lower()])
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Log nothing: the terminal belongs to the command."""
