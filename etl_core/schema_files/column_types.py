"""Redshift's column types: the spellings that a schema file may use, and the canonical form, which is the catalog's.

Source: database developer guide, "Data types". The lengths of CHAR and VARCHAR are in bytes;
VARCHAR and TEXT without a length have 256 bytes; NUMERIC without arguments is (18,0).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.types import TypeEngine
from sqlalchemy_redshift import dialect as redshift

from etl_core.schema_files.foreign_types import similar_type, translate
from etl_core.schema_files.messages import (
    TYPE_ARGUMENTS,
    TYPE_FOREIGN,
    TYPE_LENGTH,
    TYPE_MISSPELT,
    TYPE_PRECISION,
    TYPE_UNKNOWN,
    TYPE_UNREADABLE,
    TYPE_WITHOUT_ARGUMENTS,
    TYPE_WITHOUT_LENGTH,
)
from etl_core.schema_files.sql_types import (
    GEOGRAPHY,
    INTERVALDAYTOSECOND,
    INTERVALYEARTOMONTH,
    VARBYTE,
    UnknownType,
)

DIALECT = redshift.RedshiftDialect_psycopg2()
_TYPE = re.compile(
    r"\s*([a-z][a-z0-9_ ]*?)\s*(?:\(\s*([^()]*?)\s*\))?((?:\s+with(?:out)?\s+time\s+zone)?)\s*",
    re.IGNORECASE,
)

_ALIASES = {
    "int2": "smallint", "int": "integer", "int4": "integer", "int8": "bigint",
    "decimal": "numeric", "dec": "numeric", "float4": "real", "float8": "double precision", "float": "double precision",
    "bool": "boolean", "char": "character", "nchar": "character", "varchar": "character varying",
    "nvarchar": "character varying", "text": "character varying", "bpchar": "character",
    "time": "time without time zone", "timetz": "time with time zone", "timestamp": "timestamp without time zone",
    "timestamptz": "timestamp with time zone", "varbyte": "binary varying", "varbinary": "binary varying",
}  # fmt: skip
_PLAIN: dict[str, Any] = {
    "smallint": sa.SMALLINT, "integer": sa.INTEGER, "bigint": sa.BIGINT, "real": sa.REAL,
    "double precision": sa.DOUBLE_PRECISION, "boolean": sa.BOOLEAN, "date": sa.DATE,
    "time without time zone": sa.TIME, "time with time zone": redshift.TIMETZ,
    "timestamp without time zone": sa.TIMESTAMP, "timestamp with time zone": redshift.TIMESTAMPTZ,
    "super": redshift.SUPER, "geometry": redshift.GEOMETRY, "geography": GEOGRAPHY, "hllsketch": redshift.HLLSKETCH,
    "interval year to month": INTERVALYEARTOMONTH, "interval day to second": INTERVALDAYTOSECOND,
}  # fmt: skip
_WITH_LENGTH: dict[str, Any] = {
    "character": sa.CHAR, "character varying": sa.VARCHAR, "binary varying": VARBYTE,
}  # fmt: skip
MAX_LENGTHS = {"character": 4096, "character varying": 65535, "binary varying": 16_777_216}
"""The maximum length of the types that have one, in bytes."""
WITHOUT_LENGTH = frozenset({"text", "bpchar"})
"""Spellings of these types that take no length."""
_HIDDEN_LIMITS = {
    "text": "VARCHAR(256)", "varchar": "VARCHAR(256)", "nvarchar": "VARCHAR(256)", "character varying": "VARCHAR(256)",
    "char": "CHAR(1)", "character": "CHAR(1)", "nchar": "CHAR(1)",
    "numeric": "NUMERIC(18,0)", "decimal": "NUMERIC(18,0)", "dec": "NUMERIC(18,0)",
}  # fmt: skip
"""What types without arguments mean, where that surprises."""
MAX_PRECISION, MAX_SCALE = 38, 37
_COMMON = "VARCHAR(n), INTEGER, NUMERIC(p,s), TIMESTAMP, BOOLEAN"

_INTEGER_LIMITS = {"smallint": 2**15, "integer": 2**31, "bigint": 2**63}
_NUMBERS = frozenset({*_INTEGER_LIMITS, "numeric", "real", "double precision"})
_TEXTS = frozenset({"character", "character varying"})
_DATETIMES = frozenset({"date", "timestamp without time zone", "timestamp with time zone"})
_TIMES = frozenset({"time without time zone", "time with time zone"})
_NOT_KEYS = frozenset(
    {
        "super",
        "geometry",
        "geography",
        "hllsketch",
        "binary varying",
        "interval year to month",
        "interval day to second",
    }
)


@dataclass(frozen=True)
class ColumnType:
    """A type in its canonical form, as the catalog names it: `character varying` and (50,)."""

    name: str
    arguments: tuple[int, ...] = ()

    def __str__(self) -> str:
        """Return the text of the catalog's format_type(): `character varying(50)`."""
        return f"{self.name}({','.join(map(str, self.arguments))})" if self.arguments else self.name

    @classmethod
    def from_canonical(cls, text: str) -> ColumnType:
        """Read the text that str() wrote.

        No rule is checked: a type that was accepted once stays readable.
        """
        name, _, arguments = text.removesuffix(")").partition("(")
        return cls(name, tuple(int(part) for part in arguments.split(",") if part))

    @property
    def is_integer(self) -> bool:
        """SMALLINT, INTEGER or BIGINT."""
        return self.name in _INTEGER_LIMITS

    @property
    def integer_limit(self) -> int:
        """The values of an integer type are from -limit to limit - 1.

        Raises KeyError for another type.
        """
        return _INTEGER_LIMITS[self.name]

    @property
    def is_number(self) -> bool:
        """An integer type, NUMERIC, REAL or DOUBLE PRECISION."""
        return self.name in _NUMBERS

    @property
    def is_text(self) -> bool:
        """CHAR or VARCHAR."""
        return self.name in _TEXTS

    @property
    def is_datetime(self) -> bool:
        """DATE, TIMESTAMP or TIMESTAMPTZ."""
        return self.name in _DATETIMES

    @property
    def is_time(self) -> bool:
        """TIME or TIMETZ: a time of day without a date."""
        return self.name in _TIMES

    @property
    def can_be_key(self) -> bool:
        """Whether a column of the type may be a distribution or sort key."""
        return self.name not in _NOT_KEYS

    @property
    def can_be_upsert_key(self) -> bool:
        """Whether rows can be found by their value of the type: it is compared exactly."""
        return self.can_be_key and self.name not in ("real", "double precision")

    def to_sqlalchemy(self) -> TypeEngine[Any]:
        """Return the SQLAlchemy type that the Redshift dialect renders as this type.

        Raises ValueError if there is none.
        """
        if self.name == "numeric":
            precision, scale = self.arguments
            return sa.NUMERIC(precision, scale)
        made: TypeEngine[Any]
        if self.name in _WITH_LENGTH:
            made = _WITH_LENGTH[self.name](self.arguments[0])
        elif self.name in _PLAIN:
            made = _PLAIN[self.name]()
        else:
            raise ValueError(TYPE_UNKNOWN(text=str(self), known=_COMMON))
        return made


