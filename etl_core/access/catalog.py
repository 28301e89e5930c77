"""What a warehouse has already: users, roles, databases; and of one database the schemas, tables and rights.

Each is one query of the leader node's catalog.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from etl_core.access.statements import Right
from etl_core.loading.ports import Transaction
from etl_core.model.table_ref import TableRef
from etl_core.sql import catalog_table

_USER = catalog_table("pg_user", "usename", "usesysid")
_DATABASE = catalog_table("pg_database", "datname")
_NAMESPACE = catalog_table("pg_namespace", "oid", "nspname", "nspowner").alias("n")
_CLASS = catalog_table("pg_class", "relname", "relnamespace", "relkind", "relowner").alias("c")
_ROLE = sa.table("svv_roles", sa.column("role_name"))


@dataclass(frozen=True)
class Known:
    """The names that all databases share. `loader` is the user's name as the warehouse stores it."""

    loader: str | None
    roles: frozenset[str]
    databases: frozenset[str]


@dataclass(frozen=True)
class Contents:
    """Schemas and tables of one database, each with its owner, and what the loader may do already."""

    schemas: dict[str, str]
    tables: dict[TableRef, str]
    loader_rights: frozenset[tuple[Right, str]] = frozenset()
    """Rights on schemas; CREATE and TEMP on the database have the name ''."""


EMPTY = Contents({"public": ""}, {})
"""A database that does not exist yet."""


def read_known(transaction: Transaction, loader: str) -> Known:
    """Return the names that all databases share."""
    users = transaction.execute(
        sa.select(_USER.c.usename).where(sa.func.lower(_USER.c.usename) == loader.lower())
    )
    return Known(
        next((str(name) for (name,) in users), None),
        _names(transaction, sa.select(_ROLE.c.role_name)),
        _names(transaction, sa.select(_DATABASE.c.datname)),
    )


def read_contents(transaction: Transaction, database: str, loader: str | None) -> Contents:
    """Return the schemas and tables of the database, without system schemas."""
    n, c, u = _NAMESPACE.c, _CLASS.c, _USER.c
    is_own = sa.and_(sa.not_(n.nspname.startswith("pg_")), n.nspname != "information_schema")
    schemas: Any = transaction.execute(
        sa.select(n.nspname, u.usename)
        .select_from(_NAMESPACE.outerjoin(_USER, u.usesysid == n.nspowner))
        .where(is_own)
    )
    tables: Any = transaction.execute(
        sa.select(n.nspname, c.relname, u.usename)
        .select_from(
            _NAMESPACE.join(_CLASS, c.relnamespace == n.oid).outerjoin(
                _USER, u.usesysid == c.relowner
            )
        )
        .where(is_own, c.relkind == "r")
    )
    return Contents(
        {str(schema): str(owner or "") for schema, owner in schemas},
        {TableRef(database, str(s), str(t)): str(owner or "") for s, t, owner in tables},
        frozenset() if loader is None else _read_rights(transaction, database, loader),
    )


def _read_rights(
    transaction: Transaction, database: str, loader: str
) -> frozenset[tuple[Right, str]]:
    n = _NAMESPACE.c
    columns: list[sa.ColumnElement[Any]] = [
        sa.func.has_schema_privilege(loader, n.nspname, right.lower()).label(right.lower())
        for right in (Right.CREATE, Right.USAGE)
    ]
    rows: Any = transaction.execute(
        sa.select(n.nspname, *columns).where(sa.not_(n.nspname.startswith("pg_")))
    )
    rights = set()
    for schema, creates, uses in rows:
        rights |= {(Right.CREATE, str(schema))} if creates else set()
        rights |= {(Right.USAGE, str(schema))} if uses else set()
    on_database = (Right.CREATE, Right.TEMP)
    [allowed] = transaction.execute(
        sa.select(
            *(
                sa.func.has_database_privilege(loader, database, right.lower()).label(right.lower())
                for right in on_database
            )
        )
    )
    rights |= {(right, "") for right, has in zip(on_database, allowed, strict=True) if has}
    return frozenset(rights)


def _names(transaction: Transaction, query: sa.Select[Any]) -> frozenset[str]:
    return frozenset(str(name).strip() for (name,) in transaction.execute(query))
