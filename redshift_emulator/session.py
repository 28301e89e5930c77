"""One client's session: its statements are planned and carried out, its transaction status kept, in order, one at a time."""

from __future__ import annotations

import select
from collections.abc import Callable, Sequence

from redshift_emulator import wire
from redshift_emulator.backend import Backend
from redshift_emulator.block import Block, with_locks
from redshift_emulator.client import Client, ClientGoneError
from redshift_emulator.context import CopyContext
from redshift_emulator.ddl.run_alter import run_alter
from redshift_emulator.describe import describe_table
from redshift_emulator.errors import BackendError, SqlError
from redshift_emulator.extended import Extended
from redshift_emulator.proxy import Relay
from redshift_emulator.refusals import refusal
from redshift_emulator.rewrite import SessionValues
from redshift_emulator.session_settings import CASE_SETTING, is_on
from redshift_emulator.sql import together
from redshift_emulator.steps import Do, Step
from redshift_emulator.translate import translate
from redshift_emulator.warehouse import Warehouse

_FIRST = frozenset((0,))
_OWN_CONTROL = (Do.BEGIN, Do.END)
_RELAYED = (Do.RELAY, Do.SET, Do.BEGIN, Do.END)
_ABORTED = SqlError(
    "25P02", "current transaction is aborted, commands ignored until end of transaction block"
)


