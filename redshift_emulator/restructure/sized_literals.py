"""Literals in the SELECT lists of CREATE TABLE AS and CREATE VIEW: `'abc'` is VARCHAR(3), `1.23` is NUMERIC(3,2). Pure.

PostgreSQL makes `text` of a string, and a NUMERIC without precision of a number. A string that is cast to TEXT or
VARCHAR keeps its own length. Source: dbt-redshift's tests, which were written against a Redshift; no page says it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from redshift_emulator.lexer import Edit, Kind, literal, splice
from redshift_emulator.restructure.select import SET_OPERATORS, Item, Select, selects
from redshift_emulator.restructure.source import Source
from redshift_emulator.types import MAX_PRECISION, MAX_VARCHAR

_UNSIZED = frozenset({"", "text", "varchar"})  # "" is no cast
_BEFORE_BRANCH = SET_OPERATORS | {"all", "distinct"}


@dataclass(frozen=True)
class _Literal:
    """A literal in a SELECT list: its text, the offsets of its expression, and its size.

    The size of a string is its number of bytes, and its scale is None. The size of a number is its
    number of digits before the point.
    """

    text: str
    start: int
    end: int
    size: int
    scale: int | None = None


def sized_literals(source: Source) -> str | None:
    """Return a CREATE statement with types for its literals; None if it has no literals without one."""
    edits = [edit for branches in _queries(source) for edit in _query_edits(source, branches)]
    return splice(source.sql, edits) if edits else None


def _queries(source: Source) -> Iterator[list[Select]]:
    """Yield the branches of each query: one SELECT, or several with UNION and the like between them.

    Not the queries that are themselves branches: the type of their columns depends on the other branches.
    """
    queries: dict[int, list[Select]] = {}
    opened = _openings(source)
    for select in selects(source):
        queries.setdefault(opened[select.start], []).append(select)
    for opening, branches in queries.items():
        if not _is_branch(source, opened, opening):
            yield branches


def _openings(source: Source) -> list[int]:
    """Return for each token the index of the parenthesis that it is in; -1 outside of all."""
    openings: list[int] = []
    inside = [-1]
    for place, word in enumerate(source.words):
        if word == ")" and len(inside) > 1:
            inside.pop()
        openings.append(inside[-1])
        if word == "(":
            inside.append(place)
    return openings


def _is_branch(source: Source, openings: Sequence[int], opening: int) -> bool:
    """Whether the parenthesis at an index, or one directly around it, is a branch of a UNION or the like."""
    while opening >= 0:
        before, after = source.word(opening - 1), source.word(source.closing(opening) + 1)
        if before in _BEFORE_BRANCH or after in SET_OPERATORS:
            return True
        opening = openings[opening] if before == "(" else -1
    return False


def _query_edits(source: Source, branches: Sequence[Select]) -> Iterator[Edit]:
    """Yield the edits of the columns that are literals in every branch.

    The first branch names them with an alias: without one, PostgreSQL names a column after a cast.
    """
    for column in zip(*(select.items() for select in branches), strict=False):
        found = (_literal(source, item) for item in column if column[0].has_alias)
        literals = [each for each in found if each is not None]
        kind = _common_type(literals) if len(literals) == len(branches) else ""
        if kind:
            yield from (Edit(each.start, each.end, f"{each.text}::{kind}") for each in literals)


def _common_type(literals: Sequence[_Literal]) -> str:
    """Return the type that holds all of the literals; "" if there is none, as for strings and numbers together."""
    size = max(each.size for each in literals)
    scales = [each.scale for each in literals if each.scale is not None]
    if not scales:
        return f"varchar({size})" if 1 <= size <= MAX_VARCHAR else ""
    precision = size + max(scales)
    if len(scales) < len(literals) or not 1 <= precision <= MAX_PRECISION:
        return ""
    return f"numeric({precision},{max(scales)})"


def _literal(source: Source, item: Item) -> _Literal | None:
    """Return the literal that an item consists of: a string, also with a cast without length, or a decimal number."""
    first, end = item.first, item.end
    if first >= end:
        return None
    start, stop = source.tokens[first].start, source.tokens[end - 1].end
    words = tuple(source.words[first:end])
    is_cast = words[:2] == ("cast", "(") and words[3:4] == ("as",) and words[5:] == (")",)
    token = source.tokens[first + 2 if is_cast else first]
    kind = words[4] if is_cast else words[2] if words[1:2] == ("::",) else ""
    if len(words) != (6 if is_cast else 3 if kind else 1) or kind not in _UNSIZED:
        return None
    if token.kind is Kind.STRING and not token.value.startswith("$"):
        return _Literal(token.value, start, stop, len(literal(token).encode("utf-8", "replace")))
    whole, point, fraction = token.value.partition(".")
    if token.kind is Kind.NUMBER and not kind and point and fraction.isdecimal():
        return _Literal(token.value, start, stop, len(whole), len(fraction))
    return None
