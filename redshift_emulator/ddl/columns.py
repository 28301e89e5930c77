"""Parses a column definition of CREATE TABLE or ALTER TABLE ADD COLUMN. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

from redshift_emulator.cursor import Cursor, refuse_reserved
from redshift_emulator.errors import SqlError
from redshift_emulator.lexer import Edit, Token
from redshift_emulator.refusals import refusal
from redshift_emulator.rewrite import stored_name
from redshift_emulator.types import VARBYTE, ColumnType, read_type

SYSTEM_COLUMNS = frozenset({"oid", "xmin", "ctid", "tableoid", "cmin", "cmax", "xmax"})
ENCODINGS = frozenset(
    {"raw", "az64", "bytedict", "delta", "delta32k", "lzo", "mostly8", "mostly16", "mostly32", "runlength", "text255",
     "text32k", "zstd"}
)  # fmt: skip
_INTEGERS = frozenset({"integer", "bigint", "numeric"})
_NUMBERS = _INTEGERS | {"smallint"}
_FLOATS = frozenset({"real", "double precision"})
_TEXTS = frozenset({"character", "character varying"})
_DATES = frozenset(
    {
        "date",
        "time without time zone",
        "time with time zone",
        "timestamp without time zone",
        "timestamp with time zone",
    }
)
# c_Compression_encodings. RAW is valid for every type. For VARBYTE and the types of time without a date no source
# lists the encodings: what is their default, and ZSTD, is accepted.
_VALID_FOR = {
    "az64": _NUMBERS | _DATES,
    "bytedict": _NUMBERS | _FLOATS | _TEXTS | _DATES,
    "delta": _NUMBERS | _DATES,
    "delta32k": _INTEGERS | _DATES,
    "lzo": _NUMBERS | _TEXTS | _DATES | {"super", VARBYTE},
    "mostly8": _NUMBERS,
    "mostly16": _INTEGERS,
    "mostly32": _INTEGERS - {"integer"},
    "runlength": _NUMBERS | _FLOATS | _TEXTS | _DATES | {"boolean"},
    "text255": {"character varying"},
    "text32k": {"character varying"},
    "zstd": _NUMBERS | _FLOATS | _TEXTS | _DATES | {"boolean", "super", VARBYTE},
}
_OPTIONS = frozenset(
    {"default", "identity", "generated", "encode", "distkey", "sortkey", "collate", "not", "null", "unique", "primary",
     "references", "constraint", "check"}
)  # fmt: skip


@dataclass
class Key:
    """A declared key. ``kind`` is p (primary), u (unique) or f (foreign)."""

    kind: str
    columns: list[str]
    name: str | None = None
    table: tuple[str, ...] = ()
    references: list[str] | None = None

    def record(self) -> dict[str, object]:
        """Return the argument of pg_rs.note_key(). Names are as PostgreSQL stores them."""
        record: dict[str, object] = {
            "type": self.kind,
            "columns": [stored_name(name) for name in self.columns],
        }
        if self.name:
            record["name"] = self.name
        if self.table:
            record["table"] = ".".join(
                '"' + stored_name(part).replace('"', '""') + '"' for part in self.table[-2:]
            )
        if self.references:
            record["references"] = [stored_name(name) for name in self.references]
        return record


@dataclass
class ColumnDefinition:
    """A column as declared, from ``start`` to ``end`` of the statement.

    ``edits`` rewrite that text for PostgreSQL.
    """

    name: str
    type: ColumnType
    start: int
    end: int = 0
    encoding: str | None = None
    distkey: bool = False
    sortkey: bool = False
    not_null: bool = False
    default: str | None = None
    identity: tuple[int, int] | None = None
    by_default: bool = False
    keys: list[Key] = field(default_factory=list)
    edits: list[Edit] = field(default_factory=list)

    def record(self) -> dict[str, object]:
        """Return the column's part of the argument of pg_rs.note_table()."""
        record: dict[str, object] = {"encoding": self.encoding, "distkey": self.distkey or None}
        if self.type.name == VARBYTE:
            record["length"] = self.type.arguments[0]
        if self.identity:
            record |= {
                "identity": ",".join(map(str, self.identity)),
                "by_default": self.by_default,
                "shown_nullable": not self.not_null,
            }
        return {name: value for name, value in record.items() if value is not None}


