"""Find values that a plan lost.

An oracle that is independent of SQL: it compares what a client reads before and after.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from decimal import Decimal
from itertools import permutations
from math import isclose
from typing import Any

import sqlalchemy as sa

from etl_core.schema_changes.changes import Column
from etl_core.schema_files.column_types import describe_type
from etl_core.schema_files.default_values import Default, parse_server_default
from etl_core.schema_files.schema_file import DefaultFunction

Row = Sequence[Any]
_TEXTS = ("character", "character varying")
_FLOATS = {"real": 1e-5, "double precision": 1e-14}
_INTEGERS = ("smallint", "integer", "bigint")


def lost_values(
    actual: sa.Table, before: Sequence[Row], desired: sa.Table, after: Sequence[Row], live: sa.Table
) -> str:
    """Return what was lost: empty if every row of `before` is in `after`, in any order.

    Rows of `before` have the columns of `actual`, rows of `after` have the columns of `live`.
    """
    if len(before) != len(after):
        return f"{len(before)} rows became {len(after)}"
    index_before, index_after = _indexes(actual), _indexes(live)
    kept = [
        (a, d, index_before[str(a.name)], index_after[str(d.name)])
        for a, d in _same_columns(actual, desired)
    ]
    kept_names = {str(d.name) for _, d, _, _ in kept}
    new = [
        (column, index_after[str(column.name)])
        for column in desired.columns
        if str(column.name) not in kept_names
    ]

    def is_same_row(row: Row, other: Row) -> bool:
        return all(is_kept(row[i], other[j], a, d) for a, d, i, j in kept) and all(
            is_default(other[j], column) for column, j in new
        )

    if any(all(map(is_same_row, before, order)) for order in permutations(after)):
        return ""
    return f"{list(before)} became {list(after)}"


def _same_columns(actual: sa.Table, desired: sa.Table) -> Iterator[tuple[Column, Column]]:
    for column in desired.columns:
        name = column.name if column.name in actual.columns else column.info.get("renamed_from")
        if name is not None and name in actual.columns:
            yield actual.columns[name], column


def _indexes(table: sa.Table) -> dict[str, int]:
    return {str(column.name): index for index, column in enumerate(table.columns)}


def is_default(value: Any, column: Column) -> bool:
    """Return whether the value is the one that existing rows get in a new column."""
    default: Default = parse_server_default(column.server_default, describe_type(column.type))
    if default is None or value is None or isinstance(default, DefaultFunction):
        return (value is None) is (default is None)
    return _same(default, value, describe_type(column.type).name)


def is_kept(before: Any, after: Any, actual: Column, desired: Column) -> bool:
    """Return whether `after` is `before`, as far as the desired type can hold it.

    An empty text becomes NULL in a type that is not a text.
    """
    actual_type, desired_type = describe_type(actual.type), describe_type(desired.type)
    if isinstance(before, str) and actual_type.name in _TEXTS and desired_type.name not in _TEXTS:
        before = before if actual_type.name == "character varying" else before.rstrip(" ")
        before = before or None
    if before is None or after is None:
        return before is after
    if actual_type == desired_type:
        return bool(before == after)
    return _same(before, after, desired_type.name)


def _same(before: Any, after: Any, kind: str) -> bool:
    if kind in _TEXTS:
        return _is_text_of(before, str(after))
    if kind in _INTEGERS:
        number = int(before) if isinstance(before, bool) else before
        return abs(Decimal(str(number)) - after) <= Decimal("0.5")
    if kind == "numeric":
        return abs(Decimal(str(before)) - after) <= Decimal("0.5").scaleb(after.as_tuple().exponent)
    if kind in _FLOATS:
        return isclose(float(before), after, rel_tol=_FLOATS[kind])
    if kind == "binary varying":
        return bool(before == after)
    if kind == "boolean":
        return bool(before) is after
    return _is_datetime_of(before, after)


def _is_text_of(before: Any, after: str) -> bool:
    if isinstance(before, str):
        return before.rstrip() == after.rstrip()
    if isinstance(before, (int, float, Decimal)):
        return isclose(float(before), float(after), rel_tol=1e-5)
    return _is_datetime_of(after.rstrip(), before)


def _is_datetime_of(before: Any, after: Any) -> bool:
    """Compare the date and the time of day if both values have them. All values are UTC."""
    pairs = zip(_parts(before), _parts(after), strict=True)
    shared = [(a, b) for a, b in pairs if a is not None and b is not None]
    return bool(shared) and all(a == b for a, b in shared)


def _parts(value: Any) -> tuple[dt.date | None, dt.time | None]:
    match value:
        case str():
            return _parts_of_text(value)
        case dt.datetime():
            return value.date(), value.time()
        case dt.date():
            return value, None
        case dt.time():
            return None, value.replace(tzinfo=None)
    raise TypeError(f"{value!r} is neither a date nor a time")


def _parts_of_text(text: str) -> tuple[dt.date | None, dt.time | None]:
    if text[2:3] == ":":
        return None, dt.time.fromisoformat(text[:8])
    return _parts(dt.datetime.fromisoformat(text) if ":" in text else dt.date.fromisoformat(text))