def describe_type(kind: TypeEngine[Any]) -> ColumnType:
    """Return the canonical form of a SQLAlchemy type.

    SQLAlchemy types do not compare by value; these do.
    """
    return _describe_own(kind) or parse_column_type(kind.compile(dialect=DIALECT))


def unknown_type_of(column: sa.Column[Any]) -> str | None:
    """Return the catalog's name of a type that parse_column_type does not know; None for a known type."""
    return column.type.text if isinstance(column.type, UnknownType) else None


_OWN_NAMES = {made: name for name, made in (_PLAIN | _WITH_LENGTH).items()}


def _describe_own(kind: TypeEngine[Any]) -> ColumnType | None:
    """Return the canonical form of a type such as to_sqlalchemy makes it, or of an unknown one; None for any other."""
    if isinstance(kind, UnknownType):
        return ColumnType(kind.text)
    if isinstance(kind, sa.NUMERIC) and kind.precision is not None and kind.scale is not None:
        return ColumnType("numeric", (kind.precision, kind.scale))
    name = _OWN_NAMES.get(type(kind))
    if name is None:
        return None
    if name in _WITH_LENGTH:
        length: int | None = getattr(kind, "length", None)
        return None if length is None else ColumnType(name, (length,))
    # sa.TIMESTAMP(timezone=True) has the class of the type without a time zone.
    has_other_zone = name.endswith("without time zone") and getattr(kind, "timezone", False)
    return None if has_other_zone else ColumnType(name)


