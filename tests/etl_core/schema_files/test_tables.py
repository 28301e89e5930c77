"""Schema files as tables: their SQL, the differences between two tables, and tables read from the catalog."""

from __future__ import annotations

import json
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given

from etl_core.model.table_ref import TableRef
from etl_core.schema_changes.diff import diff
from etl_core.schema_changes.live_table import parse_table, select_table
from etl_core.schema_changes.plan import make_plan
from etl_core.schema_files.column_types import describe_type, unknown_type_of
from etl_core.schema_files.default_values import parse_server_default
from etl_core.schema_files.schema_file import DefaultFunction, SchemaFile
from etl_core.schema_files.tables import primary_key_of, sortkey_of, table_of_schema_file
from etl_core.sql import describe_sql
from tests.builders import SEED, TABLE, a_column, a_spec
from tests.etl_core.schema_files.schema_files import good_files
from tests.fakes import catalog_rows


def a_table(*columns: dict[str, Any], **more: Any) -> Any:
    return table_of_schema_file(a_spec(*columns, **more), TABLE)


def sql_of(table: Any) -> list[str]:
    return [statement.sql for statement in make_plan(None, table, ()).statements]


def differences(actual: Any, desired: Any) -> tuple[str, ...]:
    return tuple(str(change) for change in diff(actual, desired))


GOLDEN = {
    "the seed example": (
        SEED["columns"],
        {},
        [
            'CREATE TABLE "public"."t" ( "username" VARCHAR(50) NOT NULL, "identifier" INTEGER, '
            '"first name" VARCHAR(100), '
            '"last name" VARCHAR(100) )'
        ],
    ),
    "reserved words, quotes, percent signs and backslashes in names": (
        [
            a_column("Order"),
            a_column("interval"),
            a_column('a"b'),
            a_column("50%"),
            a_column("a\\b"),
        ],
        {},
        [
            'CREATE TABLE "public"."t" ( "order" INTEGER, "interval" INTEGER, "a""b" INTEGER, '
            '"50%" INTEGER, "a\\b" INTEGER )'
        ],
    ),
    "quotes, percent signs and backslashes in texts": (
        [a_column("a", "VARCHAR(9)", default="'%\\", description="100 % \\n 'x'")],
        {"description": "it's"},
        [
            """CREATE TABLE "public"."t" ( "a" VARCHAR(9) DEFAULT '''%\\\\' )""",
            """COMMENT ON TABLE "public"."t" IS 'it''s'""",
            """COMMENT ON COLUMN "public"."t"."a" IS '100 % \\\\n ''x'''""",
        ],
    ),
    "keys keep the file's order and make their columns not null": (
        [a_column("a"), a_column("b"), a_column("c")],
        {"primary_key": ["b", "a"], "distkey": "C", "sortkey": ["c", "a"]},
        [
            'CREATE TABLE "public"."t" ( "a" INTEGER NOT NULL, "b" INTEGER NOT NULL, "c" INTEGER, '
            'PRIMARY KEY ("b", "a") ) '
            'DISTKEY ("c") SORTKEY ("c", "a")'
        ],
    ),
    "identity and encodings": (
        [a_column("a", "BIGINT", identity=[1, 2]), a_column("b", "TEXT", encode="ZSTD")],
        {"diststyle": "all"},
        [
            'CREATE TABLE "public"."t" ( "a" BIGINT IDENTITY(1,2) NOT NULL, "b" VARCHAR(256) '
            "ENCODE zstd ) DISTSTYLE ALL"
        ],
    ),
    "defaults": (
        [
            a_column("a", default=5),
            a_column("b", "NUMERIC(5,2)", default="-1.50"),
            a_column("c", "BOOL", default=False),
            a_column("d", "DATE", default={"function": "CURRENT_DATE"}),
            a_column("e", "TIMESTAMP", default={"function": "SYSDATE"}),
            a_column("f", "TIMESTAMPTZ", default={"function": "GETDATE"}),
            a_column("g", "DATE", default="2026-01-01"),
        ],
        {},
        [
            'CREATE TABLE "public"."t" ( "a" INTEGER DEFAULT 5, "b" NUMERIC(5, 2) DEFAULT -1.5, '
            '"c" BOOLEAN DEFAULT false, '
            '"d" DATE DEFAULT CURRENT_DATE, "e" TIMESTAMP WITHOUT TIME ZONE DEFAULT SYSDATE, "f" '
            "TIMESTAMPTZ DEFAULT getdate(), "
            "\"g\" DATE DEFAULT '2026-01-01' )"
        ],
    ),
}


