"""Word-level edits that turn a Redshift statement into one PostgreSQL reads the same way. Everything else stays byte for
byte. Pure: tokens in, edits out."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from redshift_emulator.casts import cast_types
from redshift_emulator.lexer import Edit, Kind, Token, identifier, is_name, quote_name, value_at

POSTGRES_NAME_BYTES = 63

# Names found in pg_rs first: PostgreSQL's own catalog lacks Redshift's columns, or its built-in cannot be replaced.
_SUBSTITUTES = frozenset(
    {
        "pg_class",
        "pg_class_info",
        "pg_attribute",
        "pg_attrdef",
        "pg_constraint",
        "pg_get_expr",
        "pg_get_constraintdef",
    }
)
_CALLED_SUBSTITUTES = frozenset({"avg", "concat", "format_type", "regexp_replace", "version"})
SESSION_FUNCTIONS = frozenset({"pg_last_copy_count", "pg_last_copy_id"})
BARE_NUMERIC = frozenset({"numeric", "decimal", "dec"})
# What may follow a condition that is a lone 1 ("" for the end), so that no part of an expression is taken for one.
_BEHIND_A_CONDITION = frozenset(
    {"", ")", "and", "or", "group", "having", "order", "limit", "offset", "fetch", "union", "except", "intersect", "minus",
     "window", "qualify", "with"}
)  # fmt: skip
INTERESTING = (
    _SUBSTITUTES
    | _CALLED_SUBSTITUTES
    | SESSION_FUNCTIONS
    | {"sysdate", "where", "table_constraints"}
)


@dataclass
class SessionValues:
    """What statements can ask of the session itself."""

    copy_count: int = 0
    copy_id: int = -1
    keep_case: bool = False


def word_edits(tokens: Sequence[Token], values: SessionValues) -> list[Edit]:
    """The edits of one statement: names folded and cut, catalog names sent to pg_rs, functions of Redshift's own."""
    edits: list[Edit] = []
    for place, token in enumerate(tokens):
        if token.kind is Kind.QUOTED:
            edits += _quoted(token, values)
        elif token.kind is Kind.WORD:
            if token.value in INTERESTING:
                edits += _interesting(tokens, place, values)
            elif token.value[0] == "#" or len(token.value) > POSTGRES_NAME_BYTES // 4:
                edits += _odd_word(token)
    return edits


def numeric_edits(tokens: Sequence[Token]) -> Iterator[Edit]:
    """A cast to NUMERIC, DECIMAL or DEC without precision means (18,0)."""
    for place in cast_types(tokens):
        if value_at(tokens, place) in BARE_NUMERIC and value_at(tokens, place + 1) != "(":
            yield Edit(tokens[place].end, tokens[place].end, "(18,0)")


def stored_name(name: str) -> str:
    """The name PostgreSQL keeps for a name of up to 127 bytes: itself, or a short one with a hash of it."""
    raw = name.encode("utf-8", "surrogateescape")
    if len(raw) <= POSTGRES_NAME_BYTES:
        return name
    digest = hashlib.sha256(raw).hexdigest()[:12]
    return raw[: POSTGRES_NAME_BYTES - 13].decode("utf-8", "ignore") + "$" + digest


def _quoted(token: Token, values: SessionValues) -> Iterator[Edit]:
    if not values.keep_case or len(token.value) > POSTGRES_NAME_BYTES // 4:
        text = quote_name(stored_name(identifier(token, values.keep_case)))
        if text != token.value:
            yield Edit(token.start, token.end, text)


def _odd_word(token: Token) -> Iterator[Edit]:
    """Names that begin with # are temporary tables; long ones are cut and stored short."""
    name = stored_name(identifier(token))
    if name != token.value or name[0] == "#":
        yield Edit(token.start, token.end, quote_name(name))


def _interesting(tokens: Sequence[Token], place: int, values: SessionValues) -> Iterator[Edit]:
    token, before, after = tokens[place], value_at(tokens, place - 1), value_at(tokens, place + 1)
    called = after == "("
    if token.value == "sysdate" and before != "." and not called:
        yield Edit(token.start, token.end, "sysdate()")
    elif (
        token.value == "where"
        and after == "1"
        and value_at(tokens, place + 2) in _BEHIND_A_CONDITION
    ):
        yield Edit(tokens[place + 1].start, tokens[place + 1].end, "true")
    elif token.value in SESSION_FUNCTIONS and called and value_at(tokens, place + 2) == ")":
        known = values.copy_count if token.value == "pg_last_copy_count" else values.copy_id
        yield Edit(token.start, tokens[place + 1].end, "pg_rs." + token.value + "(" + str(known))
    elif token.value in _SUBSTITUTES or (token.value in _CALLED_SUBSTITUTES and called):
        yield from _into_pg_rs(tokens, place, "pg_catalog")
    elif token.value == "table_constraints" and before == ".":
        yield from _into_pg_rs(tokens, place, "information_schema")


def _into_pg_rs(tokens: Sequence[Token], place: int, schema: str) -> Iterator[Edit]:
    """`pg_class` and `pg_catalog.pg_class`, but not a column, or another schema's table, of that name."""
    qualified = value_at(tokens, place - 1) == "."
    if not qualified:
        yield Edit(tokens[place].start, tokens[place].start, "pg_rs.")
    elif value_at(tokens, place - 2).strip('"') == schema:
        yield Edit(tokens[place - 2].start, tokens[place - 2].end, "pg_rs")


def long_names(tokens: Sequence[Token], values: SessionValues) -> frozenset[str]:
    """The names in a statement that PostgreSQL cannot keep whole."""
    return frozenset(
        identifier(token, values.keep_case)
        for token in tokens
        if token.end - token.start > POSTGRES_NAME_BYTES // 4
        and is_name(token)
        and stored_name(identifier(token, values.keep_case)) != identifier(token, values.keep_case)
    )
