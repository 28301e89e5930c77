"""Where a statement casts: `x::type` and CAST(x AS type); casts to types that Redshift does not have. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from redshift_emulator.lexer import Kind, Token, identifier, is_name, value_at
from redshift_emulator.refusals import refusal
from redshift_emulator.types import UNSUPPORTED

# What the names of some types go on with.
_MORE = frozenset({"precision", "varying", "with", "without", "time", "zone"})


def cast_types(tokens: Sequence[Token]) -> Iterator[int]:
    """The places at which the types of casts begin (which may be the end of the tokens)."""
    casts = [False]
    for place, token in enumerate(tokens):
        if token.kind is Kind.SYMBOL:
            if token.value == "::":
                yield place + 1
            elif token.value == "(":
                casts.append(place > 0 and tokens[place - 1].value in ("cast", "try_cast"))
            elif token.value == ")" and len(casts) > 1:
                casts.pop()
        elif token.value == "as" and casts[-1]:
            yield place + 1


def check_casts(tokens: Sequence[Token], *, makes_table: bool) -> None:
    """Refuses casts to types that Redshift lacks, and arrays, as CREATE TABLE does (c_unsupported-postgresql-datatypes).
    PostgreSQL calls a column by the type it is cast to. A statement that makes no table or view may have '..'::bytea: so psycopg2
    spells the bytes for a VARBYTE column."""
    for place in cast_types(tokens):
        name, behind = _type_name(tokens, place)
        if not makes_table and name == "bytea" and tokens[place - 2].kind is Kind.STRING:
            continue
        if name in UNSUPPORTED:
            raise refusal("type", column=name, type=name)
        if value_at(tokens, behind) == "[":
            raise refusal("type", column=name, type=name + "[]")
    for place, token in enumerate(tokens):
        if token.value == "array" and value_at(tokens, place + 1) == "[":
            raise refusal("type", column="array", type="array")


def _type_name(tokens: Sequence[Token], place: int) -> tuple[str, int]:
    """The name of a type without its schema, and the place behind it and its length."""
    while place + 2 < len(tokens) and tokens[place + 1].value == ".":
        place += 2
    name = identifier(tokens[place]) if place < len(tokens) and is_name(tokens[place]) else ""
    place += 1
    while value_at(tokens, place) in _MORE:
        place += 1
    if value_at(tokens, place) == "(":
        place = next((at + 1 for at in range(place, len(tokens)) if tokens[at].value == ")"), place)
    return name, place
