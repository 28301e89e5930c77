"""Whether a value that a plan carried over is still there, in the words of its new type. An oracle of its own: no SQL is asked."""

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
_WHOLE = ("smallint", "integer", "bigint")


def lost_values(
    actual: sa.Table, before: Sequence[Row], desired: sa.Table, after: Sequence[Row], live: sa.Table
) -> str:
    """What no order of the rows explains: empty when every row of `before` is in `after`, column by column. Rows are in the order of
    the columns of `actual` and of `live`."""
    if len(before) != len(after):
        return f"{len(before)} rows became {len(after)}"
    here, there = _places(actual), _places(live)
    pairs = [
        (a, d, here[str(a.name)], there[str(d.name)]) for a, d in _same_columns(actual, desired)
    ]
    new = [
        (column, there[str(column.name)])
        for column in desired.columns
        if str(column.name) not in {str(d.name) for _, d, _, _ in pairs}
    ]

    def holds(row: Row, made: Row) -> bool:
        return all(is_kept(row[i], made[j], a, d) for a, d, i, j in pairs) and all(
            is_default(made[j], c) for c, j in new
        )

    if any(all(map(holds, before, order)) for order in permutations(after)):
        return ""
    return f"{list(before)} became {list(after)}"


def _same_columns(actual: sa.Table, desired: sa.Table) -> Iterator[tuple[Column, Column]]:
    for column in desired.columns:
        name = column.name if column.name in actual.columns else column.info.get("renamed_from")
        if name is not None and name in actual.columns:
            yield actual.columns[name], column


def _places(table: sa.Table) -> dict[str, int]:
    return {str(column.name): place for place, column in enumerate(table.columns)}


def is_default(value: Any, column: Column) -> bool:
    """Whether the value is what a column that was added has in the rows that were there."""
    default: Default = parse_server_default(column.server_default, describe_type(column.type))
    if default is None or value is None or isinstance(default, DefaultFunction):
        return (value is None) is (default is None)
    return _same(default, value, describe_type(column.type).name)


def is_kept(before: Any, after: Any, actual: Column, desired: Column) -> bool:
    """Whether `after` is `before`, as far as the type that the file asks for can hold it."""
    if before is None or after is None:
        return before is after
    here, wanted = describe_type(actual.type), describe_type(desired.type)
    if here == wanted:
        return bool(before == after)
    return _same(before, after, wanted.name)


def _same(before: Any, after: Any, wanted: str) -> bool:
    if wanted in _TEXTS:
        return _is_text_of(before, str(after))
    if wanted in _WHOLE:
        return abs(
            Decimal(str(int(before) if isinstance(before, bool) else before)) - after
        ) <= Decimal("0.5")
    if wanted == "numeric":
        return abs(Decimal(str(before)) - after) <= Decimal("0.5").scaleb(after.as_tuple().exponent)
    if wanted in _FLOATS:
        return isclose(float(before), after, rel_tol=_FLOATS[wanted])
    if wanted == "binary varying":
        return bool(before == after)
    if wanted == "boolean":
        return bool(before) is after
    return _is_moment_of(before, after)


def _is_text_of(before: Any, after: str) -> bool:
    if isinstance(before, str):
        return before.rstrip() == after.rstrip()
    if isinstance(before, (int, float, Decimal)):
        return isclose(float(before), float(after), rel_tol=1e-5)
    return _is_moment_of(after.rstrip(), before)


def _is_moment_of(before: Any, after: Any) -> bool:
    """Day and time of day are compared where both have them; everything is UTC here."""
    one, other = _parts(before), _parts(after)
    shared = [(a, b) for a, b in zip(one, other, strict=True) if a is not None and b is not None]
    return bool(shared) and all(a == b for a, b in shared)


def _parts(moment: Any) -> tuple[dt.date | None, dt.time | None]:
    match moment:
        case str():
            return _parts_of_text(moment)
        case dt.datetime():
            return moment.date(), moment.time()
        case dt.date():
            return moment, None
        case dt.time():
            return None, moment.replace(tzinfo=None)
    raise TypeError(f"{moment!r} is no moment")


def _parts_of_text(text: str) -> tuple[dt.date | None, dt.time | None]:
    if text[2:3] == ":":
        return None, dt.time.fromisoformat(text[:8])
    return _parts(dt.datetime.fromisoformat(text) if ":" in text else dt.date.fromisoformat(text))