def read_column(cursor: Cursor, table: str) -> ColumnDefinition:
    """Read the definition of a column of a table up to its comma or closing parenthesis.

    Raises SqlError for what Redshift refuses.
    """
    start = cursor.token.start
    refuse_reserved(cursor)
    name = cursor.name()
    if name in SYSTEM_COLUMNS:
        raise refusal("system column", column=name)
    type_start = cursor.token.start
    column = ColumnDefinition(name, read_type(cursor, f"{table}.{name}"), start)
    column.edits.append(Edit(type_start, _last(cursor).end, column.type.sql))
    while not cursor.at_end and not cursor.at(",") and not cursor.at(")"):
        _read_option(cursor, column)
    column.end = _last(cursor).end
    _check(column)
    return column


def _last(cursor: Cursor) -> Token:
    return cursor.tokens[cursor.index - 1]


def _read_option(cursor: Cursor, column: ColumnDefinition) -> None:
    start = cursor.token.start
    if cursor.take("not", "null"):
        column.not_null = True
    elif cursor.take("null"):
        pass
    elif cursor.take("default"):
        column.default = _skip_expression(cursor)
    elif cursor.take("identity"):
        _identity(cursor, column, start)
    elif cursor.take("generated", "by", "default", "as", "identity"):
        column.by_default = True
        _identity(cursor, column, start)
    elif _read_attribute(cursor, column) or _read_key(cursor, column):
        column.edits.append(Edit(start, _last(cursor).end, ""))
    elif cursor.at("check") or cursor.at("constraint"):
        raise refusal("check")
    else:
        raise cursor.syntax_error()


def _read_attribute(cursor: Cursor, column: ColumnDefinition) -> bool:
    if cursor.take("encode"):
        column.encoding = read_encoding(cursor, column.type.name)
    elif cursor.take("distkey"):
        column.distkey = True
    elif cursor.take("sortkey"):
        column.sortkey = True
    elif cursor.take("collate"):
        if not cursor.take_any("case_sensitive", "cs", "case_insensitive", "ci"):
            raise cursor.syntax_error()
    else:
        return False
    return True


def _read_key(cursor: Cursor, column: ColumnDefinition) -> bool:
    if cursor.take("primary", "key"):
        column.keys.append(Key("p", [column.name]))
    elif cursor.take("unique"):
        column.keys.append(Key("u", [column.name]))
    elif cursor.take("references"):
        table = cursor.qualified_name()
        column.keys.append(
            Key("f", [column.name], None, table, cursor.name_list() if cursor.at("(") else None)
        )
    else:
        return False
    return True


def read_encoding(cursor: Cursor, type_name: str) -> str:
    """Read the name of an encoding.

    Raises SqlError if Redshift does not have it, or not for this type.
    """
    token = cursor.token
    encoding = cursor.name()
    if encoding not in ENCODINGS:
        raise SqlError(
            "42601", f'encoding type "{cursor.sql[token.start : token.end]}" is not recognized'
        )
    check_encoding(encoding, type_name)
    return encoding


def check_encoding(encoding: str, type_name: str) -> None:
    """Raise SqlError if Redshift does not have the encoding for the type.

    "" is a type that is not known yet.
    """
    if type_name and type_name not in _VALID_FOR.get(encoding, {type_name}):
        raise refusal("encoding", encoding=encoding, type=type_name)


def _skip_expression(cursor: Cursor) -> str:
    """Read a default expression: everything up to the next column option outside parentheses."""
    start = cursor.token.start
    while not cursor.at_end and not cursor.at(",") and not cursor.at(")"):
        if cursor.at("("):
            cursor.skip_group()
        elif (
            cursor.token.value in _OPTIONS
            and cursor.token.start > start
            and cursor.token.value != "null"
        ):
            break
        else:
            cursor.next()
        if cursor.token.value == "null" and _last(cursor).end > start:
            break
    if cursor.token.start == start:
        raise cursor.syntax_error()
    return cursor.sql[start : _last(cursor).end]


def _identity(cursor: Cursor, column: ColumnDefinition, start: int) -> None:
    seed = step = 1
    if cursor.take("("):
        seed = cursor.integer()
        cursor.expect(",")
        step = cursor.integer()
        cursor.expect(")")
    if column.type.name not in ("integer", "bigint"):
        raise refusal("identity type", column=column.name)
    column.identity = (seed, step)
    bits = 31 if column.type.name == "integer" else 63
    kind = "BY DEFAULT" if column.by_default else "ALWAYS"
    limits = f"MINVALUE {-(2**bits)} MAXVALUE {2**bits - 1}"
    text = f"GENERATED {kind} AS IDENTITY (START WITH {seed} INCREMENT BY {step} {limits})"
    column.edits.append(Edit(start, _last(cursor).end, text))


def _check(column: ColumnDefinition) -> None:
    if any(key.kind == "p" for key in column.keys) and not column.not_null:
        column.not_null = True
        column.edits.append(Edit(column.end, column.end, " NOT NULL"))
