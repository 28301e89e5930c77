"""SQL constructs that SQLAlchemy and its Redshift dialect do not provide: COPY, LOCK, VACUUM, ANALYZE, text literals.

The dialect's compiler renders every construct; its preparer quotes the identifiers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.schema import ExecutableDDLElement, SetColumnComment, SetTableComment
from sqlalchemy.sql.compiler import DDLCompiler, SQLCompiler
from sqlalchemy.sql.elements import ClauseElement, ColumnElement, quoted_name
from sqlalchemy.sql.expression import Executable

from etl_core.schema_files.column_types import DIALECT
from etl_core.schema_files.messages import TEXT_HAS_NUL


def identifier(name: str) -> quoted_name:
    """Return the name so that it is always quoted: the dialect's list of reserved words is incomplete."""
    return quoted_name(name, quote=True)


def catalog_table(name: str, *columns: str) -> sa.TableClause:
    """Return a table of the catalog, with the columns that a query needs."""
    return sa.table(name, *(sa.column(column) for column in columns), schema="pg_catalog")


class Text(ColumnElement[str]):
    """A text literal.

    Redshift reads a backslash in '...' as an escape, so it is doubled, which SQLAlchemy does not
    do.
    """

    inherit_cache = False

    def __init__(self, value: str) -> None:
        self.value = value


@compiles(Text, "redshift")
def _text(element: Text, compiler: SQLCompiler, **_: Any) -> str:
    return render_text(element.value, compiler)


def render_text(value: str, compiler: SQLCompiler | DDLCompiler) -> str:
    """Return the text literal. Raises ValueError for a NUL, which no literal can contain."""
    if "\0" in value:
        raise ValueError(TEXT_HAS_NUL(value=repr(value)))
    literal = value.replace("\\", "\\\\").replace("'", "''")
    if getattr(compiler.preparer, "_double_percents", False):
        literal = literal.replace("%", "%%")
    return f"'{literal}'"


@compiles(SetTableComment, "redshift")
def _table_comment(element: SetTableComment, compiler: DDLCompiler, **_: Any) -> str:
    table = element.element
    return f"COMMENT ON TABLE {compiler.preparer.format_table(table)} IS {render_text(table.comment or '', compiler)}"


@compiles(SetColumnComment, "redshift")
def _column_comment(element: SetColumnComment, compiler: DDLCompiler, **_: Any) -> str:
    column = element.element
    name = compiler.preparer.format_column(column, use_table=True, use_schema=True)
    return f"COMMENT ON COLUMN {name} IS {render_text(column.comment or '', compiler)}"


class LockTable(Executable, ClauseElement):
    """LOCK of one table until the transaction ends.

    The mode is ACCESS EXCLUSIVE; Redshift has no other.
    """

    inherit_cache = False

    def __init__(self, table: sa.Table) -> None:
        self.table = table


@compiles(LockTable, "redshift")
def _lock(element: LockTable, compiler: SQLCompiler, **_: Any) -> str:
    return f"LOCK TABLE {compiler.preparer.format_table(element.table)}"


class SetParameter(Executable, ClauseElement):
    """SET of a configuration parameter for the rest of the session."""

    inherit_cache = False

    def __init__(self, name: str, value: str) -> None:
        self.name, self.value = name, value


@compiles(SetParameter, "redshift")
def _set_parameter(element: SetParameter, compiler: SQLCompiler, **_: Any) -> str:
    return f"SET {compiler.preparer.quote(element.name)} TO {render_text(element.value, compiler)}"


VALUE_SETTINGS = (SetParameter("timezone", "UTC"), SetParameter("datestyle", "ISO, MDY"))
"""Redshift's defaults of what decides how dates and times are read: TIMESTAMPTZ without a zone, SYSDATE, 03/02/2018.
An administrator can change them for a user or a cluster (ALTER USER, parameter groups); a file means the same
everywhere."""


class VacuumDeleted(Executable, ClauseElement):
    """VACUUM DELETE ONLY of one table: gives back the space of deleted rows, without sorting. Autocommit only.

    Redshift runs one VACUUM per cluster at a time and refuses a second one. Without the rights of
    the owner it does nothing (database developer guide, "VACUUM").
    """

    inherit_cache = False

    def __init__(self, table: sa.TableClause | sa.Table) -> None:
        self.table = table


@compiles(VacuumDeleted, "redshift")
def _vacuum(element: VacuumDeleted, compiler: SQLCompiler, **_: Any) -> str:
    return f"VACUUM DELETE ONLY {compiler.preparer.format_table(element.table)}"


