"""Plan the statements about users, groups, roles and permissions, and CREATE DATABASE. Pure.

Sources: r_CREATE_USER, r_ALTER_USER, r_CREATE_GROUP, r_CREATE_ROLE, r_GRANT, r_REVOKE, r_CREATE_DATABASE.
"""

from __future__ import annotations

from collections.abc import Callable

from redshift_emulator.cursor import Cursor
from redshift_emulator.lexer import Edit, quote_literal, quote_name
from redshift_emulator.plan_queries import forward
from redshift_emulator.refusals import refusal
from redshift_emulator.rewrite import stored_name
from redshift_emulator.sql import join_statements
from redshift_emulator.statement import Statement
from redshift_emulator.step import Action, Step

GROUP_MARK = "rs$group"


def plan_create_user(statement: Statement) -> Step:
    """Plan CREATE USER.

    A user with INSERT on a table may lock it for writing. In PostgreSQL this needs a permission of its own.
    """
    cursor = statement.cursor(2)
    name = quote_name(stored_name(cursor.name()))
    cursor.take("with")
    edits = _edits(cursor, _user_option)
    grant = "GRANT pg_maintain TO " + name
    return Step(Action.RUN, join_statements(statement.rewritten(edits), grant), "CREATE USER")


def plan_alter_user(statement: Statement) -> Step:
    """Plan ALTER USER. What PostgreSQL has no place for is checked and dropped."""
    cursor = statement.cursor(2)
    cursor.name()
    cursor.take("with")
    if cursor.token.value in ("rename", "set", "reset", "external"):
        return forward(statement)
    edits = _edits(cursor, _user_option)
    kept = statement.rewritten(edits)
    name = statement.cursor(2).name()
    sql = kept if len(kept.split()) > 3 else "ALTER USER " + quote_name(stored_name(name)) + " WITH"
    return Step(Action.RUN, sql, "ALTER USER")


def _edits(cursor: Cursor, take_option: Callable[[Cursor], str | None]) -> list[Edit]:
    """Read the options of a user or database and return the edits that make them PostgreSQL's.

    `take_option` takes one option and returns PostgreSQL's form of it; None if it is the same.
    """
    edits: list[Edit] = []
    while not cursor.at_end:
        start = cursor.token.start
        text = take_option(cursor)
        if text is not None:
            edits.append(Edit(start, cursor.tokens[cursor.index - 1].end, text))
    return edits


def _user_option(cursor: Cursor) -> str | None:
    """Take one option. Return PostgreSQL's form of it; None if it is the same."""
    if cursor.take("password", "disable"):
        return "PASSWORD NULL"
    if cursor.take("password"):
        return _password(cursor)
    if cursor.take("valid", "until"):
        cursor.next()
        return None
    if cursor.take_any("createdb", "nocreatedb"):
        return None
    word = cursor.take_any("createuser", "nocreateuser")
    if word:
        return "SUPERUSER" if word == "createuser" else "NOSUPERUSER"
    if cursor.take("syslog", "access"):
        if not cursor.take_any("restricted", "unrestricted"):
            raise cursor.syntax_error()
        return ""
    if cursor.take("session", "timeout"):
        cursor.integer()
        return ""
    if cursor.take("externalid"):
        cursor.next()
        return ""
    if cursor.take("connection", "limit"):
        if cursor.take("unlimited"):
            return "CONNECTION LIMIT -1"
        cursor.integer()
        return None
    if cursor.take("in", "group"):
        cursor.name()
        while cursor.take(","):
            cursor.name()
        return None
    raise cursor.syntax_error()


def _password(cursor: Cursor) -> str | None:
    """Take a password. In 'sha256|text' the text is the password; Redshift stores its digest.

    'sha256|digest|salt' is a limit of the emulator.
    """
    text = cursor.string()
    kind, _, rest = text.partition("|")
    if kind.lower() != "sha256":
        return None
    if "|" in rest:
        raise refusal("emulator", command="PASSWORD 'sha256|digest|salt'")
    return "PASSWORD " + quote_literal(rest)


def plan_create_group(statement: Statement) -> Step:
    """Plan CREATE GROUP. The mark distinguishes groups from roles."""
    name = quote_name(stored_name(statement.cursor(2).name()))
    mark = f"COMMENT ON ROLE {name} IS " + quote_literal(GROUP_MARK)
    return Step(Action.RUN, join_statements(statement.rewritten(), mark), "CREATE GROUP")


