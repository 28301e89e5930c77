"""Late-binding views (WITH NO SCHEMA BINDING) that name a column which a plan drops or renames. Pure.

Redshift keeps no dependency of such a view on its tables, so it refuses no change; the view fails
when it is next queried. Which tables a view reads is only in its text. So this is a search for
names, good enough for a warning, not for a refusal.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import Any

import sqlalchemy as sa

from etl_core.model.names import fold
from etl_core.model.table_ref import TableRef
from etl_core.schema_changes.messages import LATE_BINDING_VIEW
from etl_core.schema_files.sql_types import NAME
from etl_core.sql import catalog_table

_VIEWS = catalog_table("pg_views", "schemaname", "viewname", "definition")
_SKIPPED = re.compile(r"--[^\n]*|/\*.*?\*/|'(?:[^'\\]|\\.|'')*'", re.DOTALL)
_TOKEN = re.compile(r'"(?:[^"]|"")+"|[^\W\d][\w$]*|\.')


def select_candidates(table: TableRef) -> sa.Select[Any]:
    """Return the query for the views whose text has the table's name: a row (schemaname, viewname, definition)."""
    views = _VIEWS.c
    has_name = sa.func.strpos(sa.func.lower(views.definition), table.name) > 0
    return sa.select(views.schemaname, views.viewname, views.definition).where(has_name)


def select_late_binding_columns() -> sa.Select[Any]:
    """Return the query for the late-binding views: a row (view_schema, view_name, col_name) per column.

    pg_get_late_binding_view_cols() reads every such view of the database, which can take long, and
    needs a list of the names and types of its columns.
    """
    columns = (
        sa.column("view_schema", NAME()),
        sa.column("view_name", NAME()),
        sa.column("col_name", NAME()),
        sa.column("col_type", sa.VARCHAR()),
        sa.column("col_num", sa.INTEGER()),
    )
    function = sa.func.pg_get_late_binding_view_cols().table_valued(*columns)
    cols = function.render_derived(name="cols", with_types=True).c
    return sa.select(cols.view_schema, cols.view_name, cols.col_name)


def warn_late_binding_views(
    table: TableRef,
    columns: Collection[str],
    candidates: Sequence[sa.Row[Any]],
    late_binding: Sequence[sa.Row[Any]],
) -> tuple[str, ...]:
    """Return a sentence for each late-binding view and each of `columns` that it names.

    `candidates` and `late_binding` are the rows of the two queries.
    """
    shown: dict[tuple[str, str], set[str]] = defaultdict(set)
    for row in late_binding:
        shown[row._mapping["view_schema"], row._mapping["view_name"]].add(row._mapping["col_name"])
    texts = {
        (row._mapping["schemaname"], row._mapping["viewname"]): row._mapping["definition"]
        for row in candidates
    }
    return tuple(
        LATE_BINDING_VIEW(view_schema=view[0], view=view[1], column=column)
        for view in sorted(texts.keys() & shown.keys())
        for column in sorted(_named(texts[view] or "", table, columns, shown[view]))
    )


def _named(
    text: str, table: TableRef, columns: Collection[str], shown: Collection[str]
) -> set[str]:
    """Return which of `columns` a view names, if it names the table.

    `shown` are the columns of the view itself: SELECT * names none in its text.
    """
    names = _names(text)
    triples = zip(names, names[1:], names[2:], strict=False)
    if (table.schema, ".", table.name) not in triples:
        return set()
    return {column for column in columns if column in names or column in shown}


def _names(text: str) -> list[str]:
    """Return the identifiers and dots of a statement, folded; not those in comments and literals."""
    tokens = _TOKEN.findall(_SKIPPED.sub(" ", text))
    return [fold(token.strip('"').replace('""', '"')) for token in tokens]
