"""Who may write to the ledgers: only their owner, the loader.

Sources: Redshift database developer guide, "REVOKE", "COMMENT", "Access privileges" (the letters in
pg_namespace.nspacl and pg_class.relacl).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.schema import ExecutableDDLElement, SetTableComment
from sqlalchemy.sql.compiler import DDLCompiler

from etl_core.model.names import LEDGER_SCHEMA
from etl_core.sql import catalog_table, identifier

_SEPARATOR = "\n"
_WRITE = frozenset("awdDP")
"""INSERT, UPDATE, DELETE, and the letters of DROP and TRUNCATE."""
_CREATE = "C"
_NAMESPACE = catalog_table("pg_namespace", "oid", "nspname", "nspacl").alias("n")
_CLASS = catalog_table("pg_class", "relname", "relnamespace", "relkind", "relacl").alias("c")


class RevokeFromPublic(ExecutableDDLElement):
    """REVOKE of every right of all users on a schema."""

    def __init__(self, schema: str) -> None:
        self.schema = identifier(schema)


@compiles(RevokeFromPublic, "redshift")
def _revoke(element: RevokeFromPublic, compiler: DDLCompiler, **_: Any) -> str:
    return f"REVOKE ALL ON SCHEMA {compiler.preparer.quote(element.schema)} FROM PUBLIC"


def protect_statements(ledger: sa.Table) -> tuple[ExecutableDDLElement, ...]:
    """Return the statements that keep others away from a new ledger, and say what it is."""
    return RevokeFromPublic(LEDGER_SCHEMA), SetTableComment(ledger)


def select_access() -> sa.Select[Any]:
    """Select the access lists of the ledgers' schema and of its tables, those that have one."""
    n, c = _NAMESPACE.c, _CLASS.c
    of_schema = sa.func.array_to_string(n.nspacl, _SEPARATOR)
    of_table = sa.func.array_to_string(c.relacl, _SEPARATOR)
    return (
        sa.select(c.relname, of_schema.label("schema_access"), of_table.label("table_access"))
        .select_from(
            _NAMESPACE.outerjoin(_CLASS, sa.and_(c.relnamespace == n.oid, c.relacl.is_not(None)))
        )
        .where(n.nspname == LEDGER_SCHEMA)
    )


def others_who_write(rows: Iterable[sa.Row[Any]]) -> list[str]:
    """Return who else may change the ledgers, and how: `joe may create tables`."""
    found: dict[str, None] = {}
    for row in rows:
        for grantee in _grantees(row.schema_access, frozenset(_CREATE)):
            found[f"{grantee} may create tables"] = None
        for grantee in _grantees(row.table_access, _WRITE):
            found[f"{grantee} may change {row.relname}"] = None
    return list(found)


def _grantees(access: str | None, rights: frozenset[str]) -> Iterator[str]:
    """Yield who has one of these rights. An entry is `grantee=rights/grantor`; the owner is its own grantor."""
    for entry in (access or "").split(_SEPARATOR):
        granted, _, grantor = entry.rpartition("/")
        grantee, _, letters = granted.rpartition("=")
        if grantee != grantor and rights & set(letters):
            yield grantee or "everybody"
