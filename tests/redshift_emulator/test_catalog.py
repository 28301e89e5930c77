"""The catalog describes tables in Redshift's words."""

from __future__ import annotations

import pytest
from psycopg2.extensions import cursor as Cursor  # noqa: N812

from tests.redshift_emulator.conftest import Connect, error, rows, value

TYPES = [
    ("smallint", "smallint", "az64"), ("int2", "smallint", "az64"), ("int", "integer", "az64"),
    ("int4", "integer", "az64"),
    ("bigint", "bigint", "az64"), ("int8", "bigint", "az64"), ("numeric", "numeric(18,0)", "az64"),
    ("decimal(10,2)", "numeric(10,2)", "az64"), ("dec(5)", "numeric(5,0)", "az64"),
    ("numeric(38,37)", "numeric(38,37)", "az64"),
    ("real", "real", "none"), ("float4", "real", "none"), ("float", "double precision", "none"),
    ("float8", "double precision", "none"), ("double precision", "double precision", "none"),
    ("bool", "boolean", "none"),
    ("boolean", "boolean", "none"), ("char", "character(1)", "lzo"), ("char(4)", "character(4)", "lzo"),
    ("nchar(4)", "character(4)", "lzo"), ("bpchar", "character(256)", "lzo"), ("varchar",
    "character varying(256)", "lzo"),
    ("varchar(4)", "character varying(4)", "lzo"), ("varchar(max)", "character varying(65535)", "lzo"),
    ("nvarchar(9)", "character varying(9)", "lzo"), ("character varying(7)", "character varying(7)", "lzo"),
    ("text", "character varying(256)", "lzo"), ("date", "date", "az64"), ("time", "time without time zone", "az64"),
    ("timetz", "time with time zone", "az64"), ("timestamp", "timestamp without time zone", "az64"),
    ("timestamptz", "timestamp with time zone", "az64"), ("timestamp with time zone",
    "timestamp with time zone", "az64"),
    ("super", "super", "zstd"), ("varbyte(4)", "binary varying(4)", "lzo"), ("varbyte", "binary varying(64000)", "lzo"),
    ("binary varying(9)", "binary varying(9)", "lzo"), ("geometry", "geometry", "none"),
    ("geography", "geography", "none"),
    ("hllsketch", "hllsketch", "none"),
]  # fmt: skip

COLUMNS = """
SELECT a.attnum, a.attname, format_type(a.atttypid, a.atttypmod) AS typ, a.attnotnull,
       pg_get_expr(d.adbin, d.adrelid) AS dflt, format_encoding(a.attencodingtype::integer) AS enc,
       a.attisdistkey, a.attsortkeyord, c.reldiststyle, c.oid
FROM pg_namespace n JOIN pg_class c ON c.relnamespace = n.oid JOIN pg_attribute a ON a.attrelid = c.oid
LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE n.nspname = %s AND c.relname = %s AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
"""
KEYS = "SELECT conname, conkey, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = %s AND contype = 'p'"


def test_every_type_is_shown_in_redshifts_spelling(cursor: Cursor) -> None:
    columns = ", ".join(f"c{place} {written}" for place, (written, _, _) in enumerate(TYPES))
    cursor.execute(f"CREATE TABLE t ({columns})")
    shown = rows(cursor, COLUMNS, "public", "t")
    assert [(row[2], row[5]) for row in shown] == [(kind, encoding) for _, kind, encoding in TYPES]


