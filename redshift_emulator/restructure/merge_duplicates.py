"""MERGE ... REMOVE DUPLICATES becomes a DELETE of the matching rows and an INSERT of the distinct source rows. Pure.

Source: r_MERGE. It is one statement, so that both see the same rows.
"""

from __future__ import annotations

from redshift_emulator.cursor import Cursor
from redshift_emulator.restructure.source import Source


def remove_duplicates(source: Source) -> str | None:
    """Replace MERGE INTO t USING s ON c REMOVE DUPLICATES; None for other statements."""
    if source.word(0) != "merge" or [
        source.word(-2 + len(source.words)),
        source.word(len(source.words) - 1),
    ] != [
        "remove",
        "duplicates",
    ]:
        return None
    cursor = Cursor(source.sql, source.tokens)
    cursor.expect("merge", "into")
    start = cursor.index
    cursor.qualified_name()
    target = source.text(start, cursor.index)
    cursor.expect("using")
    start = cursor.index
    table = cursor.qualified_name()
    named = source.text(start, cursor.index)
    cursor.take("as")
    alias = table[-1] if cursor.at("on") else cursor.name()
    cursor.expect("on")
    condition = source.text(cursor.index, len(source.tokens) - 2)
    return (
        f"WITH removed AS (DELETE FROM {target} USING {named} AS {alias} WHERE {condition})"  # noqa: S608 - the client's SQL
        f" INSERT INTO {target} SELECT DISTINCT * FROM {named}"
    )
