"""Finds rows of an upsert's file whose keys do not identify them: two rows with one key, or an empty key. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal, InvalidOperation

from etl_core.csv_files.rows import CsvRow
from etl_core.schema_files.column_types import ColumnType
from etl_core.schema_files.schema_file import SchemaFile

MAX_KEYS = 1_000_000
"""So many different keys are remembered, in about 100 MB: a key that is repeated later may not be found."""

_BOOLEANS = {
    **dict.fromkeys(("t", "true", "y", "yes", "1"), "t"),
    **dict.fromkeys(("f", "false", "n", "no", "0"), "f"),
}


@dataclass(frozen=True)
class KeyFault:
    """A key that several rows have, or that is empty. `earlier`: the line of the first row with the same key."""

    line: int
    value: tuple[str, ...]
    earlier: int | None = None


def find_key_fault(
    rows: Iterable[CsvRow], columns: Sequence[str], key: Sequence[str], spec: SchemaFile
) -> KeyFault | None:
    """Return the first fault of the keys; of a repeated key, its first two lines.

    `columns` are the file's, in its order, with all of `key`. Rows that COPY refuses are not looked
    at, nor are NULLs, which COPY refuses in a key. Raises InvalidDataFileError.
    """
    by_name = {column.name: column.type for column in spec.columns}
    places = [columns.index(name) for name in key]
    kinds = [by_name[name] for name in key]
    readings = [_reading(kind) for kind in kinds]
    null_as = spec.csv.null_as
    lines: dict[int, int] = {}
    for row in rows:
        if row.fault is not None or len(row.fields) != len(columns):
            continue
        value = tuple(row.fields[place] for place in places)
        if null_as is not None and null_as in value:
            continue
        if any(
            kind.is_text and not each.strip(" ") for kind, each in zip(kinds, value, strict=True)
        ):
            return KeyFault(row.line, value)
        digest = hash(tuple(read(each) for read, each in zip(readings, value, strict=True)))
        earlier = lines.get(digest)
        if earlier is not None:
            return KeyFault(row.line, value, earlier)
        if len(lines) < MAX_KEYS:
            lines[digest] = row.line
    return None


def _reading(kind: ColumnType) -> Callable[[str], str]:
    """Return what makes texts equal that COPY loads as equal values; dates and times are compared as texts."""
    if kind.is_text:
        return lambda text: text.rstrip(" ")
    if kind.is_integer:
        return _integer
    if kind.name == "numeric":
        return _numeric(kind.arguments[1])
    if kind.name == "boolean":
        return lambda text: _BOOLEANS.get(text.strip().lower(), text)
    return str.strip


def _integer(text: str) -> str:
    try:
        return str(int(text))
    except ValueError:
        return text


def _numeric(scale: int) -> Callable[[str], str]:
    """COPY cuts surplus decimals off."""
    unit = Decimal(1).scaleb(-scale)

    def read(text: str) -> str:
        try:
            return str(Decimal(text.strip()).quantize(unit, ROUND_DOWN) + 0)
        except InvalidOperation:
            return text

    return read