def plan_create_role(statement: Statement) -> Step:
    """Plan CREATE ROLE [EXTERNALID 'x']."""
    cursor = statement.cursor(2)
    name = quote_name(stored_name(cursor.name()))
    if cursor.take("externalid"):
        cursor.next()
    cursor.expect_end()
    return Step(Action.RUN, "CREATE ROLE " + name, "CREATE ROLE")


def plan_grant(statement: Statement) -> Step:
    """Plan GRANT, REVOKE and ALTER DEFAULT PRIVILEGES: the word ROLE before a role is left out.

    Permissions on future objects (FOR TABLES IN ...) and system permissions are limits of the emulator.
    """
    words = statement.words
    is_option = words[0] == "revoke" and words[1] in ("grant", "admin")
    if "for" in words and not is_option and words[0] != "alter":
        raise refusal("emulator", command=words[0].upper() + " ... FOR")
    if "on" not in words and "role" not in words[1:5]:
        raise refusal(
            "emulator", command=words[0].upper() + " of system permissions or to roles without ROLE"
        )
    edits = [
        Edit(token.start, token.end, "")
        for token, before in zip(statement.tokens[1:], statement.tokens, strict=False)
        if token.value == "role" and before.value in ("grant", "revoke", "to", "from", ",", "for")
    ]
    edits += _system_roles(statement)
    return Step(Action.FORWARD, statement.rewritten(edits), long_names=statement.long_names)


def _system_roles(statement: Statement) -> list[Edit]:
    """Quote the names sys:monitor, sys:operator, ... of the system roles (r_roles-default)."""
    tokens, words = statement.tokens, statement.words
    return [
        Edit(tokens[place].start, tokens[place + 2].end, quote_name("sys:" + words[place + 2]))
        for place in range(len(words) - 2)
        if words[place : place + 2] == ["sys", ":"] and words[place + 2]
    ]


def plan_schema(statement: Statement) -> Step:
    """Plan CREATE, ALTER and DROP SCHEMA. The database's name before the schema's, and QUOTA, are left out."""
    edits: list[Edit] = []
    tokens, words = statement.tokens, statement.words
    for place in range(2, len(words) - 1):
        if words[place + 1] == "." and words[place - 1] != ".":
            edits.append(Edit(tokens[place].start, tokens[place + 1].end, ""))
    if "quota" in words[3:]:
        place = words.index("quota", 3)
        edits.append(Edit(tokens[place].start, tokens[-1].end, ""))
    sql = statement.rewritten(edits).strip()
    if words[0] == "alter" and "quota" in words:
        sql = "SELECT 1"
    tag = words[0].upper() + " SCHEMA"
    return Step(Action.RUN, sql, tag, long_names=statement.long_names)


def plan_create_database(statement: Statement) -> Step:
    """Plan CREATE DATABASE, which cannot run in a block.

    The isolation level is the server's, the collation case-sensitive: other values are limits of the emulator.
    """
    cursor = statement.cursor(2)
    cursor.name()
    cursor.take("with")
    sql = statement.rewritten(_edits(cursor, _database_option)).strip()
    return Step(Action.FORWARD, sql.removesuffix("WITH"), autocommit_only="CREATE DATABASE")


def _database_option(cursor: Cursor) -> str | None:
    if cursor.take("owner"):
        cursor.take("=")
        cursor.name()
        return None
    if cursor.take("connection", "limit"):
        if cursor.take("unlimited"):
            return "CONNECTION LIMIT -1"
        cursor.integer()
        return None
    if cursor.take("collate"):
        if cursor.take_any("case_insensitive", "ci"):
            raise refusal("emulator", command="COLLATE CASE_INSENSITIVE of a database")
        if not cursor.take_any("case_sensitive", "cs"):
            raise cursor.syntax_error()
        return ""
    if cursor.take("isolation", "level"):
        if not cursor.take_any("snapshot", "serializable"):
            raise cursor.syntax_error()
        return ""
    if cursor.at("from"):
        raise refusal("emulator", command="CREATE DATABASE ... FROM")
    raise cursor.syntax_error()
