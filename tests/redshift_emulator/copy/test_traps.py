"""Twenty ways in which generated SQL fails on Redshift and on the emulator, by their number in the
emulator's documentation.
"""

from __future__ import annotations

import gzip
import threading
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest
from psycopg2.extensions import cursor as Cursor  # noqa: N812

from tests.redshift_emulator.conftest import error, place, rows, running, value
from tests.redshift_emulator.copy.lake import Lake
from tests.redshift_emulator.test_transactions import cut_off, wait_until

BLOCK = "25001"
ENCODINGS = 'SELECT "column", encoding FROM pg_table_def WHERE tablename = %s'


@pytest.fixture
def cursor(lake: Lake) -> Cursor:
    """A cursor in autocommit, on a connection without earlier notices."""
    lake.connection.notices.clear()
    return lake.connection.cursor()


def notices(lake: Lake) -> str:
    return "".join(lake.connection.notices)


def test_trap_1_alter_column_type_fails_in_the_block_that_psycopg2_opens_implicitly(
    lake: Lake, cursor: Cursor
) -> None:
    table = lake.table("a varchar(5)")
    widen = f"ALTER TABLE {table} ALTER COLUMN a TYPE varchar(9)"
    lake.connection.autocommit = False
    assert error(cursor, widen) == (
        BLOCK,
        "ALTER TABLE ALTER COLUMN cannot run inside a transaction block",
    )
    lake.connection.rollback()
    lake.connection.autocommit = True
    assert error(cursor, f"{widen}; SELECT 1")[0] == BLOCK
    cursor.execute(widen)


def test_trap_2_truncate_commits_so_a_failed_copy_after_it_leaves_the_table_empty(
    lake: Lake, cursor: Cursor
) -> None:
    table = lake.table("a int")
    cursor.execute(f"INSERT INTO {table} VALUES (1)")
    lake.connection.autocommit = False
    cursor.execute(f"TRUNCATE {table}")
    lake.refusal(table, lake.put(b"x\n"))
    lake.connection.rollback()
    lake.connection.autocommit = True
    assert lake.rows(table) == []


def test_trap_3_a_key_is_a_prefix_and_loads_other_objects_but_a_manifest_does_not(
    lake: Lake,
) -> None:
    table, url = lake.table("a int"), lake.put(b"1\n", "trap3/data.csv")
    lake.put(b"2\n", "trap3/data.csv.bak")
    lake.copy(table, url)
    assert lake.rows(table) == [(1,), (2,)]
    lake.copy(table, lake.manifest(url), "csv manifest")
    assert lake.rows(table) == [(1,), (1,), (2,)]


def test_trap_4_default_lengths_are_256_bytes_and_decimals_are_truncated_silently(
    lake: Lake, cursor: Cursor
) -> None:
    table = lake.table("a varchar, b text, c numeric")
    lake.copy(table, lake.put(b"x,y,1.9\n"))
    assert value(cursor, f"SELECT c FROM {table}") == 1
    assert "replacement" not in notices(lake)
    url = lake.put(("é" * 129 + ",y,1\n").encode())
    lake.refusal(table, url)
    assert [(failed.code, failed.column) for failed in lake.errors(url)] == [(1204, "a")]


def test_trap_5_pg_table_def_and_svv_table_info_do_not_show_whether_a_table_exists(
    lake: Lake, cursor: Cursor
) -> None:
    cursor.execute("CREATE SCHEMA IF NOT EXISTS other_schema")
    cursor.execute("CREATE TABLE other_schema.trap5 (a int)")
    assert rows(cursor, "SELECT 1 FROM pg_table_def WHERE tablename = 'trap5'") == []
    assert rows(cursor, "SELECT 1 FROM svv_table_info WHERE \"table\" = 'trap5'") == []
    assert error(cursor, "CREATE TABLE other_schema.trap5 (a int)")[0] == "42P07"