class Session:
    """Runs until the client leaves or its backend is lost. `run` returns normally in every case."""

    def __init__(
        self, client: Client, backend: Backend, warehouse: Warehouse, user: str, database: str
    ) -> None:
        self.client = client
        self.backend = backend
        self.user = user
        self.database = database
        self.values = SessionValues()
        self.in_unseen_block = False  # PostgreSQL is in a block that the client knows nothing of
        self.block = Block(backend)
        self.relay = Relay(backend, client, warehouse.long_names)
        self._warehouse = warehouse
        self._extended = Extended(self)
        self._user_id = 0
        self._set_case = False
        self._backend_gone = False
        self._poll = select.poll()
        self._poll.register(client.socket, select.POLLIN)
        self._poll.register(backend.socket, select.POLLIN)

    def run(self) -> None:
        """The loop: one frame after the other, in the order they came."""
        try:
            while True:
                self._wait()
                for kind, body in self.client.frames:
                    if kind == b"Q":
                        self._query(body.partition(b"\0")[0])
                    elif kind == b"X":
                        return
                    elif not self._extended.handle(kind, body):
                        raise ValueError(f"a message of type {kind!r} is not expected here")
        except ClientGoneError:
            if self._backend_gone:
                self.client.send(wire.error(translate(self.backend.lost().fields)))
        except BackendError as lost:
            self.client.send(wire.error(translate(lost.fields)))
        except ValueError as broken:
            self.client.send(wire.error({"S": "FATAL", "C": "08P01", "M": str(broken)}))

    def _wait(self) -> None:
        """Until the client says something. In the middle of an extended query PostgreSQL may speak first."""
        if self._extended.outstanding and not self.client.pending:
            ready = {fd for fd, _ in self._poll.poll()}
            if self.backend.socket.fileno() in ready:
                self.relay.available()
            if self.client.socket.fileno() not in ready:
                return
        self.client.receive()

    def client_hung_up(self) -> None:
        """From the hang-up thread. What runs inside a block is ended, and with the connection the block is rolled back;
        a statement of its own runs to its end and is committed (copy-usage_notes-multiple-files)."""
        if self._backend_gone:
            return  # our own doing: see below
        self.client.gone = True
        if self.backend.status != b"I" and not self.in_unseen_block:
            self.backend.cancel()

    def backend_hung_up(self) -> None:
        """From the hang-up thread: PostgreSQL has ended the connection. Wakes a session that waits for its client."""
        self._backend_gone = True
        self.client.stop_receiving()

    # Simple queries

    def _query(self, text: bytes) -> None:
        if self._extended.entered:
            self._extended.leave()
        template = self._warehouse.planner.remembered(text, self.values)
        if template is None:
            self._first_time(text)
        else:  # the short way of a statement like one before, which nearly all are
            self.block.before(template.step)
            self._pass_on(template.step, template.fill(text), hold_ready=False)
            self.block.after(template.step)
        if self.client.gone:
            raise ClientGoneError("the client went away")

    def _first_time(self, text: bytes) -> None:
        try:
            steps = self.plan(text)
        except SqlError as refused:
            self.fail(refused)
            self.client.send(wire.ready(self.backend.status))
            return
        if not steps:
            self.client.send(wire.frame(b"I") + wire.ready(self.backend.status))
        else:
            self._run_all(steps)
            self.client.send(wire.ready(self.backend.status))

    def plan(self, text: bytes) -> list[Step]:
        """The steps of a query string. SqlError for what Redshift refuses."""
        return self._warehouse.planner.plan(text, self.values)

    def _run_all(self, steps: list[Step]) -> None:
        """Several statements of one string are one transaction, unless they hold their own BEGIN and COMMIT."""
        if len(steps) > 1 and all(step.do in _RELAYED for step in steps):
            self._relay_together(steps)
            return
        implicit = (
            len(steps) > 1
            and self.backend.status == b"I"
            and not any(step.do in _OWN_CONTROL for step in steps)
        )
        self.in_unseen_block = implicit
        for place, step in enumerate(steps):
            if implicit and self.backend.status == b"I":
                self.backend.query("BEGIN")
            if not self.run_step(
                step, alone_refused="in a string" if len(steps) > 1 else "", poison=not implicit
            ):
                break
            if implicit and place == len(steps) - 1:
                self._commit_unseen()
        if implicit and self.backend.status != b"I":
            self.backend.query("ROLLBACK")
            self._follow_case_setting(steps)
        self.in_unseen_block = False

    def _commit_unseen(self) -> None:
        if self.backend.status == b"T":
            try:
                self.backend.query("COMMIT")
            except BackendError as failure:
                self.fail(failure)

    def _relay_together(self, steps: list[Step]) -> None:
        for step in steps:
            self.before(step)
        texts, locks = with_locks(steps)
        self.backend.send(wire.query(wire.raw(together(*texts))))
        self.relay.until_ready(hold_ready=True, drop=locks)
        self._follow_case_setting(steps)
        self.block.forget()

    # Steps

    def before(self, step: Step) -> None:
        """What must happen before a step reaches PostgreSQL."""
        self.block.before(step)
        if step.long_names:
            self._warehouse.keep_long_names(self.database, step.long_names)

    def run_step(self, step: Step, *, alone_refused: str = "", poison: bool = True) -> bool:
        """Carries one step out; the client gets everything but ReadyForQuery. True when there was no error."""
        try:
            if step.alone and (alone_refused or self.backend.status != b"I"):
                raise refusal(alone_refused or "in a block", command=step.alone)
            if self.backend.status == b"E" and step.do not in _RELAYED:
                raise _ABORTED
            self.before(step)
            done = _STEPS[step.do](self, step)
        except (SqlError, BackendError) as failure:
            self.fail(failure, poison=poison)
            done = False
        self.block.after(step)
        return done

    def fail(self, failure: SqlError | BackendError, *, poison: bool = True) -> None:
        """Reports an error, and makes an open block fail in PostgreSQL, too. BackendError goes on when the connection is lost."""
        if isinstance(failure, BackendError):
            if failure.fatal:
                raise failure
            self.client.send(wire.error(translate(failure.fields)))
        else:
            self.client.send(wire.error(failure.fields()))
        if poison and self.backend.status == b"T":
            try:
                self.backend.query("failed")
            except BackendError as expected:
                if expected.fatal:
                    raise

    def _pass_on(self, step: Step, text: bytes, *, hold_ready: bool) -> bool:
        """PostgreSQL answers the client, once it has the lock of the table that the step writes to."""
        lock = self.block.write_lock(step)
        if not lock:
            self.backend.send(wire.query(text))
            return self.relay.until_ready(hold_ready=hold_ready)
        self.backend.send(wire.query(wire.raw(lock) + b"; " + text))
        return self.relay.until_ready(hold_ready=hold_ready, drop=_FIRST)

    def _relay(self, step: Step) -> bool:
        done = self._pass_on(step, wire.raw(step.sql), hold_ready=True)
        self._follow_case_setting([step])
        return done

    def _follow_case_setting(self, steps: Sequence[Step]) -> None:
        """PostgreSQL knows best what the setting is now: a rollback takes it back."""
        self._set_case = self._set_case or any(step.sets_case for step in steps)
        if (
            self._set_case
            and self.backend.status != b"E"
            and any(step.do in (Do.SET, Do.END) for step in steps)
        ):
            self.read_case_setting()

    def read_case_setting(self) -> None:
        """Takes over what enable_case_sensitive_identifier is."""
        self.values.keep_case = is_on(
            self.backend.query(f"SHOW redshift.{CASE_SETTING}")[0][0] or ""
        )

    def _hidden(self, step: Step) -> bool:
        tag = self.backend.run(step.sql)
        self._pass_notices()
        self.client.send(wire.complete(step.tag or tag))
        return True

    def _pass_notices(self) -> None:
        for fields in self.backend.notices:
            self.client.send(
                wire.notice(
                    fields.get("S", "NOTICE"), fields.get("M", ""), fields.get("C", "00000")
                )
            )

    def _truncate(self, step: Step) -> bool:
        """Commits the block it runs in, with everything before it (r_TRUNCATE)."""
        self.backend.query(step.sql)
        if self.backend.status == b"T":
            self.backend.query("COMMIT")
        self.client.send(wire.complete(step.tag))
        return True

    def _lock(self, step: Step) -> bool:
        alone = self.backend.status == b"I"
        try:
            self.backend.query(together("BEGIN", step.sql, "COMMIT") if alone else step.sql)
        except BackendError as failure:
            if alone and not failure.fatal:
                self.backend.query("ROLLBACK")
            raise
        self.client.send(wire.complete(step.tag))
        return True

    def _alter(self, step: Step) -> bool:
        assert step.change is not None
        run_alter(self.backend, step.change)
        self.client.send(wire.complete(step.tag))
        return True

    def _copy(self, step: Step) -> bool:
        from redshift_emulator.copy import (
            run_copy,  # a part of its own; imports boto3, which sessions can do without
        )

        self.in_unseen_block = self.in_unseen_block or self.backend.status == b"I"
        try:
            tag = run_copy(step.sql, self._copy_context())
        finally:
            self.in_unseen_block = self.in_unseen_block and self.backend.status != b"I"
        self.client.send(wire.complete(tag))
        return True

    def _copy_context(self) -> CopyContext:
        return CopyContext(
            backend=self.backend,
            side=lambda: self._warehouse.side(self.database),
            session_pid=self.backend.pid,
            user_id=self.user_id,
            database=self.database,
            user=self.user,
            aws=self._warehouse.aws,
            notice=lambda severity, message: self.client.send(wire.notice(severity, message)),
            record_copy=self._record_copy,
            describe_table=lambda schema, table: describe_table(self.backend, schema, table),
            next_query_id=self._warehouse.next_query_id,
            keep_case=self.values.keep_case,
        )

    @property
    def user_id(self) -> int:
        """The user's number, as `user_id` of the load views shows it."""
        if not self._user_id:
            self._user_id = int(
                self.backend.query("SELECT usesysid FROM pg_user WHERE usename = session_user")[0][
                    0
                ]
                or 0
            )
        return self._user_id

    def _record_copy(self, count: int, copy_id: int) -> None:
        self.values.copy_count, self.values.copy_id = count, copy_id


_STEPS: dict[Do, Callable[[Session, Step], bool]] = {
    Do.RELAY: Session._relay,
    Do.SET: Session._relay,
    Do.BEGIN: Session._relay,
    Do.END: Session._relay,
    Do.HIDDEN: Session._hidden,
    Do.TRUNCATE: Session._truncate,
    Do.LOCK: Session._lock,
    Do.ALTER: Session._alter,
    Do.COPY: Session._copy,
}