@pytest.mark.parametrize(("columns", "more", "expected"), GOLDEN.values(), ids=GOLDEN)
def test_a_schema_file_is_rendered_as_create_table(
    columns: list[Any], more: dict[str, Any], expected: list[str]
) -> None:
    assert sql_of(a_table(*columns, **more)) == expected


@given(good_files())
def test_the_table_is_the_same_from_a_stored_schema_file_and_from_the_catalog(
    raw: dict[str, Any],
) -> None:
    spec = SchemaFile.parse(json.dumps(raw).encode())
    desired = table_of_schema_file(spec, TABLE)
    stored = table_of_schema_file(SchemaFile.from_json(spec.to_json()), TABLE)
    live = parse_table(TABLE, catalog_rows(desired))

    assert (differences(stored, desired), differences(desired, stored)) == ((), ())
    assert sql_of(stored) == sql_of(desired)
    assert live is not None
    assert differences(live, desired) == ()


BEFORE = [a_column("id"), a_column("name", "VARCHAR(20)", default="x")]


@pytest.mark.parametrize(
    ("columns", "more", "says"),
    [
        (
            [*BEFORE, a_column("note", "TEXT")],
            {},
            "column 'note' is in the schema file, but not in the table",
        ),
        (BEFORE[:1], {}, "column 'name' is in the table, but not in the schema file"),
        (
            [a_column("id", "BIGINT"), BEFORE[1]],
            {},
            "column 'id': its type is integer in the table and bigint in the schema file",
        ),
        (
            [a_column("id", nullable=False), BEFORE[1]],
            {},
            "its nullability is nullable in the table and not null in the",
        ),
        (
            [a_column("id", default=1), BEFORE[1]],
            {},
            "column 'id': its default is none in the table and 1 in the schema file",
        ),
        (
            [BEFORE[0], a_column("name", "VARCHAR(20)")],
            {},
            "its default is 'x' in the table and none in",
        ),
        (
            [a_column("id", encode="zstd"), BEFORE[1]],
            {},
            "its encoding is raw in the table and zstd in",
        ),
        (BEFORE, {"sortkey": "id"}, "the sortkey is none in the table and (id) in the schema file"),
        (
            BEFORE,
            {"distkey": "id"},
            "the distribution is AUTO in the table and KEY(id) in the schema file",
        ),
        (
            BEFORE,
            {"diststyle": "all"},
            "the distribution is AUTO in the table and ALL in the schema file",
        ),
        (
            BEFORE,
            {"primary_key": ["id"]},
            "the primary key is none in the table and (id) in the schema file",
        ),
        (
            [a_column("id", identity=[1, 1]), BEFORE[1]],
            {},
            "its identity is none in the table and (1,1) in",
        ),
    ],
)
def test_each_difference_is_described(columns: list[Any], more: dict[str, Any], says: str) -> None:
    actual = parse_table(TABLE, catalog_rows(a_table(*BEFORE)))
    assert actual is not None

    found = differences(actual, a_table(*columns, **more))

    assert any(says in line for line in found), found


def test_a_property_that_the_file_leaves_to_redshift_is_no_difference() -> None:
    actual = parse_table(
        TABLE, catalog_rows(a_table(a_column(encode="az64"), distkey="id", sortkey="id"))
    )
    assert actual is not None

    assert differences(actual, a_table(a_column())) == ()


@pytest.mark.parametrize(
    "digits",
    [
        "12345678901234567890123456789.123456789",
        "-0.1234567890123456789012345678901234567",
        "1e-30",
    ],
)
def test_a_default_keeps_all_38_digits(digits: str) -> None:
    column = a_column("a", "NUMERIC(38,9)", default=digits)
    rendered = sql_of(a_table(column))[0].split("DEFAULT ")[1].removesuffix(" )")

    assert Decimal(rendered) == Decimal(digits)


def a_row(**values: Any) -> Any:
    plain = {
        "attnum": 1, "attname": "id", "type_text": "integer", "attnotnull": False,
        "default_text": None, "encoding": "none",
        "attisdistkey": False, "attsortkeyord": 0, "reldiststyle": 9, "primary_key": None,
        "primary_key_name": None, "column_comment": None, "table_comment": None,
    }  # fmt: skip
    return SimpleNamespace(_mapping=plain | values)


