"""Read the live table, with its descriptions, with one catalog query.

The query reads leader-node tables only and names the schema and the table. Its cost does not grow
with the catalog, and any user who can log in may run it. Model of the query:
awslabs/amazon-redshift-utils, v_generate_tbl_ddl. The reflection of sqlalchemy-redshift is not
used: 1.0.0 fails on SQLAlchemy 2.1 and reads the whole catalog.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from etl_core.model.table_ref import TableRef
from etl_core.schema_changes.messages import COLUMN_NOT_COMPARED
from etl_core.schema_files.column_types import ColumnType, parse_column_type, unknown_type_of
from etl_core.schema_files.default_values import parse_catalog_default
from etl_core.schema_files.sql_types import UnknownType
from etl_core.sql import catalog_table, identifier

_IDENTITY = re.compile(
    r'"?identity"?\(\s*\d+\s*,\s*\d+\s*,\s*\'?\(?(-?\d+)\s*,\s*(-?\d+)\)?\'?.*\)', re.IGNORECASE
)
_ANY_IDENTITY = re.compile(r'"?(?:default_)?identity"?\s*\(', re.IGNORECASE)
_DISTSTYLES = {0: "EVEN", 8: "ALL"}


_NAMESPACE = catalog_table("pg_namespace", "oid", "nspname").alias("n")
_CLASS = catalog_table(
    "pg_class", "oid", "relname", "relnamespace", "relkind", "reldiststyle"
).alias("c")
_ATTRIBUTE = catalog_table(
    "pg_attribute", "attrelid", "attname", "attnum", "atttypid", "atttypmod", "attnotnull", "attisdropped",
    "attencodingtype", "attisdistkey", "attsortkeyord",
).alias("a")  # fmt: skip
_DEFAULT = catalog_table("pg_attrdef", "adrelid", "adnum", "adbin").alias("d")
_CONSTRAINT = catalog_table("pg_constraint", "conrelid", "contype", "conkey", "conname").alias("p")
_DESCRIPTIONS = ("objoid", "classoid", "objsubid", "description")
_COLUMN_COMMENT = catalog_table("pg_description", *_DESCRIPTIONS).alias("cc")
_TABLE_COMMENT = catalog_table("pg_description", *_DESCRIPTIONS).alias("tc")
_DEPEND = catalog_table(
    "pg_depend", "classid", "objid", "refclassid", "refobjid", "refobjsubid"
).alias("dep")
_REWRITE = catalog_table("pg_rewrite", "oid", "ev_class").alias("rw")
_VIEW = catalog_table("pg_class", "oid", "relname", "relnamespace").alias("v")
_VIEW_NAMESPACE = catalog_table("pg_namespace", "oid", "nspname").alias("vn")
_PG_CLASS_OID = 1259
"""The oid of pg_class itself, the same in every PostgreSQL. pg_description and pg_depend also have
rows about other kinds of objects."""


def select_table(table: TableRef) -> sa.Select[Any]:
    """Return the query for the columns of a table: a row per column, in order; no rows without such a table."""
    n, c, a, d, p = _NAMESPACE.c, _CLASS.c, _ATTRIBUTE.c, _DEFAULT.c, _CONSTRAINT.c
    cc, tc = _COLUMN_COMMENT.c, _TABLE_COMMENT.c
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
            p.conname.label("primary_key_name"),
            cc.description.label("column_comment"),
            tc.description.label("table_comment"),
        )
        .select_from(
            _NAMESPACE.join(_CLASS, c.relnamespace == n.oid)
            .join(_ATTRIBUTE, a.attrelid == c.oid)
            .outerjoin(_DEFAULT, sa.and_(d.adrelid == a.attrelid, d.adnum == a.attnum))
            .outerjoin(_CONSTRAINT, sa.and_(p.conrelid == c.oid, p.contype == "p"))
            .outerjoin(_COLUMN_COMMENT, _describes(cc, c.oid, a.attnum))
            .outerjoin(_TABLE_COMMENT, _describes(tc, c.oid, sa.literal_column("0")))
        )
        .where(
            n.nspname == table.schema,
            c.relname == table.name,
            c.relkind == "r",
            a.attnum > 0,
            sa.not_(a.attisdropped),
        )
        .order_by(a.attnum)
    )


def _describes(description: Any, oid: Any, number: Any) -> sa.ColumnElement[bool]:
    classoid = description.classoid == sa.literal_column(str(_PG_CLASS_OID))
    return sa.and_(description.objoid == oid, classoid, description.objsubid == number)


def select_tables_with(columns: Sequence[str]) -> sa.Select[Any]:
    """Select schema and name of the tables that have all of these columns, sorted."""
    n, c, a = _NAMESPACE.c, _CLASS.c, _ATTRIBUTE.c
    return (
        sa.select(n.nspname, c.relname)
        .select_from(
            _NAMESPACE.join(_CLASS, c.relnamespace == n.oid).join(_ATTRIBUTE, a.attrelid == c.oid)
        )
        .where(c.relkind == "r", a.attnum > 0, a.attname.in_(columns))
        .where(sa.func.left(n.nspname, 3) != "pg_", n.nspname != "information_schema")
        .group_by(n.nspname, c.relname)
        .having(sa.func.count() == len(columns))
        .order_by(n.nspname, c.relname)
    )


def select_views(table: TableRef) -> sa.Select[Any]:
    """Return the query for the views that are bound to a table: a row (column, view_schema, view)
    per column and view.
    """
    n, c, a = _NAMESPACE.c, _CLASS.c, _ATTRIBUTE.c
    dep, rewrite, view, view_namespace = _DEPEND.c, _REWRITE.c, _VIEW.c, _VIEW_NAMESPACE.c
    return (
        sa.select(
            a.attname.label("column"),
            view_namespace.nspname.label("view_schema"),
            view.relname.label("view"),
        )
        .select_from(
            _NAMESPACE.join(_CLASS, c.relnamespace == n.oid)
            .join(
                _DEPEND,
                sa.and_(
                    dep.refobjid == c.oid, dep.refclassid == sa.literal_column(str(_PG_CLASS_OID))
                ),
            )
            .join(_ATTRIBUTE, sa.and_(a.attrelid == c.oid, a.attnum == dep.refobjsubid))
            .join(_REWRITE, rewrite.oid == dep.objid)
            .join(_VIEW, view.oid == rewrite.ev_class)
            .join(_VIEW_NAMESPACE, view_namespace.oid == view.relnamespace)
        )
        .where(n.nspname == table.schema, c.relname == table.name)
        .distinct()
    )


def parse_table(table: TableRef, rows: Sequence[sa.Row[Any]]) -> sa.Table | None:
    """Return the table of the rows of select_table, None without rows.

    A column whose type the loader does not know has an UnknownType and no default.
    """
    if not rows:
        return None
    values = [row._mapping for row in rows]
    live = sa.Table(
        identifier(table.name),
        sa.MetaData(),
        *(_column(value) for value in values),
        schema=identifier(table.schema),
        comment=values[0]["table_comment"],
        **_key_options(values),
    )
    if numbers := _column_numbers(values[0]["primary_key"]):
        names = {int(value["attnum"]): value["attname"] for value in values}
        key = (live.columns[names[number]] for number in numbers)
        live.append_constraint(sa.PrimaryKeyConstraint(*key, name=values[0]["primary_key_name"]))
    return live


def warn_unknown_types(actual: sa.Table | None) -> tuple[str, ...]:
    """Return a sentence for each column of the table whose type no schema file can describe."""
    return tuple(
        COLUMN_NOT_COMPARED(column=str(column.name), type=kind)
        for column in (() if actual is None else actual.columns)
        if (kind := unknown_type_of(column)) is not None
    )


def _key_options(values: Sequence[Any]) -> dict[str, Any]:
    options: dict[str, Any] = {}
    distkey = [value["attname"] for value in values if value["attisdistkey"]]
    if distkey:
        options["redshift_distkey"] = identifier(distkey[0])
    elif (style := _DISTSTYLES.get(int(values[0]["reldiststyle"]))) is not None:
        options["redshift_diststyle"] = style
    sortkey = sorted(
        (abs(int(value["attsortkeyord"])), value["attname"])
        for value in values
        if value["attsortkeyord"]
    )
    if sortkey:
        options["redshift_sortkey"] = [identifier(part) for _, part in sortkey]
    return options


def _column(value: Any) -> sa.Column[Any]:
    kind = _known_type(value["type_text"])
    identity = _IDENTITY.fullmatch(value["default_text"] or "")
    options: dict[str, Any] = {}
    if value["encoding"] not in (None, "none"):
        options["redshift_encode"] = value["encoding"]
    if identity:
        options["redshift_identity"] = (int(identity[1]), int(identity[2]))
    return sa.Column(
        identifier(value["attname"]),
        UnknownType(value["type_text"]) if kind is None else kind.to_sqlalchemy(),
        nullable=not value["attnotnull"],
        autoincrement=False,
        server_default=None
        if identity or kind is None
        else parse_catalog_default(value["default_text"], kind),
        comment=value["column_comment"],
        info={"is_generated": _ANY_IDENTITY.match(value["default_text"] or "") is not None},
        **options,
    )


def _known_type(text: str) -> ColumnType | None:
    try:
        return parse_column_type(text)
    except ValueError:
        return None


def _column_numbers(conkey: object) -> tuple[int, ...]:
    """Return the column numbers of a constraint.

    Drivers give the array as a list or as the text `{1,2}`.
    """
    return tuple(int(part) for part in re.findall(r"\d+", str(conkey or "")))
