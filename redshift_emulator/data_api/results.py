"""Result sets of the Data API: columns as JDBC describes them, and fields by their type.

Numbers and Booleans have a type of their own; all other values are texts (data-api, "Mapping JDBC
data types"). NaN and the infinities are texts, as AWS JSON writes them.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from redshift_emulator.wire import cooked

PAGE_ROWS = 1000
MAX_RESULT_BYTES = 100 * 1024 * 1024

Row = tuple[str | None, ...]
Field = dict[str, Any]
_AFTER_NAME = struct.Struct("!IhIhih")
_LENGTH_OFFSET = 4


@dataclass(frozen=True)
class TypeInfo:
    """How the API shows a type: its name, and the name and value of a field."""

    name: str
    precision: int = 0
    scale: int = 0
    is_signed: bool = False
    field: str = "stringValue"
    convert: Callable[[str], object] = str


def _double(text: str) -> object:
    value = float(text)
    return value if math.isfinite(value) else text


def _whole(name: str, precision: int) -> TypeInfo:
    return TypeInfo(name, precision, is_signed=True, field="longValue", convert=int)


def _fractional(name: str, digits: int) -> TypeInfo:
    return TypeInfo(name, digits, digits, is_signed=True, field="doubleValue", convert=_double)


_VARCHAR = TypeInfo("varchar")
# By the number of PostgreSQL's type.
_TYPES = {
    16: TypeInfo("bool", 1, field="booleanValue", convert=lambda text: text == "t"),
    18: TypeInfo("char", 1),
    20: _whole("int8", 19),
    21: _whole("int2", 5),
    23: _whole("int4", 10),
    26: _whole("oid", 10),
    700: _fractional("float4", 8),
    701: _fractional("float8", 17),
    1042: TypeInfo("bpchar"),
    1043: _VARCHAR,
    1082: TypeInfo("date", 13),
    1083: TypeInfo("time", 15, 6),
    1114: TypeInfo("timestamp", 29, 6),
    1184: TypeInfo("timestamptz", 35, 6),
    1266: TypeInfo("timetz", 21, 6),
    1700: TypeInfo("numeric", is_signed=True),
}
_WITH_LENGTH = ("varchar", "bpchar")


@dataclass(frozen=True)
class Column:
    """A column of a result set. `modifier` is PostgreSQL's, -1 if the type has none."""

    name: str
    type: TypeInfo
    modifier: int

    def metadata(self) -> Field:
        """Return the column as the member ColumnMetadata shows it."""
        precision, scale = self._precision_and_scale()
        return {
            "name": self.name,
            "label": self.name,
            "typeName": self.type.name,
            "precision": precision,
            "scale": scale,
            "length": 0,
            "nullable": 1,
            "isSigned": self.type.is_signed,
            "isCaseSensitive": self.type.name in _WITH_LENGTH,
            "isCurrency": False,
            "schemaName": "",
            "tableName": "",
        }

    def _precision_and_scale(self) -> tuple[int, int]:
        packed = self.modifier - _LENGTH_OFFSET
        if packed < 0:
            return self.type.precision, self.type.scale
        if self.type.name == "numeric":
            return packed >> 16, packed & 0xFFFF
        return (packed if self.type.name in _WITH_LENGTH else self.type.precision), self.type.scale

    def field(self, value: str | None) -> Field:
        """Return a value as the member Records shows it."""
        if value is None:
            return {"isNull": True}
        return {self.type.field: self.type.convert(value)}


def parse_columns(body: bytes) -> tuple[Column, ...]:
    """Return the columns of a RowDescription."""
    columns, place = [], 2
    for _ in range(struct.unpack_from("!H", body)[0]):
        end = body.index(b"\0", place)
        _, _, type_number, _, modifier, _ = _AFTER_NAME.unpack_from(body, end + 1)
        columns.append(Column(cooked(body[place:end]), _TYPES.get(type_number, _VARCHAR), modifier))
        place = end + 1 + _AFTER_NAME.size
    return tuple(columns)


@dataclass(frozen=True)
class ResultSet:
    """The rows of a statement that returns rows. There may be none."""

    columns: Sequence[Column]
    rows: Sequence[Row]

    def page(self, start: int) -> dict[str, Any]:
        """Return the response of GetStatementResult from a row on."""
        end = start + PAGE_ROWS
        page: dict[str, Any] = {
            "Records": [
                [column.field(value) for column, value in zip(self.columns, row, strict=True)]
                for row in self.rows[start:end]
            ],
            "ColumnMetadata": [column.metadata() for column in self.columns],
            "TotalNumRows": len(self.rows),
        }
        return page | ({"NextToken": str(end)} if end < len(self.rows) else {})


def size_of(row: Row) -> int:
    """Return the size of a row in bytes, roughly."""
    return sum(len(value) for value in row if value is not None)
