"""The outer join operator (+) in WHERE becomes LEFT JOIN ... ON. Pure. Source: r_WHERE_oracle_outer."""

from __future__ import annotations

from redshift_emulator.refusals import refusal
from redshift_emulator.restructure.select import Relation, Select, selects
from redshift_emulator.restructure.source import Source


def outer_join(source: Source) -> str | None:
    """Replace the conditions with (+) of one SELECT; None if there are none."""
    for select in selects(source):
        if "where" in select.clauses and _marks(source, *select.clauses["where"]):
            return _joined(select)
    return None


def _marks(source: Source, first: int, end: int) -> list[int]:
    """Return the indexes of the parentheses that open a (+)."""
    return [
        place
        for place in range(first, end - 2)
        if list(source.words[place : place + 3]) == ["(", "+", ")"]
    ]


def _joined(select: Select) -> str:
    source = select.source
    relations = list(select.relations())
    first, end = select.clauses["from"]
    if "join" in source.words[first:end]:
        raise refusal("emulator", command="(+) with JOIN")
    conditions: dict[str, list[str]] = {}
    kept: list[str] = []
    for start, stop in source.split(*select.clauses["where"], separator="and"):
        marks = _marks(source, start, stop)
        if not marks:
            kept.append(source.text(start, stop))
            continue
        optional = {source.name(place - 3) for place in marks if source.word(place - 2) == "."}
        if len(optional) != 1:
            raise refusal("emulator", command="(+) on a column without the name of its table")
        conditions.setdefault(optional.pop(), []).append(_without_marks(source, start, stop, marks))
    tables = _from(source, relations, conditions)
    where = " WHERE " + " AND ".join(kept) if kept else ""
    head = source.text(select.start, first - 1)
    stop = select.clauses["where"][1]
    return source.replaced(select.start, stop, f"{head} FROM {tables}{where}")


def _without_marks(source: Source, start: int, stop: int, marks: list[int]) -> str:
    parts, place = [], start
    for mark in marks:
        parts.append(source.text(place, mark))
        place = mark + 3
    return " ".join(filter(None, [*parts, source.text(place, stop)]))


def _from(source: Source, relations: list[Relation], conditions: dict[str, list[str]]) -> str:
    """Return the FROM clause: first the tables that are not optional, then the LEFT JOINs."""
    if not set(conditions) <= {relation.alias for relation in relations}:
        raise refusal("emulator", command="(+) on a column of an unknown table")
    text = " CROSS JOIN ".join(
        source.text(relation.first, relation.after)
        for relation in relations
        if relation.alias not in conditions
    )
    for relation in relations:
        if relation.alias in conditions:
            condition = " AND ".join(conditions[relation.alias])
            text += f" LEFT JOIN {source.text(relation.first, relation.after)} ON {condition}"
    return text
