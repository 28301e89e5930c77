"""The live table, from one query to the catalog: leader-node tables only, both names given, so that its cost does not grow
with the catalog, and it needs no privilege beyond the login.

Shape of the query: awslabs/amazon-redshift-utils, v_generate_tbl_ddl. sqlalchemy-redshift's own reflection is not used: 1.0.0 fails
on SQLAlchemy 2.1 and reads the whole catalog.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from etl_core.column_types import parse_column_type
from etl_core.default_values import parse_catalog_default
from etl_core.sql import identifier

_IDENTITY = re.compile(r'"?identity"?\(\s*\d+\s*,\s*\d+\s*,\s*\'?\(?(-?\d+)\s*,\s*(-?\d+)\)?\'?.*\)', re.IGNORECASE)
_DISTSTYLES = {0: "EVEN", 8: "ALL"}


def _catalog(name: str, *columns: str) -> sa.TableClause:
    return sa.table(name, *(sa.column(column) for column in columns), schema="pg_catalog")


_NAMESPACE = _catalog("pg_namespace", "oid", "nspname").alias("n")
_CLASS = _catalog("pg_class", "oid", "relname", "relnamespace", "relkind", "reldiststyle").alias("c")
_ATTRIBUTE = _catalog(
    "pg_attribute", "attrelid", "attname", "attnum", "atttypid", "atttypmod", "attnotnull", "attisdropped",
    "attencodingtype", "attisdistkey", "attsortkeyord",
).alias("a")  # fmt: skip
_DEFAULT = _catalog("pg_attrdef", "adrelid", "adnum", "adbin").alias("d")
_CONSTRAINT = _catalog("pg_constraint", "conrelid", "contype", "conkey").alias("p")


def select_table(schema: str, table: str) -> sa.Select[Any]:
    """One row per column, in order; no rows when there is no such table."""
    n, c, a, d, p = _NAMESPACE.c, _CLASS.c, _ATTRIBUTE.c, _DEFAULT.c, _CONSTRAINT.c
    return (
        sa.select(
            a.attnum,
            a.attname,
            sa.func.format_type(a.atttypid, a.atttypmod).label("type_text"),
            a.attnotnull,
            sa.func.pg_get_expr(d.adbin, d.adrelid).label("default_text"),
            sa.func.format_encoding(sa.cast(a.attencodingtype, sa.INTEGER())).label("encoding"),
            a.attisdistkey,
            a.attsortkeyord,
            c.reldiststyle,
            p.conkey.label("primary_key"),
        )
        .select_from(
            _NAMESPACE.join(_CLASS, c.relnamespace == n.oid)
            .join(_ATTRIBUTE, a.attrelid == c.oid)
            .outerjoin(_DEFAULT, sa.and_(d.adrelid == a.attrelid, d.adnum == a.attnum))
            .outerjoin(_CONSTRAINT, sa.and_(p.conrelid == c.oid, p.contype == "p"))
        )
        .where(n.nspname == schema, c.relname == table, c.relkind == "r", a.attnum > 0, sa.not_(a.attisdropped))
        .order_by(a.attnum)
    )


def parse_table(schema: str, name: str, rows: Sequence[sa.Row[Any]]) -> sa.Table | None:
    """The rows of select_table as a table; None when there are none. Raises ValueError for a type that is not known."""
    if not rows:
        return None
    values = [row._mapping for row in rows]
    keys = _column_numbers(values[0]["primary_key"])
    names = {int(value["attnum"]): value["attname"] for value in values}
    options: dict[str, Any] = {}
    distkey = [value["attname"] for value in values if value["attisdistkey"]]
    if distkey:
        options["redshift_distkey"] = identifier(distkey[0])
    elif (style := _DISTSTYLES.get(int(values[0]["reldiststyle"]))) is not None:
        options["redshift_diststyle"] = style
    sortkey = sorted((abs(int(value["attsortkeyord"])), value["attname"]) for value in values if value["attsortkeyord"])
    if sortkey:
        options["redshift_sortkey"] = [identifier(part) for _, part in sortkey]
    table = sa.Table(
        identifier(name), sa.MetaData(), *(_column(value) for value in values), schema=identifier(schema), **options
    )
    if keys:
        table.append_constraint(sa.PrimaryKeyConstraint(*(table.columns[names[number]] for number in keys)))
    return table


def _column(value: Any) -> sa.Column[Any]:
    kind = parse_column_type(value["type_text"])
    identity = _IDENTITY.fullmatch(value["default_text"] or "")
    options: dict[str, Any] = {}
    if value["encoding"] not in (None, "none"):
        options["redshift_encode"] = value["encoding"]
    if identity:
        options["redshift_identity"] = (int(identity[1]), int(identity[2]))
    return sa.Column(
        identifier(value["attname"]),
        kind.to_sqlalchemy(),
        nullable=not value["attnotnull"],
        autoincrement=False,
        server_default=None if identity else parse_catalog_default(value["default_text"], kind),
        **options,
    )


def _column_numbers(conkey: object) -> tuple[int, ...]:
    """The column numbers of a constraint; a driver gives the array as a list or as `{1,2}`."""
    return tuple(int(part) for part in re.findall(r"\d+", str(conkey or "")))