def live(*rows: Any) -> sa.Table:
    table = parse_table(TABLE, rows)
    assert table is not None
    return table


def default_of(column: sa.Column[Any]) -> object:
    return parse_server_default(column.server_default, describe_type(column.type))


def test_without_rows_there_is_no_table() -> None:
    assert parse_table(TABLE, []) is None


@pytest.mark.parametrize("key", [[2, 1], "{2,1}", (2, 1)])
def test_the_primary_key_is_read_from_every_form_of_the_array(key: object) -> None:
    rows = [
        a_row(attnum=number, attname=name, attnotnull=True, primary_key=key)
        for number, name in ((1, "a"), (2, "b"), (5, "c"))
    ]

    assert primary_key_of(live(*rows)) == ("b", "a")


def test_sort_keys_keep_their_order_and_interleaved_ones_too() -> None:
    rows = [
        a_row(attnum=1, attname="a", attsortkeyord=-2),
        a_row(attnum=2, attname="b", attsortkeyord=1),
    ]

    assert sortkey_of(live(*rows)) == ("b", "a")


SYSDATE = DefaultFunction(function="SYSDATE")


def test_a_difference_names_a_function_as_a_schema_file_does() -> None:
    actual, desired = (
        a_table(a_column("t", "TIMESTAMP", **default))
        for default in ({}, {"default": {"function": "SYSDATE"}})
    )

    assert differences(actual, desired) == (
        "column 't': its default is none in the table and SYSDATE in the schema file",
    )


@pytest.mark.parametrize(
    ("kind", "text", "expected"),
    [
        ("integer", "5", 5),
        ("integer", "(-5)", -5),
        ("integer", "'5'::integer", 5),
        ("bigint", "5::bigint", 5),
        ("numeric(5,2)", "1.50", "1.5"),
        ("numeric(5,2)", "1.50::numeric(5,2)", "1.5"),
        ("double precision", "'1.5'::double precision", "1.5"),
        ("boolean", "true", True),
        ("boolean", "'f'::boolean", False),
        ("character varying(9)", "'it''s'::character varying", "it's"),
        ("character varying(9)", "('x'::character varying)::character varying(9)", "x"),
        ("character varying(9)", "'(a)::text'::text", "(a)::text"),
        ("character varying(9)", "''::character varying", ""),
        ("character varying(9)", "'now'::character varying", "now"),
        ("timestamp without time zone", "('now'::text)::timestamp without time zone", SYSDATE),
        ("timestamp with time zone", "('now'::text)::timestamp without time zone", SYSDATE),
        ("date", "(('now'::text)::timestamp without time zone)::date", SYSDATE),
        ("timestamp without time zone", "sysdate", SYSDATE),
        ("date", "('now'::text)::date", DefaultFunction(function="CURRENT_DATE")),
    ],
)
def test_a_default_is_parsed_from_the_text_of_the_catalog(
    kind: str, text: str, expected: object
) -> None:
    assert default_of(live(a_row(type_text=kind, default_text=text)).columns[0]) == expected


@pytest.mark.parametrize(
    "text", ["\"identity\"(104321, 0, '1,2'::text)", "identity(104321, 0, '1,2'::text)"]
)
def test_an_identity_column_is_recognised_by_its_default(text: str) -> None:
    column = live(a_row(default_text=text, attnotnull=True)).columns[0]

    assert column.dialect_options["redshift"]["identity"] == (1, 2)
    assert default_of(column) is None


@pytest.mark.parametrize("text", ["money", "numeric(39,0)", "geometry(4326)", "integer[]"])
def test_an_unknown_type_is_kept_as_the_catalog_names_it(text: str) -> None:
    column = live(a_row(type_text=text, default_text="'1'::money")).columns[0]

    assert unknown_type_of(column) == text
    assert str(describe_type(column.type)) == text
    assert default_of(column) is None


def test_the_catalog_is_read_by_one_query_with_both_names_as_parameters() -> None:
    text = describe_sql(select_table(TableRef("dev", "s", "it's")))

    assert "it's" not in text
    assert text.count("SELECT") == 1
    assert "n.nspname = %(nspname_1)s AND c.relname = %(relname_1)s" in text
