"""Redshift's types: how statements spell them, how the catalog shows them, which of PostgreSQL's types stores them.

Sources: c_Supported_data_types, r_Character_types, r_Numeric_types201, r_Datetime_types,
r_SUPER_type, r_VARBYTE_type, c_unsupported-postgresql-datatypes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from redshift_emulator.cursor import Cursor
from redshift_emulator.errors import SqlError
from redshift_emulator.lexer import Kind, Token, identifier, is_name, value_at
from redshift_emulator.refusals import refusal

MAX_VARCHAR = 65_535
MAX_CHAR = 4_096
MAX_PRECISION = 38
MAX_SCALE = 37
MAX_VARBYTE = 16_777_216
MAX_SECOND_DIGITS = 6
VARBYTE = "binary varying"


@dataclass(frozen=True)
class ColumnType:
    """A type. `name` is the catalog's spelling without parentheses."""

    name: str
    arguments: tuple[int, ...] = ()

    @property
    def sql(self) -> str:
        """The type in SQL for PostgreSQL."""
        if self.name == VARBYTE:
            return "varbyte"  # a domain, which has no length; pg_rs stores it, and a constraint checks it
        return self.shown

    @property
    def shown(self) -> str:
        """The type as the catalog shows it."""
        if not self.arguments:
            return self.name
        return self.name + "(" + ",".join(map(str, self.arguments)) + ")"


_PLAIN = {
    "smallint": "smallint", "int2": "smallint", "integer": "integer", "int": "integer", "int4": "integer",
    "bigint": "bigint", "int8": "bigint", "real": "real", "float4": "real", "float8": "double precision",
    "float": "double precision", "boolean": "boolean", "bool": "boolean", "date": "date", "super": "super",
    "timetz": "time with time zone", "timestamptz": "timestamp with time zone",
    "intervaly2m": "interval year to month", "intervald2s": "interval day to second",
}  # fmt: skip
_INTERVAL_FIELDS = (
    ("year", "to", "month"), ("day", "to", "second"), ("year",), ("month",), ("day",), ("second",),
)  # fmt: skip
UNSUPPORTED = frozenset(
    {"array", "bit", "bytea", "box", "cidr", "circle", "inet", "json", "jsonb", "line", "lseg",
     "macaddr", "money", "path", "point", "polygon", "serial", "serial2", "serial4", "serial8",
     "bigserial", "smallserial", "tsquery", "tsvector", "uuid",
     "xml", "hstore", "int4range", "int8range", "numrange", "tsrange", "tstzrange", "daterange"}
)  # fmt: skip
# Stored as the text that COPY and INSERT supply.
_OPAQUE = frozenset({"geometry", "geography", "hllsketch"})
_PLAIN |= {name: name for name in _OPAQUE}
NO_KEY_TYPES = frozenset({"super", VARBYTE, *_OPAQUE})


def read_type(cursor: Cursor, column: str) -> ColumnType:
    """Take the type of a column.

    SqlError for a type that Redshift lacks, or a length, precision or scale out of range.
    """
    column_type = _read_type(cursor, column)
    if cursor.at("["):
        raise refusal("type", column=column, type=column_type.name + "[]")
    return column_type


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
        return _interval(cursor, column)
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


def _interval(cursor: Cursor, column: str) -> ColumnType:
    """Take the fields of an INTERVAL, and the precision of its seconds (r_interval_data_types)."""
    for words in _INTERVAL_FIELDS:
        if cursor.take(*words):
            name = "interval " + " ".join(words)
            break
    else:
        raise refusal("type", column=column, type="interval")
    if words[-1] != "second" or not cursor.take("("):
        return ColumnType(name)
    precision = cursor.integer()
    cursor.expect(")")
    if not 0 <= precision <= MAX_SECOND_DIGITS:
        raise SqlError(
            "22023", f"INTERVAL precision {precision} must be between 0 and {MAX_SECOND_DIGITS}"
        )
    return ColumnType(name, (precision,))


# The second words of type names: double precision, timestamp with time zone.
_SECOND_WORDS = frozenset({"precision", "varying", "with", "without", "time", "zone"})


def cast_types(tokens: Sequence[Token]) -> Iterator[int]:
    """Yield the indexes at which the types in `x::type` and CAST(x AS type) begin (which may be the
    end of the tokens).
    """
    casts = [False]
    for place, token in enumerate(tokens):
        if token.kind is Kind.SYMBOL:
            if token.value == "::":
                yield place + 1
            elif token.value == "(":
                casts.append(place > 0 and tokens[place - 1].value in ("cast", "try_cast"))
            elif token.value == ")" and len(casts) > 1:
                casts.pop()
        elif token.value == "as" and casts[-1]:
            yield place + 1


def check_casts(tokens: Sequence[Token], *, makes_table: bool) -> None:
    """Refuse arrays and casts to types that Redshift lacks, as CREATE TABLE does.

    The error names the type as the column, as PostgreSQL names the result of a cast. A statement
    that creates no table or view may contain '...'::bytea, because psycopg2 writes the bytes for a
    VARBYTE column like that.
    """
    for place in cast_types(tokens):
        name, after = _type_name(tokens, place)
        if not makes_table and name == "bytea" and tokens[place - 2].kind is Kind.STRING:
            continue
        if name in UNSUPPORTED:
            raise refusal("type", column=name, type=name)
        if value_at(tokens, after) == "[":
            raise refusal("type", column=name, type=name + "[]")
    for place, token in enumerate(tokens):
        if token.value == "array" and value_at(tokens, place + 1) == "[":
            raise refusal("type", column="array", type="array")


def _type_name(tokens: Sequence[Token], place: int) -> tuple[str, int]:
    """Return the name of a type without its schema, and the index after the type and its length."""
    while place + 2 < len(tokens) and tokens[place + 1].value == ".":
        place += 2
    name = identifier(tokens[place]) if place < len(tokens) and is_name(tokens[place]) else ""
    place += 1
    while value_at(tokens, place) in _SECOND_WORDS:
        place += 1
    if value_at(tokens, place) == "(":
        place = next((at + 1 for at in range(place, len(tokens)) if tokens[at].value == ")"), place)
    return name, place
