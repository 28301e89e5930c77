"""Transaction blocks: when a block takes its snapshot, and which tables it has locked for writing.

PostgreSQL takes the snapshot at the first query of a block. Redshift takes it at the first
statement on a user table; catalog queries and leader-node functions take none (c_serial_isolation).
A LOCK after such queries therefore still sees what the last holder of the lock committed. To get
the same, a block in which only such queries ran is restarted, unnoticed by the client, before the
next statement. SYSDATE keeps its value.

Writers of one table wait for each other; readers do not wait and see the last commit
(r_Serializable_isolation_example, c_write_readwrite). PostgreSQL's SHARE ROW EXCLUSIVE lock does
the same. It is sent before the statement, in the same message, so that a transaction's first
statement takes its snapshot when the lock is granted and sees what the last writer committed.
"""

from __future__ import annotations

from redshift_emulator.backend import Backend
from redshift_emulator.lexer import quote_literal
from redshift_emulator.sql import join_statements
from redshift_emulator.step import Action, Step

_BEGAN = "SELECT coalesce(nullif(current_setting('redshift.block_began', true), ''), transaction_timestamp()::text)"


class Block:
    """The open transaction block of a session, if there is one."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._begin = ""
        self._restartable = False  # only catalog queries and SET have run in it
        self._has_snapshot = False  # a catalog query has run: PostgreSQL has taken the snapshot
        self._settings: list[str] = []
        self._locked: set[str] = set()

    @property
    def restarts_before_next(self) -> bool:
        """Whether the next statement, unless it ends the block, restarts the block."""
        return self._restartable and self._has_snapshot

    def before(self, step: Step) -> None:
        """Restart the block if necessary. Must be called before a step is executed."""
        if (
            self.restarts_before_next
            and self._backend.status == b"T"
            and step.action is not Action.END
        ):
            began = self._backend.query(_BEGAN)[0][0] or ""
            keep_time = "SET LOCAL redshift.block_began TO " + quote_literal(began)
            self._backend.query(
                join_statements("ROLLBACK", self._begin, keep_time, *self._settings)
            )
            self._has_snapshot = False

    def after(self, step: Step) -> None:
        """Record what a step did. Must be called after it was executed."""
        if self._backend.status != b"T":
            self.reset()
            return
        if step.action is not Action.FORWARD:
            self._locked.clear()  # the name may now mean another table
        elif step.writes:
            self.add_lock(step)
        if step.action is Action.BEGIN:
            self._begin, self._restartable, self._has_snapshot = step.sql, True, False
            self._settings.clear()
        elif step.catalog_only:
            self._has_snapshot = True
        elif step.action is Action.SET and self._restartable:
            self._settings.append(step.sql)
        else:
            self._restartable = False

    def write_lock(self, step: Step) -> str:
        """Return the LOCK statement that must precede a step; "" if it writes nothing or the block has the lock."""
        if not step.writes:
            return ""
        if self._backend.status != b"T":
            self._locked.clear()
        return "" if step.writes in self._locked else write_lock(step.writes)

    def add_lock(self, step: Step) -> None:
        """Record that the block has locked the table that a step writes to."""
        self._locked.add(step.writes)

    def reset(self) -> None:
        """Forget everything: the block has ended, or the effect of the last statements is not known in detail."""
        self._restartable = False
        self._locked.clear()


def write_lock(table: str) -> str:
    """Return the statement that makes other writers of a table wait. `table` is quoted already."""
    return "LOCK TABLE " + table + " IN SHARE ROW EXCLUSIVE MODE"


def with_locks(steps: list[Step]) -> tuple[list[str], frozenset[int]]:
    """Return the texts of steps that are sent as one query, including their locks, and the positions of the locks.

    All locks come first, before the snapshot is taken, unless the query begins or ends blocks
    itself.
    """
    locks = dict.fromkeys(write_lock(step.writes) for step in steps if step.writes)
    if not any(step.action in (Action.BEGIN, Action.END) for step in steps):
        return [*locks, *(step.sql for step in steps)], frozenset(range(len(locks)))
    texts: list[str] = []
    positions: list[int] = []
    for step in steps:
        if step.writes:
            positions.append(len(texts))
            texts.append(write_lock(step.writes))
        texts.append(step.sql)
    return texts, frozenset(positions)
