"""Rewrite Redshift's SQL dialect for PostgreSQL: TOP, MINUS, LISTAGG, date parts without quotes,
NVL, aliases in WHERE. Pure.

Sources: r_TOP_clause, r_UNION, r_LISTAGG, r_DATEADD_function, r_DATEDIFF_function,
r_DATE_PART_function, r_NVL_function. What these edits cannot express is refused as a limit of the
emulator.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from redshift_emulator.lexer import Edit, Kind, Token, identifier, is_name, value_at
from redshift_emulator.refusals import refusal

_LATE_COLUMNS = "pg_get_late_binding_view_cols"
_DATE_FUNCTIONS = frozenset({"dateadd", "datediff", "date_part"})
DIALECT_WORDS = _DATE_FUNCTIONS | {
    "top",
    "minus",
    "listagg",
    "nvl",
    "isnull",
    "approximate",
    "extract",
    "max",
    _LATE_COLUMNS,
}
# The names of date parts that PostgreSQL does not know, and those that EXTRACT treats differently
# (r_Dateparts_for_datetime_functions).
_DATE_PARTS = {
    name: part
    for part, names in {
        "millennium": "mil mils millennia", "century": "c cent cents centuries", "decade": "dec decs decades",
        "year": "y yr yrs years", "quarter": "qtr qtrs quarters", "month": "mon mons months", "week": "w weeks",
        "dow": "dayofweek dw weekday", "doy": "dayofyear dy yearday", "day": "d days", "hour": "h hr hrs hours",
        "minute": "m min mins minutes", "second": "s sec secs seconds",
        "millisecond": "ms msec msecs msecond mseconds millisec millisecs millisecon milliseconds",
        "microsecond": "us usec usecs usecond useconds microsec microsecs microsecon microseconds",
    }.items()
    for name in names.split()
}  # fmt: skip
# The lengths that MAX means.
_SIZED = {
    "varchar": "65535",
    "varying": "65535",
    "nvarchar": "65535",
    "char": "4096",
    "character": "4096",
}
# The clauses that end WHERE.
_AFTER_WHERE = frozenset({"group", "having", "order", "limit", "union"})


def dialect_edits(tokens: Sequence[Token]) -> Iterator[Edit]:
    """Yield the edits of one statement. SqlError for a form that the emulator does not support."""
    for place, token in enumerate(tokens):
        if token.kind is not Kind.WORD or token.value not in DIALECT_WORDS:
            continue
        after = value_at(tokens, place + 1)
        if (
            token.value in _DATE_FUNCTIONS
            and after == "("
            and _is_word(tokens, place + 2)
            and value_at(tokens, place + 3) == ","
        ):
            part = tokens[place + 2]
            name = part.value
            if token.value == "date_part":
                name = _DATE_PARTS.get(name, name)
            yield Edit(part.start, part.end, "'" + name + "'")
        elif token.value == "extract" and after == "(" and value_at(tokens, place + 3) == "from":
            yield from _extract(tokens, place)
        elif token.value == _LATE_COLUMNS and after == "(":
            yield from _late_columns(tokens, place)
        elif token.value == "max" and value_at(tokens, place - 1) == "(" and after == ")":
            if value_at(tokens, place - 2) in _SIZED:
                yield Edit(token.start, token.end, _SIZED[value_at(tokens, place - 2)])
        elif token.value in ("nvl", "isnull") and after == "(":
            yield Edit(token.start, token.end, "coalesce")
        elif token.value == "minus" and after in ("select", "("):
            yield Edit(token.start, token.end, "except")
        elif token.value == "approximate" and after == "count":
            yield Edit(token.start, token.end, "")
        elif token.value == "listagg" and after == "(":
            yield from _listagg(tokens, place)
        elif token.value == "top" and value_at(tokens, place - 1) in ("select", "distinct", "all"):
            yield from _top(tokens, place)


def _late_columns(tokens: Sequence[Token], place: int) -> Iterator[Edit]:
    """Turn PG_GET_LATE_BINDING_VIEW_COLS() c(a name, b text, ...) into a view with the alias c(a, b, ...).

    Clients declare the columns with various types; PostgreSQL accepts only a function's own.
    """
    opening = place + 3 + (value_at(tokens, place + 3) == "as") + 1
    if value_at(tokens, opening) != "(":
        return
    first = place - 2 if value_at(tokens, place - 1) == "." else place
    yield Edit(tokens[first].start, tokens[place + 2].end, "pg_rs.late_view_columns")
    start = opening + 1
    for at in range(start, len(tokens)):
        if tokens[at].value in (",", ")"):
            yield Edit(tokens[start].end, tokens[at].start, "")
            start = at + 1
        if tokens[at].value == ")":
            return


def _extract(tokens: Sequence[Token], place: int) -> Iterator[Edit]:
    """Turn EXTRACT(part FROM x) into a call of the function for Redshift's values. EPOCH needs a larger type."""
    word = tokens[place + 2].value.strip("'").lower()
    part = _DATE_PARTS.get(word, word)
    function = "pg_rs.extract_epoch" if part == "epoch" else "pg_rs.extract"
    yield Edit(tokens[place].start, tokens[place].end, function)
    argument = "" if part == "epoch" else f"'{part}', "
    yield Edit(tokens[place + 2].start, tokens[place + 3].end, argument)


