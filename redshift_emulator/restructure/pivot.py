"""PIVOT and UNPIVOT. Pure. Source: r_FROM_clause-pivot-unpivot-examples.

Both return the other columns of their table, too. They are known only if the table is a subquery with a plain list, or
if the SELECT does not ask for them with `*`; everything else is refused as a limit of the emulator.
"""

from __future__ import annotations

from redshift_emulator.cursor import Cursor
from redshift_emulator.lexer import Kind, quote_name
from redshift_emulator.refusals import refusal
from redshift_emulator.restructure.select import Relation, Select, selects
from redshift_emulator.restructure.source import Source

Named = tuple[str, str]


def pivot(source: Source) -> str | None:
    """Replace one PIVOT or UNPIVOT; None if there is none."""
    for select in selects(source):
        for relation in select.relations():
            word = source.word(relation.after)
            if word == "pivot" and source.word(relation.after + 1) == "(":
                return _replace(select, relation, relation.after + 1, _pivoted)
            if word == "unpivot":
                return _replace(select, relation, relation.after + 1, _unpivoted)
    return None


def _replace(select, relation: Relation, place: int, render) -> str:  # type: ignore[no-untyped-def]
    source: Source = select.source
    cursor = Cursor(source.sql, source.tokens)
    cursor.index = place
    include_nulls = bool(cursor.take("include", "nulls"))
    cursor.take("exclude", "nulls")
    text = render(select, relation, cursor, include_nulls=include_nulls)
    cursor.take("as")
    after = cursor.index
    alias = '"rs$pivot"'
    if source.name(after) and source.word(after) not in (
        "where",
        "group",
        "order",
        "limit",
        "having",
        "join",
    ):
        alias, after = quote_name(source.name(after)), after + 1
    return source.replaced(relation.first, after, f"{text} AS {alias}")


def _columns(select: Select, relation: Relation) -> list[str]:
    """Return the columns of a subquery, by its list."""
    source = select.source
    if source.word(relation.first) == "(":
        for inner in selects(source):
            if inner.start == relation.first + 1:
                names = [item.name for item in inner.items()]
                if all(names):
                    return names
    raise refusal("emulator", command="PIVOT or UNPIVOT of a table whose columns are not listed")


def _named_list(cursor: Cursor) -> list[Named]:
    """Read (x [AS a], ...). A name's default is the text of its value."""
    source_end = cursor.skip_group()
    source = Source.of(cursor.sql)
    names: list[Named] = []
    for first, end in source.split(source_end[0] + 1, source_end[1] - 1):
        has_alias = end - first > 2 and source.word(end - 2) == "as"
        value = source.text(first, end - 2 if has_alias else end)
        names.append(
            (value, source.name(end - 1) if has_alias else _default_name(source, first, value))
        )
    return names


def _default_name(source: Source, first: int, value: str) -> str:
    return (
        source.name(first) if source.tokens[first].kind is not Kind.STRING else value[1:-1].lower()
    )


def _pivoted(select: Select, relation: Relation, cursor: Cursor, *, include_nulls: bool) -> str:
    del include_nulls
    source = select.source
    cursor.expect("(")
    aggregates: list[Named] = []
    while True:
        first = cursor.index
        cursor.name()
        cursor.skip_group()
        call = source.text(first, cursor.index)
        aggregates.append((call, cursor.name() if cursor.take("as") else ""))
        if not cursor.take(","):
            break
    cursor.expect("for")
    column = cursor.name()
    cursor.expect("in")
    values = _named_list(cursor)
    cursor.expect(")")
    used = {
        name
        for call, _ in aggregates
        for name in map(Source.of(call).name, range(call.count(" ") + 9))
        if name
    }
    outputs = [
        f"{_filter(call, column, value)} AS {quote_name('_'.join(filter(None, (name, alias))))}"
        for value, name in values
        for call, alias in aggregates
    ]
    others = [name for name in _columns(select, relation) if name != column and name not in used]
    groups = ", ".join(map(quote_name, others))
    grouped = f" GROUP BY {groups}" if groups else ""
    table = source.text(relation.first, relation.end)
    listed = ", ".join(filter(None, (groups, *outputs)))
    return f'(SELECT {listed} FROM {table} AS "rs$source"{grouped})'  # noqa: S608 - the client's SQL


def _filter(call: str, column: str, value: str) -> str:
    return f"{call} FILTER (WHERE {quote_name(column)} = {value})"


def _unpivoted(select: Select, relation: Relation, cursor: Cursor, *, include_nulls: bool) -> str:
    source = select.source
    cursor.expect("(")
    value = cursor.name()
    cursor.expect("for")
    name = cursor.name()
    cursor.expect("in")
    columns = _named_list(cursor)
    cursor.expect(")")
    rows = ", ".join(f"('{label}', \"rs$source\".{column})" for column, label in columns)
    others = '"rs$source".*' if _names_its_columns(select) else None
    if others is None:
        taken = {column.lower() for column, _ in columns}
        kept = [column for column in _columns(select, relation) if column not in taken]
        others = ", ".join(f'"rs$source".{quote_name(column)}' for column in kept)
    outputs = ", ".join(
        filter(None, (others, f'"rs$rows".{quote_name(name)}', f'"rs$rows".{quote_name(value)}'))
    )
    condition = "" if include_nulls else f' WHERE "rs$rows".{quote_name(value)} IS NOT NULL'
    table = source.text(relation.first, relation.end)
    return (
        f'(SELECT {outputs} FROM {table} AS "rs$source" CROSS JOIN LATERAL (VALUES {rows}) '  # noqa: S608 - the client's SQL
        f'AS "rs$rows" ({quote_name(name)}, {quote_name(value)}){condition})'
    )


def _names_its_columns(select: Select) -> bool:
    """Whether the SELECT lists its columns, so that more columns of the table do no harm."""
    source = select.source
    return not any(
        source.word(item.end - 1) == "*" and source.tokens[item.end - 1].kind is Kind.SYMBOL
        for item in select.items()
    )
