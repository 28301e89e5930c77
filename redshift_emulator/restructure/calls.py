"""Calls whose form PostgreSQL does not have: DECODE, CONVERT, IGNORE NULLS, PERCENTILE_CONT ... OVER. Pure.

Sources: r_DECODE_expression, CONVERT-function, r_WF_first_value, r_WF_LAG, r_WF_LEAD, r_WF_PERCENTILE_CONT,
r_WF_PERCENTILE_DISC, r_WF_RATIO_TO_REPORT. Each function returns the statement with one call replaced; None if there
is none.
"""

from __future__ import annotations

from redshift_emulator.refusals import refusal
from redshift_emulator.restructure.source import Source

_VALUES = ("first_value", "last_value", "lag", "lead", "nth_value")
_PERCENTILES = ("percentile_cont", "percentile_disc")


def decode(source: Source) -> str | None:
    """Replace DECODE(e, s1, r1, ..., d) by CASE. NULL equals NULL."""
    for place in source.calls("decode"):
        close = source.closing(place + 1)
        subject, *rest = [source.text(*part) for part in source.split(place + 2, close)]
        if len(rest) < 2:
            return None
        pairs = zip(rest[::2], rest[1::2], strict=False)
        branches = [
            f"WHEN ({subject}) IS NOT DISTINCT FROM ({value}) THEN {then}" for value, then in pairs
        ]
        other = f" ELSE {rest[-1]}" if len(rest) % 2 else ""
        return source.replaced(place, close + 1, f"CASE {' '.join(branches)}{other} END")
    return None


def convert(source: Source) -> str | None:
    """Replace CONVERT(type, x) by CAST(x AS type)."""
    for place in source.calls("convert"):
        close = source.closing(place + 1)
        parts = source.split(place + 2, close)
        if len(parts) == 2:
            kind, value = (source.text(*part) for part in parts)
            return source.replaced(place, close + 1, f"CAST({value} AS {kind})")
    return None


def array(source: Source) -> str | None:
    """Replace ARRAY(a, b) by calls of functions: PostgreSQL has only ARRAY[a, b], which has one type (r_array)."""
    for place in source.calls("array"):
        if source.word(place + 2) in ("select", "with"):
            continue
        close = source.closing(place + 1)
        elements = (source.text(*part) for part in source.split(place + 2, close))
        items = ", ".join(f"pg_rs.array_element({element})" for element in elements)
        return source.replaced(place, close + 1, f"pg_rs.array_of({items})")
    return None


def ratio_to_report(source: Source) -> str | None:
    """Replace RATIO_TO_REPORT(x) OVER (w) by x divided by the sum over w."""
    for place in source.calls("ratio_to_report"):
        close = source.closing(place + 1)
        if source.word(close + 1) != "over":
            return None
        value, end = source.text(place + 2, close), source.closing(close + 2) + 1
        window = source.text(close + 1, end)
        return source.replaced(
            place, end, f"pg_rs.share(({value})::numeric, (sum({value}) {window})::numeric)"
        )
    return None


def nulls(source: Source) -> str | None:
    """Replace IGNORE NULLS by an aggregate over the same frame; remove RESPECT NULLS, the default."""
    for place, word in enumerate(source.words):
        if word in ("ignore", "respect") and source.word(place + 1) == "nulls":
            opening = _call_before(source, place)
            if opening and word == "respect":
                return source.replaced(place, place + 2, "")
            if opening:
                return _ignore_nulls(source, opening, place)
    return None


def _call_before(source: Source, place: int) -> int:
    """Return the index of the parenthesis of the window function that IGNORE NULLS belongs to; 0 if there is none."""
    depth = 0
    for at in range(place - 1, 0, -1):
        depth += (source.words[at] == ")") - (source.words[at] == "(")
        if source.words[at] == "(" and depth <= 0 and source.word(at - 1) in _VALUES:
            return at
        if depth < 0:
            return 0
    return 0


def _ignore_nulls(source: Source, opening: int, place: int) -> str:
    function, close = source.word(opening - 1), source.closing(opening)
    inside = place < close
    arguments = source.split(opening + 1, place if inside else close)
    over = close + 1 if inside else place + 2
    if source.word(over) != "over" or source.word(over + 1) != "(":
        raise refusal("emulator", command=f"{function.upper()} with IGNORE NULLS and no OVER (...)")
    end = source.closing(over + 1)
    value, window = source.text(*arguments[0]), source.text(over + 2, end)
    if function in ("lag", "lead"):
        offset = source.text(*arguments[1]) if len(arguments) > 1 else "1"
        if offset != "1":
            raise refusal("emulator", command=f"{function.upper()} with IGNORE NULLS and an offset")
        before = "UNBOUNDED PRECEDING AND 1 PRECEDING"
        after = "1 FOLLOWING AND UNBOUNDED FOLLOWING"
        window += f" ROWS BETWEEN {before if function == 'lag' else after}"
    elif function == "nth_value":
        raise refusal("emulator", command="NTH_VALUE with IGNORE NULLS")
    aggregate = "last_value" if function in ("lag", "last_value") else "first_value"
    return source.replaced(opening - 1, end + 1, f"pg_rs.{aggregate}({value}) OVER ({window})")


def percentile(source: Source) -> str | None:
    """Replace PERCENTILE_CONT(p) WITHIN GROUP (ORDER BY x) OVER (w) by an aggregate that has a window."""
    for function in _PERCENTILES:
        for place in source.calls(function):
            close = source.closing(place + 1)
            if [source.word(close + ahead) for ahead in (1, 2)] != ["within", "group"]:
                continue
            group = source.closing(close + 3)
            if source.word(group + 1) == "over":
                return _percentile_over(source, place, close, group)
    return None


def _percentile_over(source: Source, place: int, close: int, group: int) -> str:
    function, share = source.word(place), source.text(place + 2, close)
    first, end = close + 6, group
    descending = source.word(end - 1) == "desc"
    if source.word(end - 1) in ("asc", "desc"):
        end -= 1
    if descending and function == "percentile_disc":
        raise refusal("emulator", command="PERCENTILE_DISC with DESC and OVER")
    value = source.text(first, end)
    share = f"1 - ({share})" if descending else share
    return source.replaced(place, group + 1, f"pg_rs.{function}({share}, {value})")
