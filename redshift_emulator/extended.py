"""The extended protocol: Parse carries the rewritten statement, everything else is passed on as it comes.

A statement that is carried out here (CREATE TABLE, COPY, ...) is answered here: what was passed on before it is settled
first, so that the client sees all answers in order. After an error everything up to Sync is skipped, as PostgreSQL does.

PostgreSQL takes a transaction's snapshot when it parses or binds a statement, so the lock of a table that is written to comes
before that, and outside of a block it needs one: an unseen block that lasts until Sync, as PostgreSQL's own implicit one does.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Protocol

from redshift_emulator import wire
from redshift_emulator.backend import Backend
from redshift_emulator.block import Block
from redshift_emulator.client import Client, ClientGoneError
from redshift_emulator.errors import BackendError, SqlError
from redshift_emulator.proxy import Relay
from redshift_emulator.sql import together
from redshift_emulator.steps import Do, Step

_NO_PARAMETERS = wire.frame(b"t", struct.pack("!H", 0))
_NO_DATA = wire.frame(b"n")


class Host(Protocol):
    """The session as the extended protocol sees it."""

    client: Client
    backend: Backend
    relay: Relay
    block: Block
    in_unseen_block: bool

    def plan(self, text: bytes) -> list[Step]:
        """The steps of a query string. SqlError for what Redshift refuses."""

    def before(self, step: Step) -> None:
        """What must happen before a step reaches PostgreSQL."""

    def run_step(self, step: Step) -> bool:
        """Carries one step out; the client gets everything but ReadyForQuery. True when there was no error."""

    def fail(self, failure: SqlError | BackendError) -> None:
        """Reports an error, and makes an open block fail in PostgreSQL, too."""


class Extended:
    """The state of one session's extended protocol: `entered` from its first message to the next simple query, `outstanding`
    while answers of PostgreSQL may still come."""

    def __init__(self, session: Host) -> None:
        self._session = session
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
        """Handles a message of the extended protocol; False when it is none."""
        handler = self._handlers.get(kind)
        if handler is None:
            return False
        self.entered = True
        if not self._skipping or kind == b"S":
            handler(body)
        return True

    def leave(self) -> None:
        """A simple query ends whatever was going on."""
        self._settle()
        self._end_unseen_block()
        self._skipping = self.entered = False

    def _pass_on(self, kind: bytes, body: bytes) -> None:
        self._session.relay.push(wire.frame(kind, body))
        self.outstanding = True

    def _settle(self) -> bool:
        """Waits for the answers to all that was passed on. False when one was an error: skip to Sync."""
        if self.outstanding:
            self.outstanding = False
            self._session.relay.push(wire.frame(b"S"))
            self._skipping = not self._session.relay.until_ready(hold_ready=True)
        return not self._skipping

    def _prepare_for(self, step: Step) -> bool:
        """What must come before PostgreSQL reads a statement. False when that failed: skip to Sync."""
        session = self._session
        if session.block.begins_anew and not self._settle():
            return False
        session.before(step)
        lock = session.block.write_lock(step)
        if not lock:
            return True
        if not self._settle():
            return False
        begin = "BEGIN" if session.backend.status == b"I" else ""
        session.in_unseen_block = session.in_unseen_block or bool(begin)
        try:
            session.backend.query(together(begin, lock))
        except BackendError as failure:
            session.fail(failure)
            self._skipping = True
            return False
        session.block.hold(step)
        return True

    def _end_unseen_block(self) -> None:
        """Commits it (rolls it back when it has failed); the client is told when that is not possible."""
        if self._session.in_unseen_block and self._session.backend.status != b"I":
            try:
                self._session.backend.query("COMMIT")
            except BackendError as failure:
                self._session.fail(failure)
        self._session.in_unseen_block = False

    def _fail(self, failure: SqlError) -> None:
        if self._settle():
            self._session.fail(failure)
            self._skipping = True

    def _parse(self, body: bytes) -> None:
        name, text, rest = body.split(b"\0", 2)
        try:
            steps = self._session.plan(text)
            if len(steps) > 1:
                raise SqlError("42601", "cannot insert multiple commands into a prepared statement")
        except SqlError as refused:
            self._fail(refused)
            return
        step = steps[0] if steps else Step(Do.RELAY, wire.cooked(text))
        self._statements[wire.cooked(name)] = step
        if step.do is not Do.RELAY:
            self._answer(wire.frame(b"1"))
        elif self._prepare_for(step):
            self._pass_on(b"P", name + b"\0" + wire.cstring(step.sql) + rest)

    def _answer(self, frames: bytes) -> None:
        if self._settle():
            self._session.client.send(frames)

    def _here(self, known: dict[str, Step], name: str) -> Step | None:
        """The step of a statement or portal that is carried out here."""
        step = known.get(name)
        return step if step and step.do is not Do.RELAY else None

    def _bind(self, body: bytes) -> None:
        portal, name = map(wire.cooked, body.split(b"\0", 2)[:2])
        step = self._statements.get(name)
        self._portals.pop(portal, None)
        if step is not None:
            self._portals[portal] = step
        if self._here(self._statements, name):
            self._answer(wire.frame(b"2"))
        elif step is None or self._prepare_for(step):
            self._pass_on(b"B", body)

    def _describe(self, body: bytes) -> None:
        is_statement, name = body[:1] == b"S", wire.text_of(body[1:])
        if self._here(self._statements if is_statement else self._portals, name):
            self._answer((_NO_PARAMETERS if is_statement else b"") + _NO_DATA)
        else:
            self._pass_on(b"D", body)

    def _execute(self, body: bytes) -> None:
        name = wire.text_of(body)
        step = self._here(self._portals, name)
        if step is None:
            self._pass_on(b"E", body)
            if started := self._portals.get(name):
                # With a limit of rows the portal may be open still: the block must not begin anew.
                is_whole = body.endswith(b"\0\0\0\0")
                self._session.block.after(started._replace(light=started.light and is_whole))
        elif self._settle():
            self._end_unseen_block()
            self._skipping = not self._session.run_step(step)

    def _close(self, body: bytes) -> None:
        known, name = (
            self._statements if body[:1] == b"S" else self._portals,
            wire.text_of(body[1:]),
        )
        if self._here(known, name):
            self._answer(wire.frame(b"3"))
        else:
            self._pass_on(b"C", body)
        known.pop(name, None)

    def _flush(self, body: bytes) -> None:
        self._session.relay.push(wire.frame(b"H", body))

    def _sync(self, body: bytes) -> None:
        del body
        self._skipping = self.outstanding = False
        self._session.relay.push(wire.frame(b"S"))
        self._session.relay.until_ready(hold_ready=self._session.in_unseen_block)
        if self._session.in_unseen_block:
            self._end_unseen_block()
            self._session.client.send(wire.ready(self._session.backend.status))
        if self._session.client.gone:
            raise ClientGoneError("the client went away")
