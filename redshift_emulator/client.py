"""The connection to a client: a socket, plain or TLS, and the frames that arrive on it."""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct

from redshift_emulator import wire

RECEIVE_BYTES = 16 * 1024


class ClientGoneError(Exception):
    """The client closed its connection or sent data that is not the protocol."""


class Client:
    """One client. After `gone` is set, everything sent is discarded."""

    def __init__(self, connection: socket.socket) -> None:
        self.socket = connection
        self.frames = wire.Frames()
        self.gone = False

    def secure(self, context: ssl.SSLContext) -> None:
        """Switch to TLS. OSError (ssl.SSLError) if the handshake fails."""
        self.socket = context.wrap_socket(self.socket, server_side=True)

    @property
    def pending(self) -> bool:
        """Whether the TLS layer holds decrypted bytes, which poll() does not see."""
        return isinstance(self.socket, ssl.SSLSocket) and self.socket.pending() > 0

    def receive(self) -> None:
        """Read what has arrived into `frames`. ClientGoneError at the end of the stream."""
        try:
            data = self.socket.recv(RECEIVE_BYTES)
        except (OSError, ValueError) as failure:
            raise ClientGoneError(str(failure)) from failure
        if not data:
            raise ClientGoneError("the client closed the connection")
        self.frames.feed(data)

    def send(self, data: bytes | bytearray | memoryview) -> None:
        """Send bytes. If the client is gone, set `gone` instead of raising."""
        if self.gone:
            return
        try:
            self.socket.sendall(data)
        except (OSError, ValueError):
            self.gone = True

    def read_exactly(self, size: int) -> bytes:
        """Read exactly `size` bytes, outside any frame.

        ClientGoneError if the stream ends first.
        """
        parts = bytearray()
        while len(parts) < size:
            try:
                data = self.socket.recv(size - len(parts))
            except (OSError, ValueError) as failure:
                raise ClientGoneError(str(failure)) from failure
            if not data:
                raise ClientGoneError("the client closed the connection")
            parts += data
        return bytes(parts)

    def read_startup(self) -> wire.StartUp:
        """Read the next start-up packet. ClientGoneError if its length is not plausible."""
        length = struct.unpack("!I", self.read_exactly(4))[0]
        if not 8 <= length <= wire.MAX_STARTUP:
            raise ClientGoneError(
                f"start-up packet has {length} bytes; it must have 8 to {wire.MAX_STARTUP}"
            )
        return wire.parse_startup(self.read_exactly(length - 4))

    def read_frame(self) -> tuple[bytes, bytes]:
        """Wait for the next frame and return it."""
        while True:
            for kind, body in self.frames:
                return kind, body
            self.receive()

    def stop_receiving(self) -> None:
        """Wake a thread that waits for the client's next frame. Sending still works."""
        # SSLSocket.shutdown would drop the TLS layer, and later data would be sent unencrypted.
        socket.socket.shutdown(self.socket, socket.SHUT_RD)

    def close(self) -> None:
        """Close the socket, also while another thread waits on it."""
        self.gone = True
        with contextlib.suppress(OSError, ValueError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
