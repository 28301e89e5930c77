"""When a transaction block takes its snapshot.

PostgreSQL takes it at the first query of a block. Redshift takes it at the first statement on a user table; catalog queries
and leader-node functions take none (c_serial_isolation), so a LOCK after them still sees what the last holder committed.
Here a block in which only such light statements ran is begun anew, unseen, before the next statement.
"""

from __future__ import annotations

from local.redshift.backend import Backend
from local.redshift.sql import together
from local.redshift.steps import Do, Step


class Block:
    """The open transaction block of a session, if any."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._begin = ""
        self._fresh = False
        self._stale = False
        self._settings: list[str] = []

    def before(self, step: Step) -> None:
        """To be called before a step is carried out."""
        if self._fresh and self._stale and self._backend.status == b"T" and step.do is not Do.END:
            self._backend.query(together("ROLLBACK", self._begin, *self._settings))
            self._stale = False

    def after(self, step: Step) -> None:
        """To be called after it."""
        if step.do is Do.BEGIN and self._backend.status == b"T":
            self._begin, self._fresh, self._stale = step.sql, True, False
            self._settings.clear()
        elif self._backend.status != b"T":
            self._fresh = False
        elif step.light:
            self._stale = True
        elif step.do is Do.SET and self._fresh:
            self._settings.append(step.sql)
        else:
            self._fresh = False

    def forget(self) -> None:
        """After statements whose effect is not known in detail."""
        self._fresh = False