def _is_word(tokens: Sequence[Token], place: int) -> bool:
    return place < len(tokens) and tokens[place].kind is Kind.WORD


def _top(tokens: Sequence[Token], place: int) -> Iterator[Edit]:
    """Turn TOP n into a LIMIT at the end of its SELECT."""
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
            raise refusal("emulator", command="TOP with " + token.value.upper())
    yield Edit(tokens[place].start, number.end, "")
    yield Edit(end, end, " LIMIT " + number.value)


def _listagg(tokens: Sequence[Token], place: int) -> Iterator[Edit]:
    """Turn LISTAGG(x, s) WITHIN GROUP (ORDER BY y) into string_agg(x::text, s ORDER BY y)."""
    first = place + 2
    distinct = value_at(tokens, first) == "distinct"
    first += distinct
    comma, close = _arguments(tokens, first)
    words = [value_at(tokens, close + ahead) for ahead in range(1, 4)]
    ordered = words == ["within", "group", "("]
    after_call = _arguments(tokens, close + 4)[1] + 1 if ordered else close + 1
    window = value_at(tokens, after_call) == "over"
    if distinct:
        yield from _distinct_list(tokens, place, comma, close, ordered=ordered)
        return
    yield Edit(tokens[place].start, tokens[place].end, "string_agg")
    yield Edit(tokens[first].start, tokens[first].start, "(")
    end = tokens[comma or close].start
    yield Edit(end, end, ")::text" if comma else ")::text, ''")
    if ordered and window:
        # PostgreSQL orders the rows of a window, not the arguments of its function.
        order = " ".join(_text(tokens, close + 4, after_call - 1))
        yield Edit(tokens[close].end, tokens[after_call - 1].end, "")
        last = _arguments(tokens, after_call + 2)[1]
        frame = " ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING"
        yield Edit(tokens[last].start, tokens[last].start, f" {order}{frame}")
    elif ordered:
        yield Edit(tokens[close].start, tokens[close + 3].end, " ")


def _text(tokens: Sequence[Token], first: int, end: int) -> Iterator[str]:
    return (token.value for token in tokens[first:end])


def _distinct_list(
    tokens: Sequence[Token], place: int, comma: int, close: int, *, ordered: bool
) -> Iterator[Edit]:
    """Turn LISTAGG(DISTINCT x, s) WITHIN GROUP (ORDER BY x) into array_to_string(array_agg(DISTINCT x ORDER BY x), s).

    The order is that of x's type; PostgreSQL demands that the ORDER BY names x, and string_agg compares texts.
    """
    separator = " ".join(_text(tokens, comma + 1, close)) if comma else "''"
    yield Edit(tokens[place].start, tokens[place + 1].end, "array_to_string(array_agg(")
    if comma:
        yield Edit(tokens[comma].start, tokens[close - 1].end, "")
    if ordered:
        group = _arguments(tokens, close + 4)[1]
        yield Edit(tokens[close].start, tokens[close + 3].end, " ")
        yield Edit(tokens[group].start, tokens[group].end, f"), {separator})")
    else:
        yield Edit(tokens[close].start, tokens[close].end, f"), {separator})")


