"""The table `public.t` in the stand-in: made from a table of the library, changed by plans, read by the library's own query."""

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
    """Two connections: one in autocommit, as the library uses it for what Redshift refuses in a transaction, and one with transactions."""

    def __init__(self, alone: sa.Connection, together: sa.Connection) -> None:
        self.alone, self.together = alone, together

    @classmethod
    @contextmanager
    def connect(
        cls, host: str, port: int, password: str, user: str = "awsuser"
    ) -> Iterator[LiveTable]:
        """Connected for as long as the block lasts."""
        url = sa.URL.create("redshift+psycopg2", user, password, host, port, "dev")
        arguments = {
            "connect_args": {"sslmode": "disable"},
            "poolclass": StaticPool,
            "use_native_hstore": False,
        }
        alone, together = (
            sa.create_engine(url, isolation_level="AUTOCOMMIT", **arguments),
            sa.create_engine(url, **arguments),
        )
        try:
            with alone.connect() as first, together.connect() as second:
                yield cls(first, second)
        finally:
            alone.dispose()
            together.dispose()

    def create(self, table: sa.Table, rows: Sequence[dict[str, Any]] = ()) -> sa.Table:
        """The table as the catalog shows it, made anew with these rows."""
        self.together.rollback()
        self.run("DROP TABLE IF EXISTS public.t CASCADE")
        for statement in make_plan(None, table, ()).statements:
            self.together.execute(statement.element)
        for row in rows:
            plain = sa.table("t", *(sa.column(identifier(name)) for name in row), schema="public")
            self.together.execute(sa.insert(plain).values(row))
        self.together.commit()
        return self.read()

    def run(self, sql: str) -> None:
        """A statement of the test's own."""
        self.alone.exec_driver_sql(sql.replace("%", "%%"))

    def read(self) -> sa.Table:
        """The table as the library reads it."""
        made = parse_table(TABLE, self.alone.execute(select_table(TABLE)).fetchall())
        assert made is not None
        return made

    def rows(self, columns: Sequence[str] | None = None) -> list[tuple[Any, ...]]:
        """The rows of these columns, else of all, sorted as text."""
        names = "*" if columns is None else ", ".join(f'"{name}"' for name in columns) or "1"
        return sorted(
            (
                tuple(map(_plain, row))
                for row in self.alone.exec_driver_sql(f"SELECT {names} FROM public.t")
            ),
            key=repr,
        )

    def plain_rows(self) -> list[tuple[Any, ...]]:
        """The rows as a client reads them, each in the order of the table's columns, sorted as text."""
        return self.rows([str(column.name) for column in self.read().columns])

    def apply(self, plan: Plan) -> DBAPIError | None:
        """As the library does it; the error of a statement that failed, and then the transaction was rolled back."""
        try:
            for statement in plan.alone:
                self.alone.execute(statement.element)
            for statement in plan.together:
                self.together.execute(statement.element)
            self.together.commit()
        except DBAPIError as error:
            self.together.rollback()
            return error
        return None


def _plain(value: Any) -> Any:
    """A VARBYTE comes as a memoryview, which has no order."""
    return bytes(value) if isinstance(value, memoryview) else value
