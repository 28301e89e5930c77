"""The full name of a table: database, schema and name in one value."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from etl_core.model.messages import DATABASE_UNKNOWN, TABLE_NAME_RESERVED
from etl_core.model.names import DEFAULT_SCHEMA, UNPARSED, faults_of_name, faults_of_schema, fold


@dataclass(frozen=True, order=True)
class TableRef:
    """A table of one database. All names are folded to lower case."""

    database: str
    schema: str
    name: str

    def __str__(self) -> str:
        """Return `schema.name`, for messages."""
        return f"{self.schema}.{self.name}"

    @property
    def folder(self) -> str:
        """The table's part of a lake key: `orders`, or `sales.orders` outside of schema public."""
        return self.name if self.schema == DEFAULT_SCHEMA else str(self)

    @classmethod
    def parse(cls, database: str, table_name: str) -> TableRef:
        """Read `table` or `schema.table`.

        The names are folded, not checked: see `faults_of_table`.
        """
        schema, name = split_table_name(table_name)
        return cls(fold(database), schema, name)


def split_table_name(table_name: str) -> tuple[str, str]:
    """Return (schema, table), folded, of `schema.table` or `table` (in schema public)."""
    schema, dot, table = fold(table_name).rpartition(".")
    return (schema if dot else DEFAULT_SCHEMA), table


def has_database(table_name: str) -> bool:
    """Return whether it is `database.schema.table`: the database is not a part of a table's name."""
    parts = table_name.split(".")
    return len(parts) == 3 and not any(any(faults_of_name(part, "table")) for part in parts)


def faults_of_table(table: TableRef, databases: Collection[str]) -> Iterator[str]:
    """Yield why no upload can address this table; nothing if one can."""
    yield from faults_of_database(table.database, databases)
    yield from faults_of_names(table)


def faults_of_names(table: TableRef) -> Iterator[str]:
    """Yield why the schema or the table's name is not accepted; nothing if both are."""
    yield from faults_of_schema(table.schema)
    yield from faults_of_name(table.name, "table")
    if table.name == UNPARSED:
        yield TABLE_NAME_RESERVED(name=UNPARSED)


def faults_of_database(database: str, databases: Collection[str]) -> Iterator[str]:
    """Yield why the database is not accepted; nothing if the stack has it."""
    if database not in databases:
        yield DATABASE_UNKNOWN(database=database, databases=", ".join(sorted(databases)))
