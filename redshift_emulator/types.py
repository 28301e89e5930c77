"""Redshift's column types: how they are written, what the catalog shows, what PostgreSQL stores them as.

Sources: c_Supported_data_types, r_Character_types, r_Numeric_types201, r_Datetime_types, r_SUPER_type, r_VARBYTE_type.
"""

from __future__ import annotations

from dataclasses import dataclass

from redshift_emulator.cursor import Cursor
from redshift_emulator.errors import SqlError
from redshift_emulator.refusals import refusal

MAX_VARCHAR = 65_535
MAX_CHAR = 4_096
MAX_PRECISION = 38
MAX_SCALE = 37
MAX_VARBYTE = 16_777_216
VARBYTE = "binary varying"


@dataclass(frozen=True)
class ColumnType:
    """A type as the catalog spells it. `name` is the spelling without parentheses."""

    name: str
    arguments: tuple[int, ...] = ()

    @property
    def sql(self) -> str:
        """The type as PostgreSQL is told."""
        if self.name == VARBYTE:
            return "varbyte"  # a domain, which takes no length: that is kept in the books, and guarded by a constraint
        if not self.arguments:
            return self.name
        return self.name + "(" + ",".join(map(str, self.arguments)) + ")"


_PLAIN = {
    "smallint": "smallint", "int2": "smallint", "integer": "integer", "int": "integer", "int4": "integer",
    "bigint": "bigint", "int8": "bigint", "real": "real", "float4": "real", "float8": "double precision",
    "float": "double precision", "boolean": "boolean", "bool": "boolean", "date": "date", "super": "super",
    "timetz": "time with time zone", "timestamptz": "timestamp with time zone",
}  # fmt: skip
UNSUPPORTED = frozenset(
    {"array", "bit", "bytea", "box", "cidr", "circle", "inet", "json", "jsonb", "line", "lseg", "macaddr", "money", "path",
     "point", "polygon", "serial", "serial2", "serial4", "serial8", "bigserial", "smallserial", "tsquery", "tsvector", "uuid",
     "xml", "hstore", "int4range", "int8range", "numrange", "tsrange", "tstzrange", "daterange"}
)  # fmt: skip
# Kept as the text that COPY and INSERT give.
_OPAQUE = frozenset({"geometry", "geography", "hllsketch"})
_PLAIN |= {name: name for name in _OPAQUE}
NO_KEY_TYPES = frozenset({"super", VARBYTE, *_OPAQUE})


def read_type(cursor: Cursor, column: str) -> ColumnType:
    """Takes a type. SqlError for a type Redshift lacks, or a length, precision or scale out of its range."""
    found = _read_type(cursor, column)
    if cursor.at("["):
        raise refusal("type", column=column, type=found.name + "[]")
    return found


def _read_type(cursor: Cursor, column: str) -> ColumnType:
    word = cursor.name()
    if word in _PLAIN:
        return ColumnType(_PLAIN[word])
    if word in ("varchar", "nvarchar") or (
        word in ("character", "char", "nchar") and cursor.take("varying")
    ):
        return ColumnType("character varying", (_length(cursor, 256, MAX_VARCHAR, "varchar"),))
    if word in ("char", "character", "nchar"):
        return ColumnType("character", (_length(cursor, 1, MAX_CHAR, "char"),))
    if word in ("text", "bpchar"):
        return ColumnType("character varying" if word == "text" else "character", (256,))
    if word in ("numeric", "decimal", "dec"):
        return ColumnType("numeric", _precision_and_scale(cursor))
    if word == "double":
        cursor.expect("precision")
        return ColumnType("double precision")
    if word in ("time", "timestamp"):
        return ColumnType(word + _zone(cursor))
    if word == "interval":
        return ColumnType("interval" + _interval_fields(cursor))
    if word in ("varbyte", "varbinary") or (word == "binary" and cursor.take("varying")):
        return ColumnType(VARBYTE, (_length(cursor, 64_000, MAX_VARBYTE, "varbyte"),))
    if word in UNSUPPORTED:
        raise refusal("type", column=column, type=word)
    raise SqlError("42704", f'type "{word}" does not exist')


def _length(cursor: Cursor, default: int, limit: int, name: str) -> int:
    if not cursor.take("("):
        return default
    length = limit if cursor.take("max") else cursor.integer()
    cursor.expect(")")
    if length < 1:
        raise SqlError("22023", f"length for type {name} must be at least 1")
    if length > limit:
        raise SqlError("22023", f"length for type {name} cannot exceed {limit}")
    return length


def _precision_and_scale(cursor: Cursor) -> tuple[int, int]:
    if not cursor.take("("):
        return 18, 0
    precision = cursor.integer()
    scale = cursor.integer() if cursor.take(",") else 0
    cursor.expect(")")
    if not 1 <= precision <= MAX_PRECISION:
        raise SqlError(
            "22023", f"NUMERIC precision {precision} must be between 1 and {MAX_PRECISION}"
        )
    if not 0 <= scale <= min(precision, MAX_SCALE):
        raise SqlError(
            "22023", f"NUMERIC scale {scale} must be between 0 and {min(precision, MAX_SCALE)}"
        )
    return precision, scale


def _zone(cursor: Cursor) -> str:
    if cursor.take("with", "time", "zone"):
        return " with time zone"
    cursor.take("without", "time", "zone")
    return " without time zone"


def _interval_fields(cursor: Cursor) -> str:
    for words in (
        ("year", "to", "month"),
        ("day", "to", "second"),
        ("year",),
        ("month",),
        ("day",),
    ):
        if cursor.take(*words):
            return " " + " ".join(words)
    return ""