def test_one_query_reads_all_attributes_of_a_table(cursor: Cursor) -> None:
    cursor.execute(
        """CREATE TABLE "Orders" ("Id" bigint IDENTITY(1,2) PRIMARY KEY, name varchar(12) DEFAULT 'x' ENCODE zstd,
           at timestamp NOT NULL, flag boolean DEFAULT true, n numeric(9,2) DEFAULT 0)
           DISTSTYLE KEY DISTKEY (name) COMPOUND SORTKEY (at, "ID")"""
    )
    shown = rows(cursor, COLUMNS, "public", "orders")
    oid = shown[0][9]
    assert [row[:9] for row in shown] == [
        (1, "id", "bigint", True, f"\"identity\"({oid}, 0, '1,2'::text)", "none", False, 2, 1),
        (2, "name", "character varying(12)", False, "'x'::character varying", "zstd", True, 0, 1),
        (3, "at", "timestamp without time zone", True, None, "none", False, 1, 1),
        (4, "flag", "boolean", False, "true", "none", False, 0, 1),
        (5, "n", "numeric(9,2)", False, "0", "az64", False, 0, 1),
    ]
    assert rows(cursor, KEYS, oid) == [("orders_pkey", [1], "PRIMARY KEY (id)")]


def test_a_missing_table_has_no_rows(cursor: Cursor) -> None:
    assert rows(cursor, COLUMNS, "public", "absent") == []


@pytest.mark.parametrize(
    ("attributes", "diststyle", "sortkeys"),
    [
        ("", 9, [0, 0]),
        ("DISTSTYLE AUTO SORTKEY AUTO ENCODE AUTO", 9, [0, 0]),
        ("DISTSTYLE EVEN", 0, [0, 0]),
        ("DISTSTYLE ALL SORTKEY (b, a)", 8, [2, 1]),
        ("BACKUP NO DISTKEY (a) INTERLEAVED SORTKEY (a, b)", 1, [1, -2]),
    ],
)
def test_the_catalog_shows_table_attributes(
    cursor: Cursor, attributes: str, diststyle: int, sortkeys: list[int]
) -> None:
    cursor.execute("CREATE TABLE t (a integer, b integer) " + attributes)
    shown = rows(cursor, COLUMNS, "public", "t")
    assert [row[8] for row in shown] == [diststyle] * 2
    assert [row[7] for row in shown] == sortkeys


def test_alter_table_changes_attributes(cursor: Cursor) -> None:
    cursor.execute("CREATE TABLE t (a integer, b varchar(9)) DISTKEY (a)")
    cursor.execute("ALTER TABLE t ALTER COLUMN b ENCODE zstd, ALTER COLUMN a ENCODE raw")
    cursor.execute("ALTER TABLE t ALTER DISTKEY b")
    cursor.execute("ALTER TABLE t ALTER COMPOUND SORTKEY (b, a)")
    assert [row[5:9] for row in rows(cursor, COLUMNS, "public", "t")] == [
        ("none", False, 2, 1),
        ("none", True, 1, 1),
    ]
    cursor.execute("ALTER TABLE t ALTER DISTSTYLE ALL")
    cursor.execute("ALTER TABLE t ALTER SORTKEY NONE")
    assert [row[6:9] for row in rows(cursor, COLUMNS, "public", "t")] == [
        (False, 0, 8),
        (False, 0, 8),
    ]


def test_a_new_sort_key_sets_its_columns_to_raw_and_the_same_encoding_is_refused(
    cursor: Cursor,
) -> None:
    cursor.execute("CREATE TABLE t (a integer ENCODE az64, b varchar(9) ENCODE zstd)")
    cursor.execute("ALTER TABLE t ALTER SORTKEY (b)")
    assert [row[5] for row in rows(cursor, COLUMNS, "public", "t")] == ["az64", "none"]
    assert error(cursor, "ALTER TABLE t ALTER COLUMN b ENCODE raw") == (
        "0A000",
        'column "b" has encoding raw already',
    )
    cursor.execute("ALTER TABLE t ALTER COLUMN b ENCODE lzo")
    for style in ("AUTO", "NONE"):
        cursor.execute("ALTER TABLE t ALTER SORTKEY " + style)
        assert [row[5] for row in rows(cursor, COLUMNS, "public", "t")] == ["az64", "lzo"]
    assert [row[7] for row in rows(cursor, COLUMNS, "public", "t")] == [0, 0]


