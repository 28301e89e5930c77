"""Lateral column aliases: `SELECT a + 1 AS b, b * 2`. Pure. Source: r_SELECT_list.

A column has priority over an alias of the same name, and only PostgreSQL knows the columns. So an alias is replaced
when PostgreSQL has found no column of its name.
"""

from __future__ import annotations

from collections.abc import Set

from redshift_emulator.lexer import Edit, splice
from redshift_emulator.restructure.qualify import with_aliases
from redshift_emulator.restructure.select import selects
from redshift_emulator.restructure.source import Source


def lateral_alias(source: Source, names: Set[str] | None = None) -> str | None:
    """Return the statement with its lateral aliases, or those of `names`, replaced by their expressions.

    None if there are none.
    """
    edits: list[Edit] = []
    for select in selects(source):
        expressions: dict[str, str] = {}
        for item in select.items():
            if item.first >= item.end:
                continue
            text = source.text(item.first, item.end)
            replaced = with_aliases(source, item.first, item.end, expressions)
            if replaced != text:
                start, end = source.tokens[item.first].start, source.tokens[item.end - 1].end
                if not any(edit.start <= start and end <= edit.end for edit in edits):
                    edits.append(Edit(start, end, replaced))
            if item.has_alias and (names is None or item.name in names):
                expressions[item.name] = replaced
    return splice(source.sql, edits) if edits else None
