"""Find the tables that a query reads and the leader-node functions that it calls, from its words.

Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from redshift_emulator.lexer import Kind, Token, identifier, is_name
from redshift_emulator.refusals import is_name_of

_ENDS = frozenset(
    {"where", "group", "having", "order", "limit", "union", "except", "intersect", "minus", "on",
     "using", "select", "set",
     "qualify", "window", "when", "values"}
)  # fmt: skip
# Functions whose arguments contain FROM: EXTRACT(year FROM d).
_FROM_INSIDE = frozenset({"extract", "trim", "substring", "overlay"})
_NOT_TABLES = frozenset({"lateral", "only", "select", "("})
_SYSTEM_PREFIXES = ("svv_", "svl_", "stl_", "stv_", "svcs_", "sys_")
_LEADER_SCHEMAS = frozenset({"pg_catalog", "information_schema"})

# Functions that run only on the leader node and fail in a query of user tables
# (c_SQL_functions_leader_node_only).
LEADER_FUNCTIONS = frozenset(
    {"current_schema", "current_schemas", "has_database_privilege", "has_schema_privilege", "has_table_privilege",
     "format_type", "version", "pg_get_expr", "pg_get_constraintdef", "pg_get_viewdef", "obj_description",
     "col_description", "age", "now", "to_regclass", "pg_table_is_visible", "pg_relation_size", "generate_series"}
)  # fmt: skip
LEADER_WORDS = frozenset({"current_timestamp", "current_time", "localtime", "localtimestamp"})


def relations(tokens: Sequence[Token]) -> Iterator[tuple[str, ...]]:
    """Yield the table names after FROM and JOIN and in FROM lists, without functions and the named
    queries of a WITH.
    """
    depth, lists, openers = 0, [False], [""]
    expecting = False
    queries = (
        frozenset(_named_queries(tokens)) if any(token.value == "with" for token in tokens) else ()
    )
    place = 0
    while place < len(tokens):
        token = tokens[place]
        if expecting and is_name(token) and token.value not in _NOT_TABLES:
            name, place = _name(tokens, place)
            if (place >= len(tokens) or tokens[place].value != "(") and name not in queries:
                yield name
            expecting = False
            continue
        if token.value == "(":
            depth += 1
            lists.append(False)
            openers.append(tokens[place - 1].value if place else "")
            expecting = False
        elif token.value == ")" and depth:
            depth -= 1
            lists.pop()
            openers.pop()
        elif token.kind is Kind.WORD and token.value in ("from", "join"):
            expecting = openers[-1] not in _FROM_INSIDE
            lists[-1] = lists[-1] or (expecting and token.value == "from")
        elif token.kind is Kind.WORD and token.value in _ENDS:
            lists[-1] = expecting = False
        elif token.value == "," and lists[-1]:
            expecting = True
        place += 1


def _named_queries(tokens: Sequence[Token]) -> Iterator[tuple[str, ...]]:
    """Yield the names in WITH a AS (...), b (c) AS (...)."""
    for place, token in enumerate(tokens):
        if token.value in ("with", ","):
            first = place + 1 + (place + 1 < len(tokens) and tokens[place + 1].value == "recursive")
            after = first + 1
            if after < len(tokens) and tokens[after].value == "(":
                after = next(
                    (at + 1 for at in range(after, len(tokens)) if tokens[at].value == ")"), after
                )
            if [other.value for other in tokens[after : after + 2]] == ["as", "("] and is_name(
                tokens[first]
            ):
                yield (identifier(tokens[first]),)


def _name(tokens: Sequence[Token], place: int) -> tuple[tuple[str, ...], int]:
    parts = [identifier(tokens[place])]
    while place + 2 < len(tokens) and tokens[place + 1].value == "." and is_name(tokens[place + 2]):
        place += 2
        parts.append(identifier(tokens[place]))
    return tuple(parts), place + 1


def is_leader_table(name: tuple[str, ...]) -> bool:
    """Whether a table is on the leader node: PostgreSQL's catalog and information_schema."""
    if len(name) > 1:
        return name[-2] in _LEADER_SCHEMAS
    return name[0].startswith("pg_")


def is_user_table(name: tuple[str, ...]) -> bool:
    """Whether a table is neither on the leader node nor a system view."""
    return not is_leader_table(name) and not name[-1].startswith(_SYSTEM_PREFIXES)


def is_on_nodes(name: tuple[str, ...]) -> bool:
    """Whether reading a table needs the compute nodes: user tables and system views.

    Not so the SVV_EXTERNAL views: sqlalchemy-redshift, Amazon's own dialect, reads them with
    leader-node functions.
    """
    return not is_leader_table(name) and not name[-1].startswith("svv_external_")


def uses_leader_function(words: Sequence[str]) -> str:
    """Return the first leader-node function that is called; "" if there is none."""
    for place, word in enumerate(words):
        if word in LEADER_WORDS:
            return word
        if (
            word in LEADER_FUNCTIONS
            and words[place + 1 : place + 2] == ["("]
            and not is_name_of(words, place)
        ):
            return word
    return ""