def test_columns_and_tables_are_added_dropped_and_renamed(cursor: Cursor) -> None:
    cursor.execute("CREATE TABLE t (a integer, b varchar(9), UNIQUE (b))")
    cursor.execute("ALTER TABLE t ADD COLUMN c varchar DEFAULT 'y' ENCODE text255 NOT NULL")
    cursor.execute("ALTER TABLE t DROP COLUMN b")
    cursor.execute("ALTER TABLE t RENAME COLUMN c TO d")
    cursor.execute("ALTER TABLE t RENAME TO u")
    assert [row[:6] for row in rows(cursor, COLUMNS, "public", "u")] == [
        (1, "a", "integer", False, None, "az64"),
        (3, "d", "character varying(256)", True, "'y'::character varying", "text255"),
    ]
    assert rows(cursor, "SELECT conname FROM pg_constraint") == []


def test_pg_table_def_shows_only_the_search_path(cursor: Cursor) -> None:
    cursor.execute("CREATE SCHEMA other")
    try:
        cursor.execute("CREATE TABLE other.hidden (a integer)")
        query = "SELECT * FROM pg_table_def WHERE tablename = 'hidden'"
        assert rows(cursor, query) == []
        cursor.execute("SET search_path TO other, public")
        assert rows(cursor, query) == [("other", "hidden", "a", "integer", "az64", False, 0, False)]
    finally:
        cursor.execute("DROP SCHEMA other CASCADE")


def test_svv_table_info_omits_empty_tables(cursor: Cursor) -> None:
    cursor.execute("CREATE TABLE t (a integer)")
    query = 'SELECT "schema", "table", tbl_rows, diststyle FROM svv_table_info'
    assert rows(cursor, query) == []
    cursor.execute("INSERT INTO t VALUES (1), (2)")
    assert rows(cursor, query) == [("public", "t", 2, "AUTO(ALL)")]


def test_svv_redshift_columns_and_show_commands_list_columns_and_tables(cursor: Cursor) -> None:
    cursor.execute("CREATE TABLE t (a integer NOT NULL, b numeric(8,2))")
    columns = rows(
        cursor,
        "SELECT column_name, ordinal_position, data_type, is_nullable FROM svv_redshift_columns WHERE table_name = 't'",
    )
    assert columns == [("a", 1, "integer", "NO"), ("b", 2, "numeric(8,2)", "YES")]
    assert [row[3] for row in rows(cursor, "SHOW COLUMNS FROM TABLE dev.public.t")] == ["a", "b"]
    assert [row[2] for row in rows(cursor, "SHOW TABLES FROM SCHEMA dev.public")] == ["t"]


def test_keys_are_informational(cursor: Cursor) -> None:
    cursor.execute("CREATE TABLE p (a integer PRIMARY KEY, b integer UNIQUE)")
    cursor.execute(
        "CREATE TABLE f (a integer REFERENCES p, b integer, CONSTRAINT named FOREIGN KEY (b) REFERENCES p (a))"
    )
    cursor.execute("INSERT INTO p VALUES (1, 1), (1, 1)")
    cursor.execute("INSERT INTO f VALUES (7, 8)")
    assert error(cursor, "INSERT INTO p (b) VALUES (1)") == (
        "23502",
        "Cannot insert a NULL value into column a",
    )
    shown = rows(
        cursor,
        "SELECT conname, contype, pg_get_constraintdef(oid) FROM pg_constraint ORDER BY conname",
    )
    assert shown == [
        ("f_a_fkey", "f", "FOREIGN KEY (a) REFERENCES p(a)"),
        ("named", "f", "FOREIGN KEY (b) REFERENCES p(a)"),
        ("p_b_key", "u", "UNIQUE (b)"),
        ("p_pkey", "p", "PRIMARY KEY (a)"),
    ]
    cursor.execute("ALTER TABLE f DROP CONSTRAINT named")
    types = rows(
        cursor,
        "SELECT constraint_type FROM information_schema.table_constraints WHERE table_name = 'f'",
    )
    assert types == [("FOREIGN KEY",)]


