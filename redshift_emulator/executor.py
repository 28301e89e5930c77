"""Executes the steps of one session. The client gets all of an answer except ReadyForQuery."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from redshift_emulator import wire
from redshift_emulator.backend import Backend
from redshift_emulator.block import Block, with_locks
from redshift_emulator.client import Client
from redshift_emulator.context import CopyContext
from redshift_emulator.ddl.run_alter import run_alter
from redshift_emulator.describe import describe_table
from redshift_emulator.errors import BackendError, SqlError, translate
from redshift_emulator.plan_queries import with_aliases
from redshift_emulator.proxy import Proxy
from redshift_emulator.refusals import refusal
from redshift_emulator.rewrite import SessionValues, stored_name
from redshift_emulator.server_context import ServerContext
from redshift_emulator.session_settings import CASE_SETTING, is_on
from redshift_emulator.sql import call, join_statements
from redshift_emulator.step import Action, Step

_FIRST = frozenset((0,))
_BLOCK_CONTROL = (Action.BEGIN, Action.END)
_FORWARDED = (Action.FORWARD, Action.SET, Action.BEGIN, Action.END)
_ABORTED = SqlError(
    "25P02", "current transaction is aborted, commands ignored until end of transaction block"
)


class Executor:
    """The executing part of a session, used by simple queries and by the extended protocol.

    `in_implicit_block`: PostgreSQL is in a transaction block that the client does not know of.
    """

    def __init__(
        self, client: Client, backend: Backend, server: ServerContext, user: str, database: str
    ) -> None:
        self.client = client
        self.backend = backend
        self.user = user
        self.database = database
        self.values = SessionValues()
        self.in_implicit_block = False
        self.block = Block(backend)
        self.proxy = Proxy(backend, client, server.long_names)
        self._server = server
        self._user_id = 0
        self._case_was_set = False

    def plan(self, text: bytes) -> list[Step]:
        """Return the steps of a query string. SqlError for what Redshift refuses."""
        return self._server.planner.plan(text, self.values)

    def forward_planned(self, step: Step, text: bytes) -> None:
        """Run a FORWARD step whose text is `text`. The client gets ReadyForQuery, too."""
        if not self._server.late_views.isdisjoint(step.reads):
            self.run_step(step._replace(sql=wire.cooked(text)))
            self.client.send(wire.ready(self.backend.status))
            return
        self.block.before(step)
        self._send(step, text, hold_ready=False)
        self.block.after(step)

    # Several statements of one query string

    def run_all(self, steps: list[Step]) -> None:
        """Run the statements of one query string: as one transaction, unless they contain BEGIN or COMMIT."""
        plain = all(step.action in _FORWARDED and not self.late_views(step) for step in steps)
        if len(steps) > 1 and plain:
            self._forward_all(steps)
            return
        implicit = (
            len(steps) > 1
            and self.backend.status == b"I"
            and not any(step.action in _BLOCK_CONTROL for step in steps)
        )
        self.in_implicit_block = implicit
        for place, step in enumerate(steps):
            if implicit and self.backend.status == b"I":
                self.backend.query("BEGIN")
            if not self.run_step(step, in_string=len(steps) > 1, fail_block=not implicit):
                break
            if implicit and place == len(steps) - 1:
                self._commit_implicit_block()
        if implicit and self.backend.status != b"I":
            self.backend.query("ROLLBACK")
            self._update_case_setting(steps)
        self.in_implicit_block = False

    def _commit_implicit_block(self) -> None:
        if self.backend.status == b"T":
            try:
                self.backend.query("COMMIT")
            except BackendError as failure:
                self.fail(failure)

    def _forward_all(self, steps: list[Step]) -> None:
        for step in steps:
            self.before(step)
        steps = [self.resolved(step) for step in steps]
        texts, locks = with_locks(steps)
        self.backend.send(wire.query(wire.raw(join_statements(*texts))))
        self.proxy.until_ready(hold_ready=True, drop=locks)
        self._update_case_setting(steps)
        self.block.reset()

    # One step

    def before(self, step: Step) -> None:
        """Do what must happen before PostgreSQL gets a step."""
        self.block.before(step)
        if step.long_names:
            self._server.store_long_names(self.database, step.long_names)

    def late_views(self, step: Step) -> frozenset[str]:
        """Return the names of the views WITH NO SCHEMA BINDING that a step reads."""
        return step.reads.intersection(self._server.late_views)

    def bind_late_views(self, step: Step) -> None:
        """Bind the views WITH NO SCHEMA BINDING that a step reads. BackendError if a table of theirs is missing."""
        if step.late_view:
            self._server.late_views.add(stored_name(step.late_view))
        views = self.late_views(step)
        if views and self.backend.status != b"E":
            names = "{" + ",".join('"' + name.replace('"', '\\"') + '"' for name in views) + "}"
            self.backend.query(call("pg_rs.bind_late_views", names))

    def run_step(self, step: Step, *, in_string: bool = False, fail_block: bool = True) -> bool:
        """Run one step. Return whether it succeeded.

        `in_string`: other statements come in the same query string. `fail_block`: an error makes
        the open block fail.
        """
        try:
            if step.autocommit_only and (in_string or self.backend.status != b"I"):
                reason = "in a string" if in_string else "in a block"
                raise refusal(reason, command=step.autocommit_only)
            if self.backend.status == b"E" and step.action not in _FORWARDED:
                raise _ABORTED
            self.before(step)
            self.bind_late_views(step)
            succeeded = _RUNNERS[step.action](self, step)
        except (SqlError, BackendError) as failure:
            self.fail(failure, fail_block=fail_block)
            succeeded = False
        self.block.after(step)
        return succeeded

    def fail(self, failure: SqlError | BackendError, *, fail_block: bool = True) -> None:
        """Send an error to the client and make an open block fail in PostgreSQL, too.

        Raises a fatal BackendError again.
        """
        if isinstance(failure, BackendError):
            if failure.fatal:
                raise failure
            self.client.send(wire.error(translate(failure.fields)))
        else:
            self.client.send(wire.error(failure.fields()))
        if fail_block and self.backend.status == b"T":
            try:
                self.backend.query("failed")  # a syntax error
            except BackendError as expected:
                if expected.fatal:
                    raise

    def _send(self, step: Step, text: bytes, *, hold_ready: bool) -> bool:
        """Send a step's text, after the lock of the table that it writes to; PostgreSQL answers the client."""
        lock = self.block.write_lock(step)
        if not lock:
            self.backend.send(wire.query(text))
            return self.proxy.until_ready(hold_ready=hold_ready)
        self.backend.send(wire.query(wire.raw(lock) + b"; " + text))
        return self.proxy.until_ready(hold_ready=hold_ready, drop=_FIRST)

    def resolved(self, step: Step) -> Step:
        """Return a step in which the lateral aliases are replaced that are not the names of columns."""
        if not step.fallback or self.backend.status == b"E":
            return step
        names: set[str] = set()
        sql = step.sql
        while (missing := self._missing_column(sql)) and missing not in names:
            names.add(missing)
            sql = with_aliases(step.fallback, names, self.values)
        return step._replace(sql=sql, fallback="")

    def _missing_column(self, sql: str) -> str:
        """Return the name that PostgreSQL does not find as a column in a statement; "" if there is none."""
        return self.backend.query(call("pg_rs.missing_column", sql))[0][0] or ""

    def _forward(self, step: Step) -> bool:
        step = self.resolved(step)
        succeeded = self._send(step, wire.raw(step.sql), hold_ready=True)
        self._update_case_setting([step])
        return succeeded

    def _update_case_setting(self, steps: Sequence[Step]) -> None:
        """Ask PostgreSQL for the setting if it may have changed.

        A rollback restores the old value.
        """
        self._case_was_set = self._case_was_set or any(step.sets_case for step in steps)
        if (
            self._case_was_set
            and self.backend.status != b"E"
            and any(step.action in (Action.SET, Action.END) for step in steps)
        ):
            self.read_case_setting()

    def read_case_setting(self) -> None:
        """Read enable_case_sensitive_identifier from PostgreSQL."""
        self.values.keep_case = is_on(
            self.backend.query(f"SHOW redshift.{CASE_SETTING}")[0][0] or ""
        )

    def _run(self, step: Step) -> bool:
        tag = self.backend.run(step.sql)
        for fields in self.backend.notices:
            severity, sqlstate = fields.get("S", "NOTICE"), fields.get("C", "00000")
            self.client.send(wire.notice(severity, fields.get("M", ""), sqlstate))
        self.client.send(wire.complete(step.tag or tag))
        return True

    def _truncate(self, step: Step) -> bool:
        """TRUNCATE commits the block that it runs in (r_TRUNCATE)."""
        self.backend.query(step.sql)
        if self.backend.status == b"T":
            self.backend.query("COMMIT")
        self.client.send(wire.complete(step.tag))
        return True

    def _vacuum(self, step: Step) -> bool:
        """Refuse a second VACUUM: a cluster runs one at a time (r_VACUUM_command)."""
        if not self._server.vacuum.acquire(blocking=False):
            failure = refusal("vacuum")
            failure.hint = "re-execute after other vacuum finished"
            raise failure
        try:
            return self._run(step)
        finally:
            self._server.vacuum.release()

    def _lock(self, step: Step) -> bool:
        outside = self.backend.status == b"I"
        try:
            self.backend.query(
                join_statements("BEGIN", step.sql, "COMMIT") if outside else step.sql
            )
        except BackendError as failure:
            if outside and not failure.fatal:
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
        # Imported here because it imports boto3, which other statements do not need.
        from redshift_emulator.copy import run_copy

        self.in_implicit_block = self.in_implicit_block or self.backend.status == b"I"
        try:
            tag = run_copy(step.sql, self._copy_context())
        finally:
            self.in_implicit_block = self.in_implicit_block and self.backend.status != b"I"
        self.client.send(wire.complete(tag))
        return True

    def _unload(self, step: Step) -> bool:
        # Imported here because it imports boto3, which other statements do not need.
        from redshift_emulator.unload import parse_unload, run_unload

        count = run_unload(parse_unload(step.sql), self._plan_query, self._copy_context())
        message = f"UNLOAD completed, {count} record(s) unloaded successfully."
        self.client.send(wire.notice("INFO", message))
        self.client.send(wire.complete(step.tag))
        return True

    def _plan_query(self, sql: str) -> str:
        """Return PostgreSQL's form of a query, whose late-binding views are bound. SqlError for anything else."""
        steps = self.plan(wire.raw(sql))
        if len(steps) != 1 or steps[0].action is not Action.FORWARD or steps[0].writes:
            raise refusal("unload query")
        self.bind_late_views(steps[0])
        return self.resolved(steps[0]).sql

    def _copy_context(self) -> CopyContext:
        return CopyContext(
            backend=self.backend,
            side=lambda: self._server.connect_as_owner(self.database),
            session_pid=self.backend.pid,
            user_id=self._read_user_id(),
            database=self.database,
            user=self.user,
            aws=self._server.aws,
            notice=lambda severity, message: self.client.send(wire.notice(severity, message)),
            record_copy=self._record_copy,
            describe_table=lambda schema, table: describe_table(self.backend, schema, table),
            next_query_id=self._server.next_query_id,
            keep_case=self.values.keep_case,
        )

    def _read_user_id(self) -> int:
        """Return the user's number, which the load views show as `user_id`."""
        if not self._user_id:
            rows = self.backend.query("SELECT usesysid FROM pg_user WHERE usename = session_user")
            self._user_id = int(rows[0][0] or 0)
        return self._user_id

    def _record_copy(self, count: int, copy_id: int) -> None:
        self.values.copy_count, self.values.copy_id = count, copy_id


_RUNNERS: dict[Action, Callable[[Executor, Step], bool]] = {
    Action.FORWARD: Executor._forward,
    Action.SET: Executor._forward,
    Action.BEGIN: Executor._forward,
    Action.END: Executor._forward,
    Action.RUN: Executor._run,
    Action.TRUNCATE: Executor._truncate,
    Action.VACUUM: Executor._vacuum,
    Action.LOCK: Executor._lock,
    Action.ALTER: Executor._alter,
    Action.COPY: Executor._copy,
    Action.UNLOAD: Executor._unload,
}