def test_trap_6_stl_load_errors_is_denied_on_serverless_and_the_error_fails_the_block(
    tmp_path: Path,
) -> None:
    with running(tmp_path, "--flavour", "serverless") as process:
        host, port = place(process)
        with closing(psycopg2.connect(host=host, port=port, user="awsuser", dbname="dev")) as admin:
            admin.autocommit = True
            admin.cursor().execute("CREATE USER reader PASSWORD 'Reader+1'")
        with closing(
            psycopg2.connect(host=host, port=port, user="reader", dbname="dev")
        ) as session:
            cursor = session.cursor()
            assert error(cursor, "SELECT * FROM stl_load_errors")[0] == "42501"
            assert error(cursor, "SELECT * FROM sys_load_error_detail")[0] == "25P02"
            session.rollback()
            assert rows(cursor, "SELECT * FROM sys_load_error_detail") == []


def test_trap_6_load_errors_are_read_after_the_rollback(lake: Lake, cursor: Cursor) -> None:
    table, url = lake.table("a int"), lake.put(b"x\n")
    lake.connection.autocommit = False
    lake.refusal(table, url)
    assert error(cursor, "SELECT * FROM sys_load_error_detail")[0] == "25P02"
    lake.connection.rollback()
    errors = rows(
        cursor,
        "SELECT error_code FROM sys_load_error_detail WHERE session_id = pg_backend_pid() AND trim(file_name) = %s",
        url,
    )
    assert errors == [(1207,)]


@pytest.mark.parametrize(
    "action",
    ["ADD COLUMN b int, ADD COLUMN c int", "ADD COLUMN b int NOT NULL", "ADD COLUMN IF NOT EXISTS b int",
     "ALTER COLUMN a SET NOT NULL", "ALTER COLUMN a SET DEFAULT 1"],
)  # fmt: skip
def test_trap_7_forms_of_add_and_alter_column_that_redshift_does_not_have(
    lake: Lake, cursor: Cursor, action: str
) -> None:
    assert error(cursor, f"ALTER TABLE {lake.table('a int')} {action}")[0] in ("42601", "0A000")


def test_trap_8_names_are_folded_and_truncated_and_reserved_words_need_quotes(
    lake: Lake, cursor: Cursor
) -> None:
    assert error(cursor, 'CREATE TABLE trap8 ("Id" int, "id" int)')[0] == "42701"
    assert error(cursor, f"CREATE TABLE trap8 ({'n' * 127}a int, {'n' * 127}b int)")[0] == "42701"
    assert error(cursor, "CREATE TABLE trap8 (interval int)") == (
        "42601",
        'syntax error at or near "interval"',
    )
    assert error(cursor, "CREATE TABLE tag (a int)")[0] == "42601"
    cursor.execute('CREATE TABLE trap8 ("interval" int, "tag" int)')
    assert error(cursor, "ALTER TABLE trap8 ADD COLUMN top int")[0] == "42601"


def test_trap_9_a_backslash_in_a_literal_is_an_escape_and_e_strings_do_not_exist(
    lake: Lake, cursor: Cursor
) -> None:
    table = lake.table(r"a int, b varchar(9) default 'a\nb'")
    cursor.execute(f"INSERT INTO {table} (a) VALUES (1)")
    assert value(cursor, f"SELECT b FROM {table}") == "a\nb"
    assert error(cursor, r"SELECT E'a\nb'") == ("42704", 'type "e" does not exist')


@pytest.mark.parametrize(("begin", "kept"), [("SELECT 1", 1), ("BEGIN", 0)])
def test_trap_10_a_copy_outside_a_block_is_committed_although_its_client_has_disconnected(
    lake: Lake, begin: str, kept: int
) -> None:
    table = lake.table("a int, b varchar(40)")
    url = lake.put(gzip.compress(b"1,some text\n" * 2_000_000, 1))
    client = lake.open_connection()
    pid = client.info.backend_pid

    def load() -> None:
        session = client.cursor()
        session.execute(begin)
        with pytest.raises(psycopg2.Error):
            session.execute(f"COPY {table} FROM '{url}' IAM_ROLE '{lake.role}' csv gzip")

    thread = threading.Thread(target=load)
    thread.start()
    copying = f"SELECT count(*) FROM pg_stat_activity WHERE pid = {pid} AND query LIKE 'COPY%'"
    wait_until(lambda: lake.sql(copying) == [(1,)], 20)
    cut_off(client)
    thread.join(20)
    wait_until(
        lambda: lake.sql(f"SELECT count(*) FROM pg_stat_activity WHERE pid = {pid}") == [(0,)], 60
    )
    assert lake.count(table) == 2_000_000 * kept


