"""Redshift's everyday SQL that PostgreSQL writes otherwise: TOP, MINUS, LISTAGG, date parts without quotes, NVL. Pure.

Sources: r_TOP_clause, r_UNION, r_LISTAGG, r_DATEADD_function, r_DATEDIFF_function, r_DATE_PART_function, r_NVL_function. What these
edits cannot say is refused as a limit of the stand-in.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from redshift_emulator.lexer import Edit, Kind, Token, value_at
from redshift_emulator.refusals import refusal

_DATE_FUNCTIONS = frozenset({"dateadd", "datediff", "date_part"})
EVERYDAY = _DATE_FUNCTIONS | {"top", "minus", "listagg", "nvl", "approximate"}


def everyday_edits(tokens: Sequence[Token]) -> Iterator[Edit]:
    """The edits of one statement. SqlError for a form that is not part of the stand-in."""
    for place, token in enumerate(tokens):
        if token.kind is not Kind.WORD or token.value not in EVERYDAY:
            continue
        after = value_at(tokens, place + 1)
        if (
            token.value in _DATE_FUNCTIONS
            and after == "("
            and _is_word(tokens, place + 2)
            and value_at(tokens, place + 3) == ","
        ):
            part = tokens[place + 2]
            yield Edit(part.start, part.end, "'" + part.value + "'")
        elif token.value == "nvl" and after == "(":
            yield Edit(token.start, token.end, "coalesce")
        elif token.value == "minus" and after in ("select", "("):
            yield Edit(token.start, token.end, "except")
        elif token.value == "approximate" and after == "count":
            yield Edit(token.start, token.end, "")
        elif token.value == "listagg" and after == "(":
            yield from _listagg(tokens, place)
        elif token.value == "top" and value_at(tokens, place - 1) in ("select", "distinct", "all"):
            yield from _top(tokens, place)


def _is_word(tokens: Sequence[Token], place: int) -> bool:
    return place < len(tokens) and tokens[place].kind is Kind.WORD


def _top(tokens: Sequence[Token], place: int) -> Iterator[Edit]:
    """TOP n becomes a LIMIT at the end of its SELECT."""
    number = tokens[place + 1] if place + 1 < len(tokens) else None
    if number is None or number.kind is not Kind.NUMBER:
        return
    end, depth = tokens[-1].end, 0
    for token in tokens[place:]:
        depth += (token.value == "(") - (token.value == ")")
        if depth < 0:
            end = token.start
            break
        if (
            depth == 0
            and token.kind is Kind.WORD
            and token.value in ("union", "except", "intersect", "minus", "limit")
        ):
            raise refusal("stand-in", command="TOP together with " + token.value.upper())
    yield Edit(tokens[place].start, number.end, "")
    yield Edit(end, end, " LIMIT " + number.value)


def _listagg(tokens: Sequence[Token], place: int) -> Iterator[Edit]:
    """LISTAGG(x, s) WITHIN GROUP (ORDER BY y) becomes string_agg(x::text, s ORDER BY y)."""
    first = place + 2
    distinct = value_at(tokens, first) == "distinct"
    first += distinct
    comma, close = _arguments(tokens, first)
    words = [value_at(tokens, close + ahead) for ahead in range(1, 4)]
    ordered = words == ["within", "group", "("]
    behind = _arguments(tokens, close + 4)[1] + 1 if ordered else close + 1
    if (ordered and distinct) or value_at(tokens, behind) == "over":
        raise refusal("stand-in", command="LISTAGG with OVER, or with DISTINCT and WITHIN GROUP,")
    yield Edit(tokens[place].start, tokens[place].end, "string_agg")
    yield Edit(tokens[first].start, tokens[first].start, "(")
    end = tokens[comma or close].start
    yield Edit(end, end, ")::text" if comma else ")::text, ''")
    if ordered:
        yield Edit(tokens[close].start, tokens[close + 3].end, " ")


def _arguments(tokens: Sequence[Token], first: int) -> tuple[int, int]:
    """The places of the first comma (0 for none) and of the closing parenthesis of an argument list."""
    comma, depth = 0, 0
    for place in range(first, len(tokens)):
        value = tokens[place].value if tokens[place].kind is Kind.SYMBOL else ""
        if depth == 0 and value == ")":
            return comma, place
        comma = comma or (place if depth == 0 and value == "," else 0)
        depth += (value == "(") - (value == ")")
    raise refusal("stand-in", command="a call without its closing parenthesis")
