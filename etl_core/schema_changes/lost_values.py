"""Finds texts that lose something when their column becomes a number, a date or a time. Pure.

A cast reports no error when it rounds decimals or drops a time of day or an offset (database developer
guide, "CAST"). A schema file that does not allow "narrow" must not lose them.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from etl_core.schema_changes.changes import Column
from etl_core.schema_files.column_types import ColumnType, describe_type
from etl_core.sql import Text, identifier

_MOST_DIGITS, _MOST_DECIMALS = 38, 37
_WIDER = {
    "date": ColumnType("timestamp without time zone"),
    "timestamp without time zone": ColumnType("timestamp with time zone"),
    "time without time zone": ColumnType("time with time zone"),
}


def select_lost_values(
    table: sa.Table, actual: Column, desired: Column, name: str
) -> sa.Select[Any] | None:
    """Select a text that the column `name`, filled from it, does not hold, and what it holds instead.

    Return None if nothing can be lost. The column of the texts has the name of `desired`. REAL and
    DOUBLE PRECISION are left out: they round almost every number. So is what is smaller than a
    microsecond.
    """
    kind, wider = describe_type(actual.type), _wider(describe_type(desired.type))
    if not kind.is_text or wider is None:
        return None
    names = identifier(str(desired.name)), identifier(name)
    source = sa.table(table.name, *(sa.column(each) for each in names), schema=table.schema)
    given, held = (source.c[each] for each in names)
    is_other = sa.cast(sa.func.nullif(given, Text("")), wider) != sa.cast(held, wider)
    return sa.select(given, sa.cast(held, sa.VARCHAR(100))).where(is_other).limit(1)


def _wider(kind: ColumnType) -> Any:
    """Return a type that holds what a cast to this type drops; None if there is none."""
    if kind.name in _WIDER:
        return _WIDER[kind.name].to_sqlalchemy()
    if kind.name != "numeric":
        return None
    precision, scale = kind.arguments
    decimals = min(_MOST_DECIMALS, _MOST_DIGITS - (precision - scale))
    return sa.NUMERIC(_MOST_DIGITS, decimals) if decimals > scale else None