@pytest.mark.parametrize(
    ("body", "parameters", "loaded"),
    [
        (b"x,a\n1,b\n", "csv maxerror 2", [(1, "b")]),
        (b"1,abcdef\n", "csv truncatecolumns", [(1, "abc")]),
        (b"1,a\xff\n", "csv acceptinvchars", [(1, "a?")]),
    ],
)
def test_trap_11_a_copy_that_drops_or_changes_data_succeeds(
    lake: Lake, body: bytes, parameters: str, loaded: list[tuple[int, str]]
) -> None:
    table = lake.table("a int, b varchar(3)")
    lake.connection.notices.clear()
    lake.copy(table, lake.put(body), parameters)
    assert lake.rows(table) == loaded
    assert all(notice.startswith("INFO:") for notice in lake.connection.notices)


def test_trap_12_keys_are_not_enforced_and_merge_fails_on_duplicates(
    lake: Lake, cursor: Cursor
) -> None:
    target, source = lake.table("a int primary key, b int unique"), lake.table("a int, b int")
    cursor.execute(f"INSERT INTO {target} VALUES (1, 1), (1, 1)")
    cursor.execute(f"INSERT INTO {source} VALUES (1, 2), (1, 3)")
    merge = f"MERGE INTO {target} USING {source} s ON {target}.a = s.a WHEN MATCHED THEN UPDATE SET b = s.b"
    failure = error(cursor, f"{merge} WHEN NOT MATCHED THEN INSERT VALUES (s.a, s.b)")
    assert failure[1] == "Found multiple matches to update the same tuple"


@pytest.mark.parametrize(
    "sql",
    ["MERGE INTO {t} USING (SELECT 1 AS a) s ON {t}.a = s.a WHEN MATCHED THEN DELETE WHEN NOT "
        "MATCHED THEN INSERT VALUES (1)",
     "MERGE INTO {t} x USING {s} s ON x.a = s.a WHEN MATCHED THEN DELETE WHEN NOT MATCHED THEN INSERT VALUES (1)",
     "MERGE INTO {t} USING {s} s ON {t}.a = s.a WHEN MATCHED THEN DELETE",
     "INSERT INTO {t} VALUES (1) ON CONFLICT DO NOTHING",
     "INSERT INTO {t} VALUES (1) RETURNING a", "SELECT * FROM {t} FOR UPDATE", "SAVEPOINT s"],
)  # fmt: skip
def test_trap_13_statements_of_postgresql_that_redshift_does_not_have(
    lake: Lake, cursor: Cursor, sql: str
) -> None:
    assert error(cursor, sql.format(t=lake.table("a int"), s=lake.table("a int")))[0] in (
        "42601",
        "0A000",
    )


def test_trap_14_error_1023_rolls_back_the_whole_transaction(lake: Lake, cursor: Cursor) -> None:
    table = lake.table("a int")
    cursor.execute(f"INSERT INTO {table} VALUES (1)")
    with lake.connect() as other:
        one = other.connection.cursor()
        one.execute("BEGIN")
        one.execute(f"SELECT * FROM {table}; CREATE TABLE {table}_created (a int)")
        cursor.execute(f"UPDATE {table} SET a = 2")
        assert error(one, f"UPDATE {table} SET a = 3") == ("XX000", "1023")
        assert error(one, f"UPDATE {table} SET a = 3")[0] == "25P02"
        one.execute("ROLLBACK")
        assert error(one, f"INSERT INTO {table}_created VALUES (1)")[0] == "42P01"


def test_trap_14_a_lock_before_the_first_read_prevents_error_1023(
    lake: Lake, cursor: Cursor
) -> None:
    table = lake.table("a int")
    cursor.execute(f"INSERT INTO {table} VALUES (1)")
    with lake.connect() as other:
        one = other.connection.cursor()
        one.execute("BEGIN")
        cursor.execute(f"UPDATE {table} SET a = a + 1")
        one.execute(f"LOCK {table}")
        one.execute(f"UPDATE {table} SET a = a + 1")
        one.execute("COMMIT")
    assert lake.rows(table) == [(3,)]


