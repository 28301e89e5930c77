"""Check MERGE against Redshift's grammar (r_MERGE), which is narrower than PostgreSQL's. Pure.

The source is a table, the target has no alias, the condition consists of equalities, and both
branches come in their order with nothing after them. PostgreSQL runs a MERGE that passes.
"""

from __future__ import annotations

from redshift_emulator.cursor import Cursor
from redshift_emulator.lexer import is_name
from redshift_emulator.refusals import refusal
from redshift_emulator.relations import is_user_table
from redshift_emulator.statement import Statement

# What a condition cannot contain: it consists of equalities joined by AND.
_NO_EQUALITY = frozenset(
    {"or", "not", "<", ">", "<=", ">=", "<>", "!=", "like", "ilike", "similar", "between", "in",
     "is", "isnull", "notnull"}
)  # fmt: skip


def check_merge(statement: Statement) -> None:
    """Raise SqlError for a MERGE that Redshift does not accept."""
    cursor = statement.cursor(1)
    cursor.expect("into")
    target = cursor.qualified_name()
    if not is_user_table(target):
        raise refusal("merge system table")
    cursor.expect("using")
    source = cursor.qualified_name()
    if source[-1] == target[-1] and len(source) == len(target):
        raise refusal("merge same table")
    cursor.take("as")
    if is_name(cursor.token) and not cursor.at("on"):
        cursor.name()
    cursor.expect("on")
    _condition(cursor)
    if cursor.take("remove"):
        raise refusal("emulator", command="MERGE ... REMOVE DUPLICATES")
    _matched(cursor)
    _not_matched(cursor)
    cursor.expect_end()


def _condition(cursor: Cursor) -> None:
    first = cursor.index
    _skip_to(cursor, "when", "remove")
    values = {token.value for token in cursor.tokens[first : cursor.index]}
    if "=" not in values or not values.isdisjoint(_NO_EQUALITY):
        raise refusal("merge condition")


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


def _not_matched(cursor: Cursor) -> None:
    cursor.expect("when", "not", "matched", "then", "insert")
    if cursor.at("("):
        cursor.name_list()
    cursor.expect("values")
    cursor.skip_group()


def _skip_to(cursor: Cursor, *words: str) -> None:
    """Take an expression up to one of these words, outside parentheses and CASE."""
    cases = 0
    while cases or cursor.token.value not in words:
        if cursor.at("("):
            cursor.skip_group()
            continue
        word = cursor.next().value
        cases += (word == "case") - (word == "end")
