"""Parquet files, read for COPY and written for UNLOAD. Needs the package pyarrow, which is optional.

Errors are worded as users report those of Redshift Spectrum, which reads Parquet for COPY. Not confirmed: which
integer types fit which columns (here each has one), and that decimals of any precision are converted.
"""

from __future__ import annotations

import importlib
import json
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from redshift_emulator.copy.columns import Column, Kind
from redshift_emulator.copy.records import Record
from redshift_emulator.copy.service_errors import service_error
from redshift_emulator.errors import SqlError
from redshift_emulator.refusals import refusal

_BATCH_ROWS = 10_000
_MEMORY_BYTES = 8 * 1024 * 1024

_TEXTS = frozenset({Kind.CHAR, Kind.VARCHAR})
_FITS = {
    "bool": {Kind.BOOLEAN},
    "int8": {Kind.SMALLINT},
    "int16": {Kind.SMALLINT},
    "int32": {Kind.INTEGER},
    "int64": {Kind.BIGINT},
    "float": {Kind.REAL},
    "double": {Kind.DOUBLE},
    "decimal128": {Kind.NUMERIC},
    "string": _TEXTS,
    "large_string": _TEXTS,
    "binary": _TEXTS | {Kind.VARBYTE},
    "large_binary": _TEXTS | {Kind.VARBYTE},
    "date32": {Kind.DATE},
    "timestamp": {Kind.TIMESTAMP, Kind.TIMESTAMPTZ},
    "time64": {Kind.TIME},
}
_NESTED = frozenset({"struct", "list", "large_list", "map"})


def _pyarrow(command: str) -> tuple[Any, Any]:
    """Return pyarrow and its module for Parquet. SqlError if the package is not installed."""
    try:
        return importlib.import_module("pyarrow"), importlib.import_module("pyarrow.parquet")
    except ImportError as error:
        raise refusal("emulator parquet", command=command) from error


class ParquetReader:
    """Reads one file as records. The whole file is kept until its end, on disk if it is large."""

    def __init__(self, url: str, columns: Sequence[Column], *, serialize_to_json: bool) -> None:
        self._arrow, self._parquet = _pyarrow("COPY ... FORMAT PARQUET")
        self._url = url
        self._columns = columns
        self._serialize_to_json = serialize_to_json
        self._file = tempfile.SpooledTemporaryFile(_MEMORY_BYTES)  # noqa: SIM115 - closed in finish()

    def feed(self, data: bytes) -> Iterable[Record]:
        """Keep the data: the description of the columns is at the end of the file."""
        self._file.write(data)
        return ()

    def finish(self) -> Iterator[Record]:
        """Yield the rows. SqlError for a file that is not Parquet or does not fit the columns."""
        with self._file:
            try:
                source = self._parquet.ParquetFile(self._file)
                self._check(source.schema_arrow)
                line = 0
                for batch in source.iter_batches(_BATCH_ROWS):
                    lists = [
                        self._texts(*pair)
                        for pair in zip(batch.columns, self._columns, strict=True)
                    ]
                    for values in zip(*lists, strict=True):
                        line += 1
                        yield Record(line, b"", values)
            except (self._arrow.ArrowException, OSError) as error:
                raise _scan_error(
                    f"File '{self._url}' has an invalid version number: {error}"
                ) from error

    def _check(self, schema: Any) -> None:
        if len(schema) != len(self._columns):
            raise _scan_error(
                "Unmatched number of columns between table and file. "
                f"Table columns: {len(self._columns)}, Data columns: {len(schema)}, File name: {self._url}"
            )
        for field, column in zip(schema, self._columns, strict=True):
            if not self._fits(field.type, column):
                raise _scan_error(
                    f"File '{self._url}' has an incompatible Parquet schema for column "
                    f"'{self._url}.{column.name}'. Column type: {column.kind.value.upper()}, "
                    f"Parquet schema: {field.type} {field.name}"
                )

    def _fits(self, arrow_type: Any, column: Column) -> bool:
        name = _type_name(arrow_type)
        if name in _NESTED:
            return column.kind is Kind.SUPER and self._serialize_to_json
        return column.kind in _FITS.get(name, frozenset())

    def _texts(self, values: Any, column: Column) -> list[bytes | None]:
        """Return a column's values as COPY reads them from a text file."""
        if _type_name(values.type) == "timestamp":
            zone = values.type.tz
            values = values.cast(self._arrow.timestamp("us", zone), safe=False)
        render = _renderer(column)
        return [None if value is None else render(value) for value in values.to_pylist()]


def _type_name(arrow_type: Any) -> str:
    return str(arrow_type).partition("[")[0].partition("(")[0].partition("<")[0]


def _renderer(column: Column) -> Callable[[Any], bytes]:
    if column.kind is Kind.SUPER:
        return lambda value: json.dumps(value, default=str, separators=(",", ":")).encode()
    if column.kind is Kind.VARBYTE:
        return lambda value: bytes(value).hex().encode()
    return _render


def _render(value: object) -> bytes:
    match value:
        case bytes():
            return value
        case bool():
            return b"true" if value else b"false"
        case datetime():
            return value.isoformat(" ").encode()
        case _:
            return str(value).encode()


def _scan_error(message: str) -> SqlError:
    return service_error(f"Spectrum Scan Error. {message}", code=15001)


def write_parquet(
    columns: Sequence[tuple[str, int, int]], rows: Sequence[Sequence[str | None]], file: Any
) -> None:
    """Write rows of text. A column is a name with the number and the modifier of its PostgreSQL type."""
    arrow, parquet = _pyarrow("UNLOAD ... FORMAT PARQUET")
    arrays = []
    for place, (_, oid, modifier) in enumerate(columns):
        arrow_type, read = _arrow_type(arrow, oid, modifier)
        values = [None if row[place] is None else read(row[place]) for row in rows]
        arrays.append(arrow.array(values, arrow_type))
    table = arrow.Table.from_arrays(arrays, names=[name for name, _, _ in columns])
    parquet.write_table(table, file, compression="snappy")


def _arrow_type(arrow: Any, oid: int, modifier: int) -> tuple[Any, Callable[[Any], object]]:
    """Return the type of a column, and the function that reads its text."""
    match oid:
        case 16:
            return arrow.bool_(), lambda text: text == "t"
        case 21:
            return arrow.int16(), int
        case 23:
            return arrow.int32(), int
        case 20:
            return arrow.int64(), int
        case 700:
            return arrow.float32(), float
        case 701:
            return arrow.float64(), float
        case 1700:
            precision, scale = (
                ((modifier - 4) >> 16, (modifier - 4) & 0x7FF) if modifier > 3 else (38, 10)
            )
            return arrow.decimal128(precision, scale), Decimal
        case 1082:
            return arrow.date32(), date.fromisoformat
        case 1114:
            return arrow.timestamp("us"), datetime.fromisoformat
        case 1184:
            return arrow.timestamp("us", "UTC"), datetime.fromisoformat
        case 6551:
            return arrow.binary(), bytes.fromhex
        case _:
            return arrow.string(), str
