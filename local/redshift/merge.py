"""MERGE, as Redshift narrows it (r_MERGE): a real table as source, no alias for the target, both branches in their order.
PostgreSQL runs what passes. Pure."""

from __future__ import annotations

from local.redshift.cursor import Cursor
from local.redshift.lexer import is_name
from local.redshift.refusals import refusal
from local.redshift.statement import Statement


def check_merge(statement: Statement) -> None:
    """SqlError for a MERGE that Redshift would not read."""
    cursor = statement.cursor(1)
    cursor.expect("into")
    target = cursor.qualified_name()
    cursor.expect("using")
    source = cursor.qualified_name()
    if source[-1] == target[-1] and len(source) == len(target):
        raise refusal("merge same table")
    cursor.take("as")
    if is_name(cursor.token) and not cursor.at("on"):
        cursor.name()
    cursor.expect("on")
    _skip_to(cursor, "when", "remove")
    if cursor.take("remove"):
        raise refusal("stand-in", command="MERGE .. REMOVE DUPLICATES")
    _matched(cursor)
    cursor.expect("when", "not", "matched", "then", "insert")


def _matched(cursor: Cursor) -> None:
    cursor.expect("when", "matched", "then")
    if cursor.take("delete"):
        return
    cursor.expect("update", "set")
    while True:
        cursor.name()
        cursor.expect("=")
        _skip_to(cursor, ",", "when")
        if not cursor.take(","):
            return


def _skip_to(cursor: Cursor, *words: str) -> None:
    """Takes an expression up to one of these words, outside parentheses and CASE."""
    cases = 0
    while cases or cursor.token.value not in words:
        if cursor.at("("):
            cursor.skip_group()
            continue
        word = cursor.next().value
        cases += (word == "case") - (word == "end")
