"""QUALIFY: the SELECT becomes a subquery whose rows an outer SELECT filters. Pure.

Source: r_QUALIFY_clause. The condition is a column of the subquery. `*` and `t.*` are carried as whole rows, so the
result has the same columns as without QUALIFY.
"""

from __future__ import annotations

from redshift_emulator.lexer import Edit, Kind, is_name, quote_name, splice
from redshift_emulator.refusals import refusal
from redshift_emulator.restructure.select import Item, Select, selects
from redshift_emulator.restructure.source import Source

_OUTER = '"rs$q"'


def qualify(source: Source) -> str | None:
    """Replace one SELECT ... QUALIFY; None if there is none."""
    for select in selects(source):
        if "qualify" in select.clauses:
            return source.replaced(select.start, select.end, _filtered(select))
    return None


def with_aliases(source: Source, first: int, end: int, expressions: dict[str, str]) -> str:
    """Return a part of a statement in which the names of a SELECT list are replaced by their expressions."""
    edits = [
        Edit(token.start, token.end, f"({expressions[source.name(place)]})")
        for place, token in enumerate(source.tokens[first:end], first)
        if is_name(token)
        and source.name(place) in expressions
        and source.word(place - 1) != "."
        and source.word(place + 1) not in (".", "(")
    ]
    if first >= end:
        return ""
    return splice(source.sql, edits, source.tokens[first].start, source.tokens[end - 1].end)


def _filtered(select: Select) -> str:
    source, inner, outer = select.source, list[str](), list[str]()
    items = list(select.items())
    for number, item in enumerate(items):
        _carry(select, item, number, inner, outer)
    names = {item.name: source.text(item.first, item.end) for item in items if item.has_alias}
    inner.append(f'({with_aliases(source, *select.clauses["qualify"], names)}) AS "rs$ok"')
    order = _order(select, {item.name for item in items}, inner)
    body = "".join(select.clause(name) for name in ("from", "where", "group", "having", "window"))
    rest = "".join(select.clause(name) for name in ("limit", "offset", "fetch"))
    head = source.text(select.start + 1, select.head)
    into = select.clause("into")
    return (
        f"SELECT {head} {', '.join(outer)}{into} FROM (SELECT {', '.join(inner)}{body}) AS {_OUTER}"  # noqa: S608 - the client's SQL
        f' WHERE {_OUTER}."rs$ok"{order}{rest}'
    )


def _carry(select: Select, item: Item, number: int, inner: list[str], outer: list[str]) -> None:
    """Add one item to the lists of the inner and the outer SELECT."""
    source, text = select.source, select.source.text(item.first, item.end)
    column = quote_name(f"rs${number}")
    if not text.endswith("*") or source.tokens[item.end - 1].kind is not Kind.SYMBOL:
        inner.append(f"{text} AS {column}")
        outer.append(f"{_OUTER}.{column} AS {quote_name(item.name or '?column?')}")
        return
    if item.end - item.first > 1:
        rows = [source.text(item.first, item.end - 2)]
    else:
        rows = [quote_name(relation.alias) for relation in select.relations()]
    if not all(rows) or '""' in rows or (len(rows) > 1 and "using" in _from_words(select)):
        raise refusal("emulator", command="QUALIFY with * over a join with USING")
    for place, row in enumerate(rows):
        column = quote_name(f"rs${number}_{place}")
        inner.append(f"{row} AS {column}")
        outer.append(f"({_OUTER}.{column}).*")


def _from_words(select: Select) -> list[str]:
    first, end = select.clauses["from"]
    return list(select.source.words[first:end])


def _order(select: Select, names: set[str], inner: list[str]) -> str:
    """Return the ORDER BY clause of the outer SELECT. What it does not select is added to the inner one."""
    if "order" not in select.clauses:
        return ""
    source, parts = select.source, list[str]()
    for number, (first, end) in enumerate(source.split(*select.clauses["order"])):
        is_output = end - first == 1 or source.word(first + 1) in ("asc", "desc", "nulls")
        if is_output and (source.name(first) in names or source.tokens[first].kind is Kind.NUMBER):
            parts.append(source.text(first, end))
            continue
        stop = end
        while (
            source.word(stop - 1) in ("asc", "desc", "nulls", "first", "last") and stop > first + 1
        ):
            stop -= 1
        column = quote_name(f"rs$o{number}")
        inner.append(f"{source.text(first, stop)} AS {column}")
        parts.append(f"{_OUTER}.{column} {source.text(stop, end)}")
    return " ORDER BY " + ", ".join(parts)
