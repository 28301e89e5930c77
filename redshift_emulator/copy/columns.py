"""The target columns of a COPY: Redshift type, limits, and whether NULL is allowed. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from redshift_emulator.context import ColumnInfo


class Kind(Enum):
    """A Redshift type. The value is the name that the load-error views show."""

    SMALLINT = "int2"
    INTEGER = "int4"
    BIGINT = "int8"
    NUMERIC = "numeric"
    REAL = "float4"
    DOUBLE = "float8"
    BOOLEAN = "bool"
    CHAR = "char"
    VARCHAR = "varchar"
    DATE = "date"
    TIME = "time"
    TIMETZ = "timetz"
    TIMESTAMP = "timestamp"
    TIMESTAMPTZ = "timestamptz"
    SUPER = "super"
    VARBYTE = "varbyte"
    GEOMETRY = "geometry"
    GEOGRAPHY = "geography"
    HLLSKETCH = "hllsketch"
    OTHER = "other"


_KINDS = {
    "smallint": Kind.SMALLINT,
    "integer": Kind.INTEGER,
    "bigint": Kind.BIGINT,
    "numeric": Kind.NUMERIC,
    "real": Kind.REAL,
    "double precision": Kind.DOUBLE,
    "boolean": Kind.BOOLEAN,
    "character": Kind.CHAR,
    "character varying": Kind.VARCHAR,
    "date": Kind.DATE,
    "time without time zone": Kind.TIME,
    "time with time zone": Kind.TIMETZ,
    "timestamp without time zone": Kind.TIMESTAMP,
    "timestamp with time zone": Kind.TIMESTAMPTZ,
    "super": Kind.SUPER,
    "binary varying": Kind.VARBYTE,
    "geometry": Kind.GEOMETRY,
    "geography": Kind.GEOGRAPHY,
    "hllsketch": Kind.HLLSKETCH,
}


@dataclass(frozen=True)
class Column:
    """One target column.

    ``length`` is in bytes (character types), ``precision`` and ``scale`` are for NUMERIC.
    """

    name: str
    kind: Kind
    length: int = 0
    precision: int = 18
    scale: int = 0
    not_null: bool = False
    identity: bool = False

    @property
    def is_character(self) -> bool:
        return self.kind in (Kind.CHAR, Kind.VARCHAR)

    @property
    def shown_length(self) -> str:
        """The length as the load-error views show it: ``18, 0`` for NUMERIC, bytes for strings, else ``0``."""
        return f"{self.precision}, {self.scale}" if self.kind is Kind.NUMERIC else str(self.length)


def column_of(info: ColumnInfo) -> Column:
    """Return the target column for a catalog column.

    COPY rejects every value of a type it does not know (``Kind.OTHER``).
    """
    return Column(
        name=info.name,
        kind=_KINDS.get(info.type_name, Kind.OTHER),
        length=info.length or 0,
        precision=18 if info.precision is None else info.precision,
        scale=info.scale or 0,
        not_null=info.not_null,
        identity=info.identity is not None,
    )
