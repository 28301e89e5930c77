"""The warehouse port over the table `public.t` of the emulator.

A test can make it fail at any statement.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from etl_core.adapters.redshift import RedshiftTransaction, to_etl_error
from etl_core.loading.ports import Ports
from etl_core.model.errors import LoadErrorLine
from tests.builders import NOON
from tests.etl_core.live import LiveTable
from tests.fakes import FakeAnswers, FakeBacklog, FakeStore


@dataclass
class LiveWarehouse:
    """The port WarehouseClient over the connections of a LiveTable.

    `before(step)` runs before each step: BEGIN, STATEMENT, COMMIT, AUTOCOMMIT; and after the commit
    of an autocommit statement: AUTOCOMMIT DONE.
    """

    live: LiveTable
    before: Callable[[str], None] = lambda step: None

    @contextmanager
    def transaction(self, database: str, timeout_seconds: float) -> Iterator[LiveTransaction]:
        try:
            self.before("BEGIN")
            yield LiveTransaction(
                RedshiftTransaction(self.live.transactional, timeout_seconds), self
            )
            self.before("COMMIT")
            self.live.transactional.commit()
        except BaseException:
            self.live.transactional.rollback()
            raise

    def close(self) -> None:
        """Keep the connections: they are the test's."""

    def execute_autocommit(self, database: str, statement: Any, timeout_seconds: float) -> None:
        self.before("AUTOCOMMIT")
        try:
            self.live.autocommit.execute(statement)
        except sa.exc.DBAPIError as error:
            raise to_etl_error(error) from error
        self.before("AUTOCOMMIT DONE")

    def try_copy(
        self, database: str, trial: Any, timeout_seconds: float
    ) -> Sequence[LoadErrorLine]:
        raise NotImplementedError("schema files copy nothing")


@dataclass
class LiveTransaction:
    """A transaction of the adapter, with the steps of its warehouse."""

    inner: RedshiftTransaction
    warehouse: LiveWarehouse

    def execute(self, statement: Any) -> Sequence[sa.Row[Any]]:
        self.warehouse.before("STATEMENT")
        return self.inner.execute(statement)

    def change(self, statement: Any) -> int:
        self.warehouse.before("STATEMENT")
        return self.inner.change(statement)

    def lock(self, statement: Any) -> None:
        self.warehouse.before("STATEMENT")
        self.inner.lock(statement)

    def roll_back(self) -> None:
        self.inner.roll_back()


def live_ports(
    store: FakeStore, warehouse: LiveWarehouse, backlog: FakeBacklog | None = None
) -> Ports:
    """Return the ports of a load into the emulator, with lake and log in memory."""
    log = backlog or FakeBacklog()
    return Ports(store, warehouse, log, lambda: NOON, answers=FakeAnswers(log))