def test_like_copies_attributes_but_no_keys_or_defaults(cursor: Cursor) -> None:
    cursor.execute(
        "CREATE TABLE s (a varchar(3) DEFAULT 'x' NOT NULL ENCODE zstd, b integer) DISTKEY (b) SORTKEY (a)"
    )
    cursor.execute("ALTER TABLE s ADD UNIQUE (b)")
    cursor.execute("CREATE TABLE t (LIKE s)")
    assert [row[1:9] for row in rows(cursor, COLUMNS, "public", "t")] == [
        ("a", "character varying(3)", True, None, "zstd", False, 1, 1),
        ("b", "integer", False, None, "az64", True, 0, 1),
    ]
    assert error(cursor, "INSERT INTO t VALUES ('ää', 1)")[0] == "22001"
    assert rows(cursor, "SELECT count(*) FROM pg_constraint") == [(1,)]


def test_create_table_as_sets_attributes_and_counts_bytes(cursor: Cursor) -> None:
    cursor.execute("CREATE TABLE s (a varchar(3), b integer)")
    cursor.execute("INSERT INTO s VALUES ('x', 1)")
    cursor.execute("CREATE TABLE t DISTKEY (b) SORTKEY (a) AS SELECT * FROM s")
    assert [row[6:9] for row in rows(cursor, COLUMNS, "public", "t")] == [
        (False, 1, 1),
        (True, 0, 1),
    ]
    assert error(cursor, "INSERT INTO t VALUES ('ää', 1)")[0] == "22001"
    cursor.execute("SELECT a INTO u FROM s")
    assert rows(cursor, "SELECT a FROM u") == [("x",)]


def test_a_rolled_back_table_leaves_nothing_in_the_catalog(cursor: Cursor) -> None:
    cursor.execute("BEGIN")
    cursor.execute("CREATE TABLE t (a integer PRIMARY KEY)")
    cursor.execute("ROLLBACK")
    assert rows(cursor, COLUMNS, "public", "t") == []
    assert rows(cursor, "SELECT * FROM pg_constraint") == []


def test_if_not_exists_keeps_the_existing_table(cursor: Cursor, session: object) -> None:
    cursor.execute("CREATE TABLE t (a integer) DISTSTYLE ALL")
    cursor.execute("CREATE TABLE IF NOT EXISTS t (b integer) DISTSTYLE EVEN")
    assert [(row[1], row[8]) for row in rows(cursor, COLUMNS, "public", "t")] == [("a", 8)]
    assert 'relation "t" already exists' in session.notices[-1]  # type: ignore[attr-defined]


def test_a_comment_is_shown(cursor: Cursor) -> None:
    cursor.execute("CREATE TABLE t (a integer)")
    cursor.execute("COMMENT ON COLUMN t.a IS 'it''s'")
    assert (
        value(cursor, "SELECT remarks FROM svv_redshift_columns WHERE table_name = 't'") == "it's"
    )


ALL_VIEWS = [
    ("svv_all_schemas", ["database_name", "schema_name", "schema_owner", "schema_type",
    "schema_acl", "source_database", "schema_option"]),
    ("svv_redshift_schemas", ["database_name", "schema_name", "schema_owner", "schema_type",
    "schema_acl", "schema_option"]),
    ("svv_all_tables", ["database_name", "schema_name", "table_name", "table_type", "table_acl", "remarks"]),
    ("svv_all_columns", [
        "database_name", "schema_name", "table_name", "column_name", "ordinal_position",
        "column_default", "is_nullable", "data_type", "character_maximum_length",
        "numeric_precision", "numeric_scale", "remarks",
    ]),
    ("svv_redshift_databases", [
        "database_name", "database_owner", "database_type", "database_acl", "database_options",
        "database_isolation_level",
    ]),
    ("svv_user_info", [
        "user_name", "user_id", "createdb", "superuser", "catalog_update", "connection_limit",
        "syslog_access", "last_ddl_timestamp", "session_timeout", "external_user_id",
    ]),
    ("svl_user_info", [
        "usename", "usesysid", "usecreatedb", "usesuper", "usecatupd", "useconnlimit",
        "syslogaccess", "last_ddl_ts", "sessiontimeout", "external_id",
    ]),
    ("svv_columns", [
        "table_catalog", "table_schema", "table_name", "column_name", "ordinal_position",
        "column_default", "is_nullable", "data_type", "character_maximum_length",
        "numeric_precision", "numeric_precision_radix", "numeric_scale", "datetime_precision",
        "interval_type", "interval_precision", "character_set_catalog", "character_set_schema",
        "character_set_name", "collation_catalog", "collation_schema", "collation_name",
        "domain_name", "remarks",
    ]),
]  # fmt: skip