def parse_column_type(text: str) -> ColumnType:
    """Parse a type as a schema file or the catalog writes it.

    Raises ValueError with the text and the rule.
    """
    # Runs of blanks are collapsed first: the pattern could split them among its parts in very many ways.
    match = _TYPE.fullmatch(" ".join(text.split()))
    if not match:
        if meant := translate(text):
            raise ValueError(TYPE_FOREIGN(text=text, meant=meant))
        raise ValueError(TYPE_UNREADABLE(text=text))
    written, arguments_text, zone = match.groups()
    base = " ".join(written.lower().split())
    name = _ALIASES.get(base, base) if not zone else " ".join(f"{base}{zone}".lower().split())
    if name != "numeric" and name not in _PLAIN and name not in _WITH_LENGTH:
        raise ValueError(_unknown(text))
    arguments = _arguments(text, base, arguments_text)
    return _CHECKS.get(name, _without_arguments)(text, name, base, arguments)


def _unknown(text: str) -> str:
    if meant := translate(text):
        return TYPE_FOREIGN(text=text, meant=meant)
    if similar := similar_type(text, known_types()):
        return TYPE_MISSPELT(text=text, meant=similar)
    return TYPE_UNKNOWN(text=text, known=_COMMON)


def hidden_limit(text: str) -> str | None:
    """Return the type that a valid text means, if it has a limit that the text does not show: TEXT
    holds 256 bytes, DECIMAL no decimals. None for any other type.
    """
    return _HIDDEN_LIMITS.get(" ".join(text.lower().split()))


def known_types() -> tuple[str, ...]:
    """Return the type names that a schema file may use, in upper case."""
    short = {
        "character": "CHAR",
        "character varying": "VARCHAR",
        "binary varying": "VARBYTE",
        "numeric": "NUMERIC",
    }
    named = set(_ALIASES) | set(_PLAIN) | set(short)
    long = ("double precision", "interval year to month", "interval day to second")
    return tuple(sorted(name.upper() for name in named if " " not in name or name in long))


def spellings(name: str) -> tuple[str, ...]:
    """Return every spelling of a canonical type name, in lower case, without arguments."""
    return (name, *(alias for alias, meant in _ALIASES.items() if meant == name))


def type_names() -> tuple[str, ...]:
    """Return the canonical names of all types."""
    return tuple(dict.fromkeys([*_PLAIN, *_ALIASES.values()]))


def _arguments(text: str, base: str, arguments_text: str | None) -> tuple[int, ...]:
    if arguments_text is None:
        return ()
    if arguments_text.strip().lower() == "max" and base in (
        "varchar",
        "character varying",
        "nvarchar",
    ):
        return (MAX_LENGTHS["character varying"],)
    parts = [part.strip() for part in arguments_text.split(",")]
    if not all(part.isascii() and part.isdigit() and len(part) < 10 for part in parts):
        raise ValueError(TYPE_ARGUMENTS(text=text))
    return tuple(int(part) for part in parts)


def _without_arguments(text: str, name: str, base: str, arguments: tuple[int, ...]) -> ColumnType:
    if arguments:
        raise ValueError(TYPE_WITHOUT_ARGUMENTS(text=text, type=base.upper()))
    return ColumnType(name)


def _numeric(text: str, name: str, base: str, arguments: tuple[int, ...]) -> ColumnType:
    precision, scale = (*arguments, 0)[:2] if arguments else (18, 0)
    if (
        len(arguments) > 2
        or not 1 <= precision <= MAX_PRECISION
        or not 0 <= scale <= min(MAX_SCALE, precision)
    ):
        raise ValueError(TYPE_PRECISION(text=text, precision=MAX_PRECISION, scale=MAX_SCALE))
    return ColumnType(name, (precision, scale))


def _length(text: str, name: str, base: str, arguments: tuple[int, ...]) -> ColumnType:
    limit = MAX_LENGTHS[name]
    default = {
        "character": 256 if base == "bpchar" else 1,
        "character varying": 256,
        "binary varying": 64_000,
    }[name]
    if base in WITHOUT_LENGTH and arguments:
        raise ValueError(TYPE_WITHOUT_LENGTH(text=text, type=base.upper(), size=default))
    length = arguments[0] if arguments else default
    if len(arguments) > 1 or not 1 <= length <= limit:
        raise ValueError(TYPE_LENGTH(text=text, limit=limit))
    return ColumnType(name, (length,))


_CHECKS = {
    "numeric": _numeric,
    "character": _length,
    "character varying": _length,
    "binary varying": _length,
}
