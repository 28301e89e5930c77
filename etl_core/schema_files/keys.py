"""A table's distribution, sort and primary key, as they stand in the dialect options of an sa.Table."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa


def distkey_of(table: sa.Table) -> str | None:
    """The distribution key's column."""
    key = table.dialect_options["redshift"].get("distkey")
    return str(key) if key else None


def diststyle_of(table: sa.Table) -> str:
    """AUTO, EVEN, ALL or KEY."""
    return (
        "KEY"
        if distkey_of(table)
        else str(table.dialect_options["redshift"].get("diststyle") or "AUTO")
    )


def sortkey_of(table: sa.Table) -> tuple[str, ...]:
    """The sort key's columns, in their order."""
    key: Any = table.dialect_options["redshift"].get("sortkey") or ()
    return tuple(str(part) for part in key)


def primary_key_of(table: sa.Table) -> tuple[str, ...]:
    """The primary key's columns, in their order."""
    return tuple(str(column.name) for column in table.primary_key.columns)
