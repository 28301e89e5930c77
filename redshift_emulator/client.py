"""The connection to the client: a socket, plain or TLS, and the frames that arrive on it."""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct

from redshift_emulator import wire

RECEIVE_BYTES = 16 * 1024


class ClientGoneError(Exception):
    """The client closed its connection, or broke the protocol beyond repair."""


class Client:
    """One client. `gone` once sending is pointless: everything sent from then on is dropped."""

    def __init__(self, connection: socket.socket) -> None:
        self.socket = connection
        self.frames = wire.Frames()
        self.gone = False

    def secure(self, context: ssl.SSLContext) -> None:
        """Goes on in TLS. OSError (ssl.SSLError) when the handshake fails."""
        self.socket = context.wrap_socket(self.socket, server_side=True)

    @property
    def pending(self) -> bool:
        """Whether decrypted bytes wait in the TLS layer, where poll() does not see them."""
        return isinstance(self.socket, ssl.SSLSocket) and self.socket.pending() > 0

    def receive(self) -> None:
        """Reads what has arrived into `frames`. ClientGoneError at the end of the stream."""
        try:
            data = self.socket.recv(RECEIVE_BYTES)
        except (OSError, ValueError) as failure:
            raise ClientGoneError(str(failure)) from failure
        if not data:
            raise ClientGoneError("the client closed the connection")
        self.frames.feed(data)

    def send(self, data: bytes | bytearray | memoryview) -> None:
        """Sends; a client that is gone is noted, not reported."""
        if self.gone:
            return
        try:
            self.socket.sendall(data)
        except (OSError, ValueError):
            self.gone = True

    def read_exactly(self, size: int) -> bytes:
        """That many bytes, before any framing. ClientGoneError when they do not come."""
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
        """The next start-up packet. ClientGoneError for one that is none."""
        length = struct.unpack("!I", self.read_exactly(4))[0]
        if not 8 <= length <= wire.MAX_STARTUP:
            raise ClientGoneError(
                f"a start-up packet of {length} bytes; between 8 and {wire.MAX_STARTUP} are allowed"
            )
        return wire.parse_startup(self.read_exactly(length - 4))

    def read_frame(self) -> tuple[bytes, bytes]:
        """The next frame, waiting for it."""
        while True:
            for kind, body in self.frames:
                return kind, body
            self.receive()

    def stop_receiving(self) -> None:
        """Ends a wait for the client's next frame; what is sent still reaches it."""
        # SSLSocket.shutdown would drop the TLS layer, and what is sent afterwards would go out in clear.
        socket.socket.shutdown(self.socket, socket.SHUT_RD)

    def close(self) -> None:
        """Closes the socket, also under a thread that waits on it."""
        self.gone = True
        with contextlib.suppress(OSError, ValueError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
