"""The session of one client: it reads messages one by one and answers them in order."""

from __future__ import annotations

import select

from redshift_emulator import wire
from redshift_emulator.backend import Backend
from redshift_emulator.client import Client, ClientGoneError
from redshift_emulator.errors import BackendError, SqlError, translate
from redshift_emulator.executor import Executor
from redshift_emulator.extended import ExtendedProtocol
from redshift_emulator.server_context import ServerContext


class Session:
    """Runs until the client disconnects or the connection to PostgreSQL is lost.

    `run` returns normally in both cases.
    """

    def __init__(
        self, client: Client, backend: Backend, server: ServerContext, user: str, database: str
    ) -> None:
        self.client = client
        self.backend = backend
        self.executor = Executor(client, backend, server, user, database)
        self._planner = server.planner
        self._extended = ExtendedProtocol(self.executor)
        self._backend_gone = False
        self._poll = select.poll()
        self._poll.register(client.socket, select.POLLIN)
        self._poll.register(backend.socket, select.POLLIN)

    def run(self) -> None:
        """Handle the client's messages until the session ends."""
        try:
            while True:
                self._receive()
                for kind, body in self.client.frames:
                    if kind == b"Q":
                        self._query(body.partition(b"\0")[0])
                    elif kind == b"X":
                        return
                    elif not self._extended.handle(kind, body):
                        raise ValueError(f"unexpected message of type {kind!r}")
        except ClientGoneError:
            if self._backend_gone:
                self.client.send(wire.error(translate(self.backend.lost().fields)))
        except BackendError as lost:
            self.client.send(wire.error(translate(lost.fields)))
        except ValueError as broken:
            self.client.send(wire.error({"S": "FATAL", "C": "08P01", "M": str(broken)}))

    def _receive(self) -> None:
        """Wait for the client. Within an extended query PostgreSQL may answer first."""
        if self._extended.outstanding and not self.client.pending:
            ready = {fd for fd, _ in self._poll.poll()}
            if self.backend.socket.fileno() in ready:
                self.executor.proxy.forward_available()
            if self.client.socket.fileno() not in ready:
                return
        self.client.receive()

    def client_disconnected(self) -> None:
        """Called by the disconnect watcher.

        A statement inside a block is cancelled, and the block is rolled back when the connection
        closes. A statement outside a block runs to its end and is committed
        (copy-usage_notes-multiple-files).
        """
        if self._backend_gone:
            return  # backend_disconnected stopped the socket; the client is still there
        self.client.gone = True
        if self.backend.status != b"I" and not self.executor.in_implicit_block:
            self.backend.cancel()

    def backend_disconnected(self) -> None:
        """Called by the disconnect watcher: PostgreSQL has closed the connection.

        Wakes a session that waits for its client.
        """
        self._backend_gone = True
        self.client.stop_receiving()

    def _query(self, text: bytes) -> None:
        if self._extended.entered:
            self._extended.leave()
        template = self._planner.template_for(text, self.executor.values)
        if template is None:
            self._plan_and_run(text)
        else:
            # Nearly all statements come here: an earlier one differed only in its literals.
            self.executor.forward_planned(template.step, template.fill(text))
        if self.client.gone:
            raise ClientGoneError("the client disconnected")

    def _plan_and_run(self, text: bytes) -> None:
        try:
            steps = self.executor.plan(text)
        except SqlError as refused:
            self.executor.fail(refused)
            self.client.send(wire.ready(self.backend.status))
            return
        if not steps:
            self.client.send(wire.frame(b"I") + wire.ready(self.backend.status))
        else:
            self.executor.run_all(steps)
            self.client.send(wire.ready(self.backend.status))
