"""The extended protocol: Parse carries the rewritten statement; all other messages are passed on unchanged.

Statements that the emulator executes itself (CREATE TABLE, COPY, ...) are answered here. Before
such an answer, the answers to all earlier messages are awaited, so that the client sees them in
order. After an error everything up to Sync is skipped, as in PostgreSQL.

PostgreSQL takes a transaction's snapshot when it parses or binds a statement. The lock of a table
that is written to therefore comes before Parse and Bind. Outside a block the lock needs a block: an
implicit one, which lasts until Sync, as PostgreSQL's own does.
"""

from __future__ import annotations

import struct
from collections.abc import Callable

from redshift_emulator import wire
from redshift_emulator.client import ClientGoneError
from redshift_emulator.errors import BackendError, SqlError
from redshift_emulator.executor import Executor
from redshift_emulator.sql import join_statements
from redshift_emulator.step import Action, Step

_NO_PARAMETERS = wire.frame(b"t", struct.pack("!H", 0))
_NO_DATA = wire.frame(b"n")


class ExtendedProtocol:
    """The extended protocol of one session.

    `entered` from its first message to the next simple query; `outstanding` while PostgreSQL may
    still send answers.
    """

    def __init__(self, executor: Executor) -> None:
        self._executor = executor
        self._statements: dict[str, Step] = {}
        self._portals: dict[str, Step] = {}
        self._skipping = False
        self.entered = False
        self.outstanding = False
        self._handlers: dict[bytes, Callable[[bytes], None]] = {
            b"P": self._parse,
            b"B": self._bind,
            b"D": self._describe,
            b"E": self._execute,
            b"C": self._close,
            b"H": self._flush,
            b"S": self._sync,
        }

    def handle(self, kind: bytes, body: bytes) -> bool:
        """Handle a message. Return False if it does not belong to the extended protocol."""
        handler = self._handlers.get(kind)
        if handler is None:
            return False
        self.entered = True
        if not self._skipping or kind == b"S":
            handler(body)
        return True

    def leave(self) -> None:
        """Finish what is in progress, because a simple query has arrived."""
        self._settle()
        self._end_implicit_block()
        self._skipping = self.entered = False

    def _pass_on(self, kind: bytes, body: bytes) -> None:
        self._executor.proxy.push(wire.frame(kind, body))
        self.outstanding = True

    def _settle(self) -> bool:
        """Wait for the answers to all that was passed on.

        False if one was an error: skip to Sync.
        """
        if self.outstanding:
            self.outstanding = False
            self._executor.proxy.push(wire.frame(b"S"))
            self._skipping = not self._executor.proxy.until_ready(hold_ready=True)
        return not self._skipping

    def _prepare_for(self, step: Step) -> bool:
        """Do what must come before PostgreSQL reads a statement.

        False if that failed: skip to Sync.
        """
        executor = self._executor
        if executor.block.restarts_before_next and not self._settle():
            return False
        executor.before(step)
        lock = executor.block.write_lock(step)
        if not lock:
            return True
        if not self._settle():
            return False
        begin = "BEGIN" if executor.backend.status == b"I" else ""
        executor.in_implicit_block = executor.in_implicit_block or bool(begin)
        try:
            executor.backend.query(join_statements(begin, lock))
        except BackendError as failure:
            executor.fail(failure)
            self._skipping = True
            return False
        executor.block.add_lock(step)
        return True

    def _end_implicit_block(self) -> None:
        """Commit the implicit block (PostgreSQL rolls it back if it has failed).

        An error is sent to the client.
        """
        if self._executor.in_implicit_block and self._executor.backend.status != b"I":
            try:
                self._executor.backend.query("COMMIT")
            except BackendError as failure:
                self._executor.fail(failure)
        self._executor.in_implicit_block = False

    def _fail(self, failure: SqlError | BackendError) -> None:
        if self._settle():
            self._executor.fail(failure)
            self._skipping = True

    def _parse(self, body: bytes) -> None:
        name, text, rest = body.split(b"\0", 2)
        try:
            steps = self._executor.plan(text)
            if len(steps) > 1:
                raise SqlError("42601", "cannot insert multiple commands into a prepared statement")
        except SqlError as refused:
            self._fail(refused)
            return
        step = steps[0] if steps else Step(Action.FORWARD, wire.cooked(text))
        self._statements[wire.cooked(name)] = step
        if step.action is not Action.FORWARD:
            self._answer(wire.frame(b"1"))
        elif self._prepare_for(step) and self._resolve(wire.cooked(name), step):
            step = self._statements[wire.cooked(name)]
            self._pass_on(b"P", name + b"\0" + wire.cstring(step.sql) + rest)

    def _resolve(self, name: str, step: Step) -> bool:
        """Bind the late-binding views that a statement reads, and choose its form. False if that failed.

        This takes queries of its own, which must come before Parse: they end the unnamed statement.
        """
        executor = self._executor
        if not step.fallback and not executor.late_views(step):
            return True
        if not self._settle():
            return False
        try:
            executor.bind_late_views(step)
            self._statements[name] = executor.resolved(step)
        except BackendError as failure:
            self._fail(failure)
            return False
        return True

    def _answer(self, frames: bytes) -> None:
        if self._settle():
            self._executor.client.send(frames)

    def _own_step(self, known: dict[str, Step], name: str) -> Step | None:
        """Return the step of a statement or portal that the emulator executes itself; None for all others."""
        step = known.get(name)
        return step if step and step.action is not Action.FORWARD else None

    def _bind(self, body: bytes) -> None:
        portal, name = map(wire.cooked, body.split(b"\0", 2)[:2])
        step = self._statements.get(name)
        self._portals.pop(portal, None)
        if step is not None:
            self._portals[portal] = step
        if self._own_step(self._statements, name):
            self._answer(wire.frame(b"2"))
        elif step is None or self._prepare_for(step):
            self._pass_on(b"B", body)

    def _describe(self, body: bytes) -> None:
        is_statement, name = body[:1] == b"S", wire.text_of(body[1:])
        if self._own_step(self._statements if is_statement else self._portals, name):
            self._answer((_NO_PARAMETERS if is_statement else b"") + _NO_DATA)
        else:
            self._pass_on(b"D", body)

    def _execute(self, body: bytes) -> None:
        name = wire.text_of(body)
        step = self._own_step(self._portals, name)
        if step is None:
            self._pass_on(b"E", body)
            if started := self._portals.get(name):
                # With a row limit the portal may still be open: restarting the block would close it.
                reads_all = body.endswith(b"\0\0\0\0")
                self._executor.block.after(
                    started._replace(catalog_only=started.catalog_only and reads_all)
                )
        elif self._settle():
            self._end_implicit_block()
            self._skipping = not self._executor.run_step(step)

    def _close(self, body: bytes) -> None:
        known, name = (
            self._statements if body[:1] == b"S" else self._portals,
            wire.text_of(body[1:]),
        )
        if self._own_step(known, name):
            self._answer(wire.frame(b"3"))
        else:
            self._pass_on(b"C", body)
        known.pop(name, None)

    def _flush(self, body: bytes) -> None:
        self._executor.proxy.push(wire.frame(b"H", body))

    def _sync(self, body: bytes) -> None:
        del body
        executor = self._executor
        self._skipping = self.outstanding = False
        executor.proxy.push(wire.frame(b"S"))
        executor.proxy.until_ready(hold_ready=executor.in_implicit_block)
        if executor.in_implicit_block:
            self._end_implicit_block()
            executor.client.send(wire.ready(executor.backend.status))
        if executor.client.gone:
            raise ClientGoneError("the client disconnected")
