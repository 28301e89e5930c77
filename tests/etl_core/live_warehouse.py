"""The warehouse port over the stand-in's table `public.t`, with a way to break it at any statement."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from etl_core.adapters.redshift import RedshiftTransaction, to_etl_error
from etl_core.model.errors import LoadErrorLine
from tests.etl_core.live import LiveTable


@dataclass
class LiveWarehouse:
    """The port WarehouseClient over the connections of a LiveTable. `before(word)` runs before each step: BEGIN, STATEMENT, COMMIT,
    ALONE, and when a lone statement has committed, ALONE DONE."""

    live: LiveTable
    before: Callable[[str], None] = lambda word: None

    @contextmanager
    def transaction(self, database: str, timeout_seconds: float) -> Iterator[LiveTransaction]:
        try:
            self.before("BEGIN")
            yield LiveTransaction(RedshiftTransaction(self.live.together, timeout_seconds), self)
            self.before("COMMIT")
            self.live.together.commit()
        except BaseException:
            self.live.together.rollback()
            raise

    def execute_autocommit(self, database: str, statement: Any, timeout_seconds: float) -> None:
        self.before("ALONE")
        try:
            self.live.alone.execute(statement)
        except sa.exc.DBAPIError as error:
            raise to_etl_error(error) from error
        self.before("ALONE DONE")

    def try_copy(
        self, database: str, trial: Any, timeout_seconds: float
    ) -> Sequence[LoadErrorLine]:
        raise NotImplementedError("schema files copy nothing")


@dataclass
class LiveTransaction:
    """A transaction of the adapter."""

    inner: RedshiftTransaction
    warehouse: LiveWarehouse

    def execute(self, statement: Any) -> Sequence[sa.Row[Any]]:
        self.warehouse.before("STATEMENT")
        return self.inner.execute(statement)