@pytest.mark.parametrize(("view", "columns"), ALL_VIEWS, ids=[view for view, _ in ALL_VIEWS])
def test_a_view_has_the_columns_that_aws_documents(
    cursor: Cursor, view: str, columns: list[str]
) -> None:
    cursor.execute("CREATE TABLE t (a integer)")
    assert rows(cursor, f"SELECT * FROM {view} LIMIT 1")
    assert [column.name for column in cursor.description or ()] == columns


def test_svv_all_columns_and_svv_columns_show_lengths_and_precisions(cursor: Cursor) -> None:
    cursor.execute(
        "CREATE TABLE t (a smallint NOT NULL, b numeric(8,2), c varchar(9) DEFAULT 'x', d super)"
    )
    cursor.execute("COMMENT ON COLUMN t.b IS 'price'")
    query = """SELECT column_name, is_nullable, data_type, character_maximum_length, numeric_precision,
        numeric_scale, remarks
               FROM {} WHERE table_name = 't' ORDER BY ordinal_position"""
    expected = [
        ("a", "NO", "smallint", None, 16, 0, None),
        ("b", "YES", "numeric", None, 8, 2, "price"),
        ("c", "YES", "character varying", 9, None, None, None),
        ("d", "YES", "super", None, None, None, None),
    ]
    assert rows(cursor, query.format("svv_all_columns")) == expected
    assert rows(cursor, query.format("svv_columns")) == expected


def test_schemas_databases_and_users_are_listed(cursor: Cursor, connect: Connect) -> None:
    assert rows(
        cursor, "SELECT schema_name, schema_type FROM svv_all_schemas WHERE schema_name = 'public'"
    ) == [("public", "local")]
    databases = rows(
        cursor,
        "SELECT database_name, database_isolation_level FROM svv_redshift_databases ORDER BY 1",
    )
    assert databases[:2] == [("analytics", "Snapshot Isolation"), ("dev", "Snapshot Isolation")]
    assert ("awsuser", True) in rows(cursor, "SELECT user_name, superuser FROM svv_user_info")
    cursor.execute("CREATE USER reader PASSWORD 'Abc12345'")
    try:
        other = connect(user="reader", password="Abc12345").cursor()
        assert rows(other, "SELECT user_name, superuser FROM svv_user_info") == [("reader", False)]
        assert error(other, "SELECT * FROM svl_user_info")[0] == "42501"
    finally:
        cursor.execute("DROP USER reader")


def test_the_emulators_own_schemas_are_hidden(cursor: Cursor) -> None:
    for view in (
        "information_schema.tables",
        "information_schema.columns",
        "information_schema.views",
        "svv_tables",
        "svv_columns",
    ):
        assert rows(cursor, f"SELECT * FROM {view} WHERE table_schema LIKE 'pg_rs%'") == []
        assert rows(cursor, f"SELECT count(*) FROM {view} WHERE table_schema = 'pg_catalog'") != [
            (0,)
        ]
    for query in (
        "SELECT schema_name FROM information_schema.schemata WHERE schema_name LIKE 'pg_rs%'",
        "SELECT nspname FROM pg_namespace WHERE nspname LIKE 'pg_rs%'",
        "SELECT schemaname FROM pg_views WHERE schemaname LIKE 'pg_rs%'",
        "SELECT relname FROM pg_class WHERE relname = 'pg_index' AND relkind = 'v'",
    ):
        assert rows(cursor, query) == []
