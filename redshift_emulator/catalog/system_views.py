"""The system views that are empty: one statement each, from the table in `system_views.txt`. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from redshift_emulator.lexer import quote_name

_TYPES = {
    "i": "integer", "b": "bigint", "s": "smallint", "o": "oid", "t": "timestamp", "x": "varchar(128)",
    "f": "boolean", "n": "numeric(38,3)", "d": "double precision",
}  # fmt: skip


def empty_views(table: str) -> Iterator[str]:
    """Yield the statements that create the views of the table again."""
    for line in table.splitlines():
        if line and not line.startswith("#"):
            name, _, columns = line.partition(": ")
            listed = ", ".join(map(_column, columns.split(", ")))
            yield (
                f"DROP VIEW IF EXISTS pg_catalog.{name};"
                f" CREATE VIEW pg_catalog.{name} AS SELECT {listed} WHERE false;"
                f" GRANT SELECT ON pg_catalog.{name} TO PUBLIC;"
            )


def _column(column: str) -> str:
    name, kind = column.split(" ")
    type_name = _TYPES.get(kind) or f"char({kind[1:]})"
    return f"NULL::{type_name} AS {quote_name(name)}"
