"""Redshift's column types: what a schema file may write, and the one form in which the catalog shows it.

Source: database developer guide, "Data types"; lengths of CHAR and VARCHAR are bytes, VARCHAR and TEXT without a length are
256 bytes, NUMERIC without arguments is (18,0).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.types import TypeEngine, UserDefinedType
from sqlalchemy_redshift import dialect as redshift


class VARBYTE(UserDefinedType[bytes]):
    """VARBYTE(n); sqlalchemy-redshift 1.0 does not have it."""

    cache_ok = True

    def __init__(self, length: int) -> None:
        self.length = length

    def get_col_spec(self, **_: object) -> str:
        return f"VARBYTE({self.length})"


class GEOGRAPHY(UserDefinedType[bytes]):
    """GEOGRAPHY; sqlalchemy-redshift 1.0 does not have it."""

    cache_ok = True

    def get_col_spec(self, **_: object) -> str:
        return "GEOGRAPHY"


class INTERVALYEARTOMONTH(UserDefinedType[str]):
    """INTERVAL YEAR TO MONTH; SQLAlchemy's INTERVAL renders PostgreSQL's fields only for its own dialect."""

    cache_ok = True

    def get_col_spec(self, **_: object) -> str:
        return "INTERVAL YEAR TO MONTH"


class INTERVALDAYTOSECOND(UserDefinedType[str]):
    """INTERVAL DAY TO SECOND."""

    cache_ok = True

    def get_col_spec(self, **_: object) -> str:
        return "INTERVAL DAY TO SECOND"


DIALECT = redshift.RedshiftDialect_psycopg2()
_SHAPE = re.compile(
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
MAX_LENGTHS = {"character": 4096, "character varying": 65535, "binary varying": 16_777_216}
"""The longest that a type with a length may be, in bytes."""
WITHOUT_LENGTH = frozenset({"text", "bpchar"})
"""Spellings of such types that take no length."""
MAX_PRECISION, MAX_SCALE = 38, 37
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
    """A type as the catalog names it: `character varying` and (50,)."""

    name: str
    arguments: tuple[int, ...] = ()

    def __str__(self) -> str:
        """The text of the catalog's format_type(): `character varying(50)`."""
        return f"{self.name}({','.join(map(str, self.arguments))})" if self.arguments else self.name

    @property
    def can_be_key(self) -> bool:
        """Whether a column of the type may be a distribution or sort key."""
        return self.name not in _NOT_KEYS

    def to_sqlalchemy(self) -> TypeEngine[Any]:
        """The SQLAlchemy type that the Redshift dialect renders as this type."""
        match self.name:
            case "numeric":
                precision, scale = self.arguments
                return sa.NUMERIC(precision, scale)
            case "character":
                return sa.CHAR(self.arguments[0])
            case "character varying":
                return sa.VARCHAR(self.arguments[0])
            case "binary varying":
                return VARBYTE(self.arguments[0])
            case plain:
                made: TypeEngine[Any] = _PLAIN[plain]()
                return made


def describe_type(kind: TypeEngine[Any]) -> ColumnType:
    """The catalog's form of a SQLAlchemy type. SQLAlchemy types do not compare by value; these do."""
    return parse_column_type(kind.compile(dialect=DIALECT))


def parse_column_type(text: str) -> ColumnType:
    """Reads a type as a schema file or the catalog writes it. Raises ValueError naming what was given and the rule."""
    # Without runs of blanks, which the pattern could divide among its parts in very many ways.
    match = _SHAPE.fullmatch(" ".join(text.split()))
    if not match:
        raise ValueError(
            f"{text!r} is not a column type; write one such as INTEGER, VARCHAR(100) or NUMERIC(18,2)"
        )
    written, arguments_text, zone = match.groups()
    base = " ".join(written.lower().split())
    name = _ALIASES.get(base, base) if not zone else " ".join(f"{base}{zone}".lower().split())
    if name not in _PLAIN and name not in (
        "numeric",
        "character",
        "character varying",
        "binary varying",
    ):
        raise ValueError(
            f"{text!r} is not a column type of Redshift; known are {', '.join(known_types())}"
        )
    arguments = _arguments(text, base, arguments_text)
    return _CHECKS.get(name, _without_arguments)(text, name, base, arguments)


def known_types() -> tuple[str, ...]:
    """The type names that a schema file may use, in upper case."""
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
    """All that a schema file may write for a type of the catalog, in lower case, without arguments."""
    return (name, *(alias for alias, meant in _ALIASES.items() if meant == name))


def type_names() -> tuple[str, ...]:
    """The types as the catalog names them."""
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
        raise ValueError(
            f"{text!r}: the arguments of a type are whole numbers, such as VARCHAR(100) or NUMERIC(18,2)"
        )
    return tuple(int(part) for part in parts)


def _without_arguments(text: str, name: str, base: str, arguments: tuple[int, ...]) -> ColumnType:
    if arguments:
        raise ValueError(
            f"{text!r}: {base.upper()} takes no arguments in Redshift; write {base.upper()}"
        )
    return ColumnType(name)


def _numeric(text: str, name: str, base: str, arguments: tuple[int, ...]) -> ColumnType:
    precision, scale = (*arguments, 0)[:2] if arguments else (18, 0)
    if (
        len(arguments) > 2
        or not 1 <= precision <= MAX_PRECISION
        or not 0 <= scale <= min(MAX_SCALE, precision)
    ):
        raise ValueError(
            f"{text!r}: NUMERIC(precision,scale) takes a precision of 1 to {MAX_PRECISION} and a scale of 0 to {MAX_SCALE}, not above it"
        )
    return ColumnType(name, (precision, scale))


def _length(text: str, name: str, base: str, arguments: tuple[int, ...]) -> ColumnType:
    most = MAX_LENGTHS[name]
    default = {
        "character": 256 if base == "bpchar" else 1,
        "character varying": 256,
        "binary varying": 64_000,
    }[name]
    if base in WITHOUT_LENGTH and arguments:
        raise ValueError(
            f"{text!r}: {base.upper()} takes no length in Redshift; it is {default} bytes. Write VARCHAR(n) or CHAR(n)"
        )
    length = arguments[0] if arguments else default
    if len(arguments) > 1 or not 1 <= length <= most:
        raise ValueError(f"{text!r}: the length is in bytes, from 1 to {most}")
    return ColumnType(name, (length,))


_CHECKS = {
    "numeric": _numeric,
    "character": _length,
    "character varying": _length,
    "binary varying": _length,
}