class Analyze(Executable, ClauseElement):
    """ANALYZE of one table.

    Redshift skips it if less than a tenth of the rows changed since the last one (database developer
    guide, "analyze_threshold_percent").
    """

    inherit_cache = False

    def __init__(self, table: sa.TableClause | sa.Table) -> None:
        self.table = table


@compiles(Analyze, "redshift")
def _analyze(element: Analyze, compiler: SQLCompiler, **_: Any) -> str:
    return f"ANALYZE {compiler.preparer.format_table(element.table)}"


@dataclass(frozen=True)
class CopySource:
    """What COPY reads: a manifest, the compression of its files, and the format of their rows."""

    manifest_url: str
    role_arn: str
    compression: str | None
    delimiter: str
    quote: str
    null_as: str | None
    date_format: str
    time_format: str
    encoding: str
    header_rows: int = 1
    empty_as_null: bool = False
    blank_as_null: bool = False


class CopyCsv(Executable, ClauseElement):
    """COPY of the CSV files of a manifest into `columns` of a table; `columns` are in the order of the files.

    sqlalchemy-redshift's CopyCommand does not support ZSTD and does not escape texts. MAXERROR has
    its default: one invalid row fails the whole COPY. COMPUPDATE OFF: the first COPY must not
    change the encodings.

    `is_trial`: load nothing, but read all rows, so that the load-error view has every file at
    fault. `refreshes_statistics`: STATUPDATE ON. By itself Redshift refreshes the statistics only of
    a table that was empty; a table whose rows were just deleted is not known to count as empty.
    """

    inherit_cache = False

    def __init__(
        self,
        table: sa.Table,
        columns: tuple[str, ...],
        source: CopySource,
        *,
        is_trial: bool = False,
        refreshes_statistics: bool = False,
    ) -> None:
        self.table, self.columns, self.source, self.is_trial = table, columns, source, is_trial
        self.refreshes_statistics = refreshes_statistics

    def refreshing(self) -> CopyCsv:
        """Return the same COPY with STATUPDATE ON."""
        return CopyCsv(self.table, self.columns, self.source, refreshes_statistics=True)

    def trial(self) -> CopyCsv:
        """Return the same COPY as a trial."""
        return CopyCsv(self.table, self.columns, self.source, is_trial=True)


@compiles(CopyCsv, "redshift")
def _copy(element: CopyCsv, compiler: SQLCompiler, **_: Any) -> str:
    source, preparer = element.source, compiler.preparer

    def text(value: str) -> str:
        return render_text(value, compiler)

    columns = ", ".join(preparer.quote(identifier(name)) for name in element.columns)
    parts = [
        f"COPY {preparer.format_table(element.table)} ({columns})",
        f"FROM {text(source.manifest_url)} IAM_ROLE {text(source.role_arn)} MANIFEST",
        f"FORMAT AS CSV QUOTE AS {text(source.quote)} DELIMITER AS "
        f"{_delimiter(source.delimiter, compiler)} IGNOREHEADER AS {source.header_rows}",
        f"ENCODING AS {source.encoding} DATEFORMAT AS {text(source.date_format)} TIMEFORMAT AS "
        f"{text(source.time_format)}",
        *([f"NULL AS {text(source.null_as)}"] if source.null_as is not None else []),
        *(["EMPTYASNULL"] if source.empty_as_null else []),
        *(["BLANKSASNULL"] if source.blank_as_null else []),
        *([source.compression] if source.compression else []),
        # In a file of one column, an empty line is a row: an empty text, or NULL.
        *(["IGNOREBLANKLINES"] if len(element.columns) > 1 else []),
        "COMPUPDATE OFF",
        *(["STATUPDATE ON"] if element.refreshes_statistics else []),
        *(["NOLOAD MAXERROR AS 100000"] if element.is_trial else []),
    ]
    return " ".join(parts)


def _delimiter(character: str, compiler: SQLCompiler) -> str:
    """Return the literal of COPY's delimiter; a control character in octal, as COPY documents it."""
    if character.isprintable() or character == "\t":
        return render_text(character, compiler)
    return f"'\\{ord(character):03o}'"


def render_sql(statement: Executable | ExecutableDDLElement) -> str:
    """Return the text of a statement without parameters, as another client than the driver sends it."""
    if not isinstance(statement, ClauseElement):
        raise TypeError(f"{statement!r} cannot be compiled")
    # The compiler doubles each % for the driver, which makes it one again.
    return str(statement.compile(dialect=DIALECT)).replace("%%", "%").strip()


def describe_sql(statement: Executable) -> str:
    """Return the text of the statement in one line, as the log shows it."""
    text = render_sql(statement)
    return " ".join(line.strip() for line in text.splitlines() if line.strip())
