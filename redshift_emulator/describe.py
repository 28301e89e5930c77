"""Describe a table, from PostgreSQL's catalog and the emulator's own (`pg_rs`)."""

from __future__ import annotations

from dataclasses import dataclass

from redshift_emulator.backend import Backend
from redshift_emulator.context import ColumnInfo, Identity, TableInfo
from redshift_emulator.lexer import quote_literal
from redshift_emulator.rewrite import stored_name
from redshift_emulator.sql import qualified

_TABLE = (
    "SELECT c.oid, n.nspname, c.relname "
    "FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = "
)

_COLUMNS = """
SELECT p.attname, a.attnum, pg_rs.format_type(a.atttypid, NULL), p.atttypmod, a.attnotnull, r.identity,
       coalesce(r.identity_by_default, false), a.atthasdef, coalesce(r.encoding, 0), coalesce(r.distkey, false),
       coalesce(r.sortkeyord, 0), (SELECT min(k.contype::text) FROM pg_rs.key k
                                   WHERE k.conrelid = a.attrelid AND a.attnum = ANY (k.conkey))
FROM pg_attribute a
JOIN pg_rs.pg_attribute p ON p.attrelid = a.attrelid AND p.attnum = a.attnum
LEFT JOIN pg_rs.attribute r ON r.relid = a.attrelid AND r.attnum = a.attnum
WHERE NOT a.attisdropped AND a.attnum > 0 AND a.attrelid = """


@dataclass(frozen=True)
class ColumnDescription:
    """A column with its Redshift attributes. `key` is the constraint type p, u or f, or None."""

    info: ColumnInfo
    encoding: int
    distkey: bool
    sortkeyord: int
    key: str | None


@dataclass(frozen=True)
class TableDescription:
    """A table and its columns by name."""

    info: TableInfo
    columns: dict[str, ColumnDescription]

    @property
    def sql_name(self) -> str:
        """The table's qualified name, quoted."""
        return qualified(self.info.schema, self.info.name)


def read_table(backend: Backend, schema: str | None, table: str) -> TableDescription | None:
    """Look a table up in the connection's transaction; None if it does not exist.

    BackendError in a failed block.
    """
    name = qualified(*(stored_name(part) for part in (schema, table) if part))
    tables = backend.query(_TABLE + "to_regclass(" + quote_literal(name) + ") AND c.relkind = 'r'")
    if not tables:
        return None
    oid, stored_schema, stored = (value or "" for value in tables[0])
    rows = backend.query(_COLUMNS + oid + " ORDER BY a.attnum")
    columns = [_column(row) for row in rows]
    info = TableInfo(stored_schema, stored, int(oid), tuple(column.info for column in columns))
    return TableDescription(info, {column.info.name: column for column in columns})


def describe_table(backend: Backend, schema: str | None, table: str) -> TableInfo | None:
    """Look a table up as COPY needs it; None if it does not exist."""
    description = read_table(backend, schema, table)
    return description.info if description else None


def _column(row: tuple[str | None, ...]) -> ColumnDescription:
    (
        name,
        number,
        type_name,
        typmod,
        not_null,
        identity,
        by_default,
        has_default,
        encoding,
        distkey,
        sortkey,
        key,
    ) = row
    modifier = int(typmod or -1)
    length, precision, scale = _modifiers(type_name or "", modifier)
    seed, _, step = (identity or "").partition(",")
    info = ColumnInfo(
        name=name or "",
        number=int(number or 0),
        type_name=type_name or "",
        length=length,
        precision=precision,
        scale=scale,
        not_null=not_null == "t",
        identity=Identity(int(seed), int(step), by_default == "t") if identity else None,
        has_default=has_default == "t",
    )
    return ColumnDescription(info, int(encoding or 0), distkey == "t", int(sortkey or 0), key)


def _modifiers(type_name: str, typmod: int) -> tuple[int | None, int | None, int | None]:
    """Return length, precision and scale, which PostgreSQL packs into the type modifier."""
    if type_name in ("character varying", "character", "binary varying") and typmod > 4:
        return typmod - 4, None, None
    if type_name == "numeric" and typmod > 4:
        return None, ((typmod - 4) >> 16) & 0xFFFF, (typmod - 4) & 0x7FF
    return None, None, None
