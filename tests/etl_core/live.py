"""The table `public.t` in the emulator: created from a table of the library, changed by plans, read
by the library's query.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import StaticPool

from etl_core.schema_changes.live_table import parse_table, select_table
from etl_core.schema_changes.plan import Plan, make_plan
from etl_core.sql import identifier
from tests.builders import TABLE


class LiveTable:
    """Two connections: one in autocommit, for what Redshift does not run in a transaction, and one
    with transactions.
    """

    def __init__(self, autocommit: sa.Connection, transactional: sa.Connection) -> None:
        self.autocommit, self.transactional = autocommit, transactional

    @classmethod
    @contextmanager
    def connect(
        cls, host: str, port: int, password: str, user: str = "awsuser"
    ) -> Iterator[LiveTable]:
        """Both connections are open inside the block."""
        url = sa.URL.create("redshift+psycopg2", user, password, host, port, "dev")
        arguments = {
            "connect_args": {"sslmode": "disable"},
            "poolclass": StaticPool,
            "use_native_hstore": False,
        }
        autocommit = sa.create_engine(url, isolation_level="AUTOCOMMIT", **arguments)
        transactional = sa.create_engine(url, **arguments)
        try:
            with autocommit.connect() as first, transactional.connect() as second:
                yield cls(first, second)
        finally:
            autocommit.dispose()
            transactional.dispose()

    def create(self, table: sa.Table, rows: Sequence[dict[str, Any]] = ()) -> sa.Table:
        """Drop the table, create it with these rows, and return it as the catalog shows it."""
        self.transactional.rollback()
        self.run("DROP TABLE IF EXISTS public.t CASCADE")
        for statement in make_plan(None, table, ()).statements:
            self.transactional.execute(statement.element)
        for row in rows:
            plain = sa.table("t", *(sa.column(identifier(name)) for name in row), schema="public")
            self.transactional.execute(sa.insert(plain).values(row))
        self.transactional.commit()
        return self.read()

    def run(self, sql: str) -> None:
        """Run a statement of the test in autocommit."""
        self.autocommit.exec_driver_sql(sql.replace("%", "%%"))

    def read(self) -> sa.Table:
        """Return the table as the library reads it."""
        table = parse_table(TABLE, self.autocommit.execute(select_table(TABLE)).fetchall())
        assert table is not None
        return table

    def rows(self, columns: Sequence[str] | None = None) -> list[tuple[Any, ...]]:
        """Return the rows of these columns, or of all, sorted as text."""
        names = "*" if columns is None else ", ".join(f'"{name}"' for name in columns) or "1"
        rows = self.autocommit.exec_driver_sql(f"SELECT {names} FROM public.t")
        return sorted((tuple(map(_plain, row)) for row in rows), key=repr)

    def plain_rows(self) -> list[tuple[Any, ...]]:
        """Return the rows, each in the order of the table's columns, sorted as text."""
        return self.rows([str(column.name) for column in self.read().columns])

    def apply(self, plan: Plan) -> DBAPIError | None:
        """Run the plan as the library does.

        Return the error of a failed statement, after the rollback.
        """
        try:
            for statement in plan.autocommit:
                self.autocommit.execute(statement.element)
            for statement in plan.transactional:
                self.transactional.execute(statement.element)
            self.transactional.commit()
        except DBAPIError as error:
            self.transactional.rollback()
            return error
        return None


def _plain(value: Any) -> Any:
    """A VARBYTE is read as a memoryview, which cannot be sorted."""
    return bytes(value) if isinstance(value, memoryview) else value