def _arguments(tokens: Sequence[Token], first: int) -> tuple[int, int]:
    """Return the indexes of the first comma (0 for none) and of the closing parenthesis of an argument list."""
    comma, depth = 0, 0
    for place in range(first, len(tokens)):
        value = tokens[place].value if tokens[place].kind is Kind.SYMBOL else ""
        if depth == 0 and value == ")":
            return comma, place
        comma = comma or (place if depth == 0 and value == "," else 0)
        depth += (value == "(") - (value == ")")
    raise refusal("emulator", command="a call without a closing parenthesis")


def alias_edits(source: str, tokens: Sequence[Token]) -> list[Edit]:
    """Return the edits that replace aliases of the SELECT list in WHERE by their expressions, in
    each branch of a UNION and in subqueries.

    Redshift accepts such aliases; PostgreSQL does not. Only used for catalog queries: a user's
    table may have a column of the same name.
    """
    edits = {
        edit.start: edit for branch in _branches(tokens) for edit in _branch_edits(source, branch)
    }
    for query in _subqueries(tokens):
        edits |= {edit.start: edit for edit in alias_edits(source, query)}
    return list(edits.values())


def _subqueries(tokens: Sequence[Token]) -> Iterator[Sequence[Token]]:
    """Yield the tokens of each `(SELECT ...)`, but not those inside of one."""
    opened: list[int] = []
    for place, token in enumerate(tokens):
        if token.kind is Kind.SYMBOL and token.value == "(":
            opened.append(place)
        elif token.kind is Kind.SYMBOL and token.value == ")" and opened:
            start = opened.pop() + 1
            inside = any(value_at(tokens, outer + 1) == "select" for outer in opened)
            if value_at(tokens, start) == "select" and not inside:
                yield tokens[start:place]


def _branches(tokens: Sequence[Token]) -> Iterator[list[tuple[int, Token]]]:
    """Yield the tokens of each branch of a UNION, with their depth in parentheses."""
    depth = 0
    branch: list[tuple[int, Token]] = []
    for token in tokens:
        depth -= token.value == ")"
        if depth == 0 and token.kind is Kind.WORD and token.value == "union":
            yield branch
            branch = []
        branch.append((depth, token))
        depth += token.value == "("
    yield branch


def _branch_edits(source: str, branch: list[tuple[int, Token]]) -> Iterator[Edit]:
    aliases = _aliases(source, branch)
    in_where = False
    for place, (depth, token) in enumerate(branch):
        if depth == 0 and token.kind is Kind.WORD and token.value in _AFTER_WHERE:
            in_where = False
        if (
            in_where
            and token.kind is Kind.WORD
            and token.value in aliases
            and not _is_qualified_or_called(branch, place)
        ):
            yield Edit(token.start, token.end, aliases[token.value])
        in_where = in_where or (depth == 0 and token.kind is Kind.WORD and token.value == "where")


def _is_qualified_or_called(branch: list[tuple[int, Token]], place: int) -> bool:
    around = [
        branch[other][1].value for other in (place - 1, place + 1) if 0 <= other < len(branch)
    ]
    return "." in around or "(" in around[1:]


def _aliases(source: str, branch: list[tuple[int, Token]]) -> dict[str, str]:
    """Return the expressions of the SELECT list by their aliases (`expression AS alias`)."""
    expressions: dict[str, str] = {}
    start = -1
    for place, (depth, token) in enumerate(branch):
        word = token.value if token.kind in (Kind.WORD, Kind.SYMBOL) and depth == 0 else ""
        if start < 0:
            start = token.end if word == "select" else start
        elif word in (",", "from"):
            alias, before = branch[place - 1][1], branch[place - 2][1]
            if before.value == "as" and is_name(alias):
                expressions[identifier(alias)] = source[start : before.start].strip()
            start = token.end
            if word == "from":
                break
    return expressions
