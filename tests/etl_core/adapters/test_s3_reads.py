"""How much a ranged read takes from a server that sends too much, or too little."""

from __future__ import annotations

import re
import threading
import tracemalloc
from collections.abc import Iterator
from contextlib import closing, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal

import pytest
from botocore.config import Config
from botocore.session import Session

from etl_core.adapters.s3 import S3Lake
from etl_core.model.errors import ThrottledError
from etl_core.model.object_versions import StoredVersion

MIB = 1 << 20
Answer = Literal["range", "everything", "too much", "too little"]


class ObjectServer(ThreadingHTTPServer):
    """Serves one object of `size` bytes, whose byte at n is n % 251.

    everything: ignores the range. too much, too little: says that it sends the range, but does not.
    """

    daemon_threads = True
    block_on_close = False

    def __init__(self, size: int, answer: Answer) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.size, self.answer, self.sent = size, answer, 0

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Print nothing: clients close connections early."""


class _Handler(BaseHTTPRequestHandler):
    server: ObjectServer

    def do_GET(self) -> None:
        server = self.server
        asked = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers["Range"])
        assert asked
        first, last = int(asked[1]), int(asked[2])
        whole = server.answer == "everything"
        start = 0 if whole else first
        end = {"range": last + 1, "too little": last}.get(server.answer, server.size)
        self.send_response(200 if whole else 206)
        self.send_header("ETag", '"e"')
        self.send_header("Content-Length", str(end - start))
        if not whole:
            self.send_header("Content-Range", f"bytes {first}-{last}/{server.size}")
        self.end_headers()
        with suppress(ConnectionError):
            self._send(start, end)

    def _send(self, start: int, end: int) -> None:
        for at in range(start, end, 1 << 16):
            self.wfile.write(content(at, min(at + (1 << 16), end)))
            self.server.sent = min(at + (1 << 16), end) - start

    def log_message(self, *_: Any) -> None:
        """Print nothing."""


def content(first: int, end: int) -> bytes:
    """Return the object's bytes from `first` to before `end`."""
    cycle = bytes((first + n) % 251 for n in range(251))
    return (cycle * ((end - first) // 251 + 1))[: end - first]


@pytest.fixture
def serve() -> Iterator[Any]:
    """Return a function that serves an object and returns its server and the adapter in front of it."""
    started: list[ObjectServer] = []
    clients: list[Any] = []

    def start(size: int, answer: Answer) -> tuple[ObjectServer, S3Lake]:
        server = ObjectServer(size, answer)
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        client = Session().create_client(
            "s3",
            endpoint_url=f"http://127.0.0.1:{server.server_address[1]}",
            region_name="us-east-1",
            aws_access_key_id="a",
            aws_secret_access_key="b",
            config=Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}),
        )
        started.append(server)
        clients.append(client)
        return server, S3Lake(client, "lake", "work")

    yield start
    for client in clients:
        client.close()
    for server in started:
        server.shutdown()
        server.server_close()


def version(size: int) -> StoredVersion:
    return StoredVersion("lake", "dev/append/t/a.csv", "v1", "e", size, is_current=True)


@pytest.mark.parametrize("answer", ["range", "everything", "too much"])
@pytest.mark.parametrize(("first", "last"), [(0, 0), (0, 65_535), (3_000_001, 3_400_000)])
def test_exactly_the_requested_bytes_are_returned(
    serve: Any, answer: Answer, first: int, last: int
) -> None:
    _, lake = serve(4 * MIB, answer)

    assert lake._read_range(version(4 * MIB), first, last) == content(first, last + 1)


@pytest.mark.parametrize("first", [0, 100 * MIB])
@pytest.mark.parametrize("answer", ["everything", "too much"])
def test_a_server_that_sends_everything_costs_neither_memory_nor_the_whole_transfer(
    serve: Any, answer: Answer, first: int
) -> None:
    server, lake = serve(300 * MIB, answer)
    tracemalloc.start()
    try:
        read = lake._read_range(version(300 * MIB), first, first + 65_535)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert read == content(first, first + 65_536)
    assert peak < 8 * MIB
    # What is on its way when the connection is closed counts as sent.
    assert server.sent < (first if answer == "everything" else 0) + 32 * MIB


@pytest.mark.parametrize("first", [0, 1_000_000])
def test_a_read_that_got_too_little_is_retried(serve: Any, first: int) -> None:
    _, lake = serve(4 * MIB, "too little")

    with pytest.raises(ThrottledError, match="it sent 65535 of 65536 bytes"):
        lake._read_range(version(4 * MIB), first, first + 65_535)


def test_a_file_is_read_whole_from_a_server_that_ignores_ranges(serve: Any) -> None:
    _, lake = serve(9 * MIB, "everything")
    with closing(lake.read(version(9 * MIB))) as pieces:
        sizes = [len(piece) for piece in pieces]

    assert sum(sizes) == 9 * MIB
    assert max(sizes) <= 8 * MIB
