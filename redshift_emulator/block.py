"""When a transaction block takes its snapshot, and which tables it holds for writing.

PostgreSQL takes it at the first query of a block. Redshift takes it at the first statement on a user table; catalog queries
and leader-node functions take none (c_serial_isolation), so a LOCK after them still sees what the last holder committed.
Here a block in which only such light statements ran is begun anew, unseen, before the next statement; SYSDATE stays as it was.

Writers of one table wait for each other; readers go on and see the last commit (r_Serializable_isolation_example,
c_write_readwrite). PostgreSQL's SHARE ROW EXCLUSIVE is such a lock. It comes before the statement, in the same message, so
that a transaction's first statement takes its snapshot when the lock is granted and sees what the last writer committed.
"""

from __future__ import annotations

from redshift_emulator.backend import Backend
from redshift_emulator.lexer import quote_literal
from redshift_emulator.sql import together
from redshift_emulator.steps import Do, Step

_BEGAN = "SELECT coalesce(nullif(current_setting('redshift.block_began', true), ''), transaction_timestamp()::text)"


class Block:
    """The open transaction block of a session, if any."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._begin = ""
        self._fresh = False
        self._stale = False
        self._settings: list[str] = []
        self._held: set[str] = set()

    @property
    def begins_anew(self) -> bool:
        """Whether the next statement, unless it ends the block, makes the block begin anew."""
        return self._fresh and self._stale

    def before(self, step: Step) -> None:
        """To be called before a step is carried out."""
        if self.begins_anew and self._backend.status == b"T" and step.do is not Do.END:
            began = self._backend.query(_BEGAN)[0][0] or ""
            keep_time = "SET LOCAL redshift.block_began TO " + quote_literal(began)
            self._backend.query(together("ROLLBACK", self._begin, keep_time, *self._settings))
            self._stale = False

    def after(self, step: Step) -> None:
        """To be called after it."""
        if self._backend.status != b"T":
            self.forget()
            return
        if step.do is not Do.RELAY:
            self._held.clear()  # the name may mean another table now
        elif step.writes:
            self.hold(step)
        if step.do is Do.BEGIN:
            self._begin, self._fresh, self._stale = step.sql, True, False
            self._settings.clear()
        elif step.light:
            self._stale = True
        elif step.do is Do.SET and self._fresh:
            self._settings.append(step.sql)
        else:
            self._fresh = False

    def write_lock(self, step: Step) -> str:
        """The statement that must precede a step which writes; "" when there is none, or the block holds the lock."""
        if not step.writes:
            return ""
        if self._backend.status != b"T":
            self._held.clear()
        return "" if step.writes in self._held else write_lock(step.writes)

    def hold(self, step: Step) -> None:
        """The block has the lock of a step which writes."""
        self._held.add(step.writes)

    def forget(self) -> None:
        """After the end of a block, and after statements whose effect is not known in detail."""
        self._fresh = False
        self._held.clear()


def write_lock(table: str) -> str:
    """The statement that makes other writers of a table wait. `table` is quoted already."""
    return "LOCK TABLE " + table + " IN SHARE ROW EXCLUSIVE MODE"


def with_locks(steps: list[Step]) -> tuple[list[str], frozenset[int]]:
    """The texts of steps that are sent as one, with the locks they need, and the places of the locks. All locks come first,
    before anything takes the snapshot, unless the string begins and ends blocks itself."""
    locks = dict.fromkeys(write_lock(step.writes) for step in steps if step.writes)
    if not any(step.do in (Do.BEGIN, Do.END) for step in steps):
        return [*locks, *(step.sql for step in steps)], frozenset(range(len(locks)))
    texts: list[str] = []
    places: list[int] = []
    for step in steps:
        if step.writes:
            places.append(len(texts))
            texts.append(write_lock(step.writes))
        texts.append(step.sql)
    return texts, frozenset(places)