def test_trap_15_the_first_line_of_every_file_is_skipped_and_its_names_are_ignored(
    lake: Lake,
) -> None:
    table = lake.table("a int, b int")
    lake.copy(
        table,
        lake.manifest(lake.put(b"b,a\n1,2\n"), lake.put(b"3,4\n5,6\n")),
        "csv manifest ignoreheader 1",
    )
    assert lake.rows(table) == [(1, 2), (5, 6)]
    marked = lake.put(b"\xef\xbb\xbf7,8\n")
    lake.refusal(table, marked)
    assert [failed.column for failed in lake.errors(marked)] == ["a"]


def test_trap_16_the_type_decides_whether_empty_is_null_and_the_default_is_not_used(
    lake: Lake,
) -> None:
    table = lake.table("a int, b varchar(3), c int default 7")
    lake.copy(table, lake.put(b",,\n"))
    assert lake.rows(table) == [(None, "", None)]
    strict, url = lake.table("a int not null default 7, b int"), lake.put(b",1\n")
    lake.refusal(strict, url)
    assert [failed.code for failed in lake.errors(url)] == [1213]


@pytest.mark.parametrize(
    "action",
    ["DROP COLUMN d", "DROP COLUMN s", "ALTER COLUMN d TYPE int", "ALTER COLUMN p TYPE varchar(9)"],
)
def test_trap_17_key_columns_cannot_be_dropped_or_altered(
    lake: Lake, cursor: Cursor, action: str
) -> None:
    table = lake.table("d varchar(3) DISTKEY, s int SORTKEY, p varchar(3) PRIMARY KEY")
    assert error(cursor, f"ALTER TABLE {table} {action}")[0] == "0A000"


def test_trap_18_the_first_copy_may_change_encodings_so_append_fails(
    lake: Lake, cursor: Cursor
) -> None:
    columns, url = "a int encode raw, b varchar(9) encode raw", lake.put(b"1,x\n")
    chosen, kept = lake.table(columns), lake.table(columns)
    lake.copy(chosen, url)
    lake.copy(kept, url, "csv compupdate off")
    assert rows(cursor, ENCODINGS, chosen) == [("a", "az64"), ("b", "lzo")]
    assert rows(cursor, ENCODINGS, kept) == [("a", "none"), ("b", "none")]
    assert "encoding" in error(cursor, f"ALTER TABLE {kept} APPEND FROM {chosen}")[1]
    lake.copy(kept, url, "csv compupdate on")
    assert rows(cursor, ENCODINGS, kept) == [("a", "none"), ("b", "none")]


@pytest.mark.parametrize(
    "call",
    [
        "current_schema()",
        "version()",
        "now()",
        "has_table_privilege('x', 'select')",
        "format_type(23, -1)",
    ],
)
@pytest.mark.parametrize("view", ["{t}", "svv_table_info", "stl_load_errors"])
def test_trap_19_leader_node_functions_fail_with_user_tables_and_system_views(
    lake: Lake, cursor: Cursor, call: str, view: str
) -> None:
    code, text = error(cursor, f"SELECT {call} FROM {view.format(t=lake.table('a int'))}")
    assert code == "0A000"
    assert "not supported on Redshift tables" in text


def test_trap_20_readers_wait_behind_a_waiting_alter(lake: Lake, cursor: Cursor) -> None:
    table = lake.table("a int")
    with lake.connect() as altering, lake.connect() as reading:
        cursor.execute("BEGIN")
        cursor.execute(f"SELECT * FROM {table}")
        thread = threading.Thread(
            target=lambda: altering.sql(f"ALTER TABLE {table} ADD COLUMN b int")
        )
        thread.start()
        pid = altering.connection.info.backend_pid
        waiting = (
            f"SELECT count(*) FROM pg_stat_activity WHERE pid = {pid} AND wait_event_type = 'Lock'"
        )
        wait_until(lambda: reading.sql(waiting) == [(1,)])
        reading.sql("SET statement_timeout TO 200")
        assert error(reading.connection.cursor(), f"SELECT * FROM {table}")[0] == "57014"
        cursor.execute("COMMIT")
        thread.join(10)
        assert reading.sql(f"SELECT b FROM {table}") == []
