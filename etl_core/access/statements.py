"""Statements about users, roles and rights that SQLAlchemy and its Redshift dialect do not provide.

The dialect's preparer quotes every name. Sources: Redshift database developer guide, CREATE USER,
ALTER USER, CREATE ROLE, CREATE DATABASE, CREATE SCHEMA, GRANT, ALTER DEFAULT PRIVILEGES, ALTER TABLE.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.schema import ExecutableDDLElement
from sqlalchemy.sql.compiler import DDLCompiler

from etl_core.sql import identifier, render_text

HIDDEN = "***"


class Right(StrEnum):
    """A right that can be granted."""

    CREATE = "CREATE"
    TEMP = "TEMP"
    USAGE = "USAGE"
    SELECT = "SELECT"


class Statement(ExecutableDDLElement):
    """Base class: the statements are dataclasses, each of which SQLAlchemy compiles."""

    inherit_cache = False

    def shown(self) -> Statement:
        """Return the statement as people may see it: without a password."""
        return self


@dataclass(eq=False)
class SetPassword(Statement):
    """CREATE USER or ALTER USER with a password; without one the user logs in with IAM only."""

    user: str
    password: str | None = field(repr=False)
    exists: bool

    def shown(self) -> Statement:
        """Return the statement without the password."""
        return SetPassword(self.user, None if self.password is None else HIDDEN, self.exists)


@dataclass(eq=False)
class CreateRole(Statement):
    """CREATE ROLE."""

    role: str


@dataclass(eq=False)
class CreateDatabase(Statement):
    """CREATE DATABASE. Autocommit only."""

    database: str


@dataclass(eq=False)
class CreateSchemaOf(Statement):
    """CREATE SCHEMA with an owner."""

    schema: str
    owner: str


@dataclass(eq=False)
class OwnSchema(Statement):
    """ALTER SCHEMA OWNER TO."""

    schema: str
    owner: str


@dataclass(eq=False)
class OwnTable(Statement):
    """ALTER TABLE OWNER TO."""

    table: sa.Table
    owner: str


@dataclass(frozen=True)
class Grantee:
    """A user or a role."""

    name: str
    is_role: bool = False


@dataclass(eq=False)
class GrantOnDatabase(Statement):
    """GRANT on a database."""

    rights: Sequence[Right]
    database: str
    grantee: Grantee


@dataclass(eq=False)
class GrantOnSchema(Statement):
    """GRANT on a schema."""

    rights: Sequence[Right]
    schema: str
    grantee: Grantee


@dataclass(eq=False)
class GrantOnTables(Statement):
    """GRANT on tables."""

    rights: Sequence[Right]
    tables: Sequence[sa.Table]
    grantee: Grantee


@dataclass(eq=False)
class GrantOnNewTables(Statement):
    """ALTER DEFAULT PRIVILEGES: the rights on each table that `owner` creates from now on."""

    rights: Sequence[Right]
    owner: str
    grantee: Grantee


def _name(compiler: DDLCompiler, name: str) -> str:
    return compiler.preparer.quote(identifier(name))


def _to(compiler: DDLCompiler, grantee: Grantee) -> str:
    return ("ROLE " if grantee.is_role else "") + _name(compiler, grantee.name)


def _rights(rights: Sequence[Right]) -> str:
    return ", ".join(rights)


@compiles(SetPassword, "redshift")
def _set_password(element: SetPassword, compiler: DDLCompiler, **_: Any) -> str:
    verb = "ALTER" if element.exists else "CREATE"
    password = "DISABLE" if element.password is None else render_text(element.password, compiler)
    return f"{verb} USER {_name(compiler, element.user)} PASSWORD {password}"


@compiles(CreateRole, "redshift")
def _create_role(element: CreateRole, compiler: DDLCompiler, **_: Any) -> str:
    return f"CREATE ROLE {_name(compiler, element.role)}"


@compiles(CreateDatabase, "redshift")
def _create_database(element: CreateDatabase, compiler: DDLCompiler, **_: Any) -> str:
    return f"CREATE DATABASE {_name(compiler, element.database)}"


@compiles(CreateSchemaOf, "redshift")
def _create_schema(element: CreateSchemaOf, compiler: DDLCompiler, **_: Any) -> str:
    schema, owner = _name(compiler, element.schema), _name(compiler, element.owner)
    return f"CREATE SCHEMA IF NOT EXISTS {schema} AUTHORIZATION {owner}"


@compiles(OwnSchema, "redshift")
def _own_schema(element: OwnSchema, compiler: DDLCompiler, **_: Any) -> str:
    schema, owner = _name(compiler, element.schema), _name(compiler, element.owner)
    return f"ALTER SCHEMA {schema} OWNER TO {owner}"


@compiles(OwnTable, "redshift")
def _own_table(element: OwnTable, compiler: DDLCompiler, **_: Any) -> str:
    table = compiler.preparer.format_table(element.table)
    return f"ALTER TABLE {table} OWNER TO {_name(compiler, element.owner)}"


@compiles(GrantOnDatabase, "redshift")
def _grant_on_database(element: GrantOnDatabase, compiler: DDLCompiler, **_: Any) -> str:
    database = _name(compiler, element.database)
    grantee = _to(compiler, element.grantee)
    return f"GRANT {_rights(element.rights)} ON DATABASE {database} TO {grantee}"


@compiles(GrantOnSchema, "redshift")
def _grant_on_schema(element: GrantOnSchema, compiler: DDLCompiler, **_: Any) -> str:
    schema, grantee = _name(compiler, element.schema), _to(compiler, element.grantee)
    return f"GRANT {_rights(element.rights)} ON SCHEMA {schema} TO {grantee}"


@compiles(GrantOnTables, "redshift")
def _grant_on_tables(element: GrantOnTables, compiler: DDLCompiler, **_: Any) -> str:
    tables = ", ".join(map(compiler.preparer.format_table, element.tables))
    grantee = _to(compiler, element.grantee)
    return f"GRANT {_rights(element.rights)} ON TABLE {tables} TO {grantee}"


@compiles(GrantOnNewTables, "redshift")
def _grant_on_new_tables(element: GrantOnNewTables, compiler: DDLCompiler, **_: Any) -> str:
    owner, grantee = _name(compiler, element.owner), _to(compiler, element.grantee)
    return (
        f"ALTER DEFAULT PRIVILEGES FOR USER {owner} "
        f"GRANT {_rights(element.rights)} ON TABLES TO {grantee}"
    )
