"""Plan statements about users, roles and rights. Pure.

Redshift writes ROLE before the name of a role that gets or has a right (r_GRANT, r_REVOKE,
r_ALTER_DEFAULT_PRIVILEGES), and PASSWORD DISABLE for a user without a password (r_CREATE_USER).
"""

from __future__ import annotations

from collections.abc import Iterator

from redshift_emulator.lexer import Edit, quote_name
from redshift_emulator.plan_queries import forward
from redshift_emulator.rewrite import stored_name
from redshift_emulator.sql import join_statements
from redshift_emulator.statement import Statement
from redshift_emulator.step import Action, Step

_BEFORE_ROLE = ("grant", "revoke", "to", "from", ",")


def plan_grant(statement: Statement) -> Step:
    """Plan GRANT, REVOKE and ALTER DEFAULT PRIVILEGES."""
    words, tokens = statement.words, statement.tokens
    edits = [
        Edit(token.start, token.end, "")
        for place, token in enumerate(tokens)
        if words[place] == "role" and place and words[place - 1] in _BEFORE_ROLE
    ]
    return Step(Action.FORWARD, statement.rewritten(edits), long_names=statement.long_names)


def plan_create_user(statement: Statement) -> Step:
    """A user with INSERT on a table may lock it for writing.

    In PostgreSQL this needs a permission of its own.
    """
    name = statement.cursor(2).name()
    grant = "GRANT pg_maintain TO " + quote_name(stored_name(name))
    sql = join_statements(statement.rewritten(list(_password_edits(statement))), grant)
    return Step(Action.RUN, sql, "CREATE USER")


def plan_alter_user(statement: Statement) -> Step:
    """Plan ALTER USER."""
    edits = list(_password_edits(statement))
    return Step(Action.FORWARD, statement.rewritten(edits)) if edits else forward(statement)


def _password_edits(statement: Statement) -> Iterator[Edit]:
    words = statement.words
    for place in range(1, len(words)):
        if words[place - 1 : place + 1] == ["password", "disable"]:
            token = statement.tokens[place]
            yield Edit(token.start, token.end, "NULL")
