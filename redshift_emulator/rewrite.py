"""Edits of single words that make PostgreSQL read a statement as Redshift does: names, catalog tables, functions.

Pure: tokens in, edits out. Everything else in the statement stays unchanged, byte for byte.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from redshift_emulator.lexer import Edit, Kind, Token, identifier, is_name, quote_name, value_at
from redshift_emulator.types import cast_types

POSTGRES_NAME_BYTES = 63

# Replaced by an object of the same name in pg_rs: PostgreSQL's table lacks Redshift's columns, or
# its function differs.
_SUBSTITUTES = frozenset(
    {
        "pg_class",
        "pg_class_info",
        "pg_attribute",
        "pg_attrdef",
        "pg_constraint",
        "pg_depend",
        "pg_group",
        "pg_index",
        "pg_namespace",
        "pg_views",
        "pg_get_expr",
        "pg_get_constraintdef",
        "pg_get_viewdef",
    }
)
# Drivers look for primary keys in pg_index, and in pg_depend, together with pg_constraint, for the
# key that a foreign key refers to.
_WITH_KEYS = frozenset({"pg_index", "pg_depend", "pg_class", "pg_attribute"})
_CALLED_SUBSTITUTES = frozenset(
    {"avg", "concat", "format_type", "regexp_count", "regexp_instr", "regexp_replace", "regexp_substr",
     "json_serialize", "version", "current_setting", "set_config"}
)  # fmt: skip
# Of information_schema: they show the declared keys, and names of more than 63 bytes.
_INFORMATION_VIEWS = {
    **dict.fromkeys(("table_constraints", "key_column_usage"), "pg_rs"),
    **dict.fromkeys(("columns", "schemata", "tables", "views"), "pg_rs_names"),
}
SESSION_FUNCTIONS = frozenset({"pg_last_copy_count", "pg_last_copy_id"})
BARE_NUMERIC = frozenset({"numeric", "decimal", "dec"})
_BYTES = frozenset({"varbyte", "varbinary"})
SIZED_TYPES = BARE_NUMERIC | _BYTES
# What may follow the condition `WHERE 1` ("" is the end of the statement). Anything else continues
# an expression.
_AFTER_CONDITION = frozenset(
    {"", ")", "and", "or", "group", "having", "order", "limit", "offset", "fetch", "union",
     "except", "intersect", "minus",
     "window", "qualify", "with"}
)  # fmt: skip
REWRITTEN_WORDS = (
    _SUBSTITUTES
    | _CALLED_SUBSTITUTES
    | SESSION_FUNCTIONS
    | {"sysdate", "where"}
    | _INFORMATION_VIEWS.keys()
)


@dataclass
class SessionValues:
    """The state of a session that statements depend on: results of the last COPY, enable_case_sensitive_identifier."""

    copy_count: int = 0
    copy_id: int = -1
    keep_case: bool = False


def word_edits(tokens: Sequence[Token], values: SessionValues) -> list[Edit]:
    """Return the edits of one statement: names folded and cut, catalog objects of pg_rs, Redshift's own functions."""
    edits: list[Edit] = []
    for place, token in enumerate(tokens):
        if token.kind is Kind.QUOTED:
            edits += _quoted(token, values)
        elif token.kind is Kind.WORD:
            if token.value in REWRITTEN_WORDS:
                edits += _known_word(tokens, place, values)
            elif token.value[0] == "#" or len(token.value) > POSTGRES_NAME_BYTES // 4:
                edits += _special_name(token)
        elif token.kind is Kind.NUMBER and _touches_word(tokens, place):
            edits.append(Edit(token.end, token.end, " "))
    return edits


def _touches_word(tokens: Sequence[Token], place: int) -> bool:
    """Whether a word follows a number without a blank, as in `THEN 1WHEN`, which PostgreSQL does not read."""
    return (
        place + 1 < len(tokens)
        and tokens[place + 1].start == tokens[place].end
        and tokens[place + 1].kind is Kind.WORD
    )


def numeric_edits(tokens: Sequence[Token]) -> Iterator[Edit]:
    """Yield the edits that make casts to NUMERIC, DECIMAL or DEC without a precision casts to (18,0).

    VARBYTE has no length in PostgreSQL: the length of a cast is left out.
    """
    for place in cast_types(tokens):
        if value_at(tokens, place) in _BYTES:
            end = place + 1
            if value_at(tokens, end) == "(" and value_at(tokens, end + 2) == ")":
                end += 3
            yield Edit(tokens[place].start, tokens[end - 1].end, "varbyte")
        if value_at(tokens, place) in BARE_NUMERIC and value_at(tokens, place + 1) != "(":
            yield Edit(tokens[place].end, tokens[place].end, "(18,0)")


def stored_name(name: str) -> str:
    """Return the name that PostgreSQL stores for a name of up to 127 bytes: the name itself, or its
    beginning and a hash.
    """
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


def _special_name(token: Token) -> Iterator[Edit]:
    """Names that begin with # (temporary tables) are quoted; names over 63 bytes are replaced by the stored name."""
    name = stored_name(identifier(token))
    if name != token.value or name[0] == "#":
        yield Edit(token.start, token.end, quote_name(name))


def _known_word(tokens: Sequence[Token], place: int, values: SessionValues) -> Iterator[Edit]:
    token, before, after = tokens[place], value_at(tokens, place - 1), value_at(tokens, place + 1)
    called = after == "("
    if token.value == "sysdate" and before != "." and not called:
        yield Edit(token.start, token.end, "sysdate()")
    elif (
        token.value == "where" and after == "1" and value_at(tokens, place + 2) in _AFTER_CONDITION
    ):
        yield Edit(tokens[place + 1].start, tokens[place + 1].end, "true")
    elif token.value in SESSION_FUNCTIONS and called and value_at(tokens, place + 2) == ")":
        result = values.copy_count if token.value == "pg_last_copy_count" else values.copy_id
        yield Edit(token.start, tokens[place + 1].end, "pg_rs." + token.value + "(" + str(result))
    elif token.value in _SUBSTITUTES or (token.value in _CALLED_SUBSTITUTES and called):
        yield from _into_pg_rs(tokens, place)
    elif token.value in _INFORMATION_VIEWS and before == ".":
        schema = tokens[place - 2]
        if schema.value.strip('"') == "information_schema":
            yield Edit(schema.start, schema.end, _INFORMATION_VIEWS[token.value])


def _into_pg_rs(tokens: Sequence[Token], place: int) -> Iterator[Edit]:
    """Edit `pg_class` and `pg_catalog.pg_class`, but not a column or another schema's table of that name."""
    qualified = value_at(tokens, place - 1) == "."
    target = "pg_rs"
    if tokens[place].value in _WITH_KEYS:
        named = {token.value for token in tokens}
        if "pg_index" in named or {"pg_depend", "pg_constraint"} <= named:
            target = "pg_rs_index"
        elif tokens[place].value == "pg_depend":
            return
    if not qualified:
        yield Edit(tokens[place].start, tokens[place].start, target + ".")
    elif value_at(tokens, place - 2).strip('"') == "pg_catalog":
        yield Edit(tokens[place - 2].start, tokens[place - 2].end, target)


def long_names(tokens: Sequence[Token], values: SessionValues) -> frozenset[str]:
    """Return the names in a statement that are too long for PostgreSQL."""
    return frozenset(
        identifier(token, values.keep_case)
        for token in tokens
        if token.end - token.start > POSTGRES_NAME_BYTES // 4
        and is_name(token)
        and stored_name(identifier(token, values.keep_case)) != identifier(token, values.keep_case)
    )
