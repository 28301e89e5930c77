"""Other drivers: psycopg 3 and redshift_connector use the extended protocol."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator
from decimal import Decimal

import psycopg
import pytest
import redshift_connector

from redshift_emulator import wire
from tests.redshift_emulator.conftest import PASSWORD, Connect, Warehouse


@pytest.fixture
def modern(warehouse: Warehouse, connect: Connect) -> Iterator[psycopg.Connection]:
    """A connection of psycopg 3, in autocommit."""
    del connect
    with psycopg.connect(
        host="localhost", port=warehouse.port, user="awsuser", password=PASSWORD, dbname="dev", autocommit=True,
        sslmode="verify-full", sslrootcert=str(warehouse.ca_file),
    ) as session:  # fmt: skip
        yield session


@pytest.fixture
def amazons(warehouse: Warehouse, connect: Connect) -> Iterator[redshift_connector.Connection]:
    """A connection of redshift_connector, Amazon's own driver."""
    del connect
    session = redshift_connector.connect(
        host=warehouse.host,
        port=warehouse.port,
        user="awsuser",
        password=PASSWORD,
        database="dev",
        ssl=False,
    )
    yield session
    session.close()


def test_psycopg_binds_parameters_and_prepares_statements(modern: psycopg.Connection) -> None:
    modern.execute("CREATE TABLE t (a integer, b varchar(3)) DISTSTYLE ALL", prepare=True)
    modern.execute("INSERT INTO t VALUES (%s, %s)", (1, "x"))
    assert modern.execute('SELECT a, b FROM t WHERE "A" = %s', (1,)).fetchall() == [(1, "x")]
    with pytest.raises(psycopg.errors.StringDataRightTruncation, match="character varying"):
        modern.execute("INSERT INTO t VALUES (%s, %s)", (2, "ää"))
    modern.execute("TRUNCATE t", prepare=True)
    assert modern.execute("SELECT count(*) FROM t").fetchall() == [(0,)]


def test_a_refused_statement_fails_psycopgs_transaction(modern: psycopg.Connection) -> None:
    with pytest.raises(psycopg.errors.FeatureNotSupported), modern.transaction():  # noqa: PT012 - about the block
        modern.execute("CREATE TABLE t (a integer)")
        modern.execute("CREATE INDEX i ON t (a)", prepare=True)
    assert modern.execute("SELECT count(*) FROM pg_class WHERE relname = 't'").fetchall() == [(0,)]


def test_a_pipeline_mixes_own_and_forwarded_statements(modern: psycopg.Connection) -> None:
    with modern.pipeline():
        modern.execute("CREATE TABLE t (a integer) DISTSTYLE ALL", prepare=True)
        for number in range(5):
            modern.execute("INSERT INTO t VALUES (%s)", (number,))
        modern.execute("ALTER TABLE t ADD COLUMN b integer", prepare=True)
        counted = modern.execute("SELECT count(*), count(b) FROM t")
    assert counted.fetchall() == [(5, 0)]


def test_a_pipeline_may_be_longer_than_all_buffers(modern: psycopg.Connection) -> None:
    with modern.pipeline():
        cursors = [
            modern.execute("SELECT %s::int, repeat('x', 2000)", (number,)) for number in range(3000)
        ]
    assert [row[0] for cursor in cursors for row in cursor.fetchall()] == list(range(3000))


def test_a_pipeline_takes_the_same_snapshot_as_single_statements(
    modern: psycopg.Connection, connect: Connect
) -> None:
    """An INSERT after a catalog query waits for the other writer and sees what it committed."""
    other = connect().cursor()
    other.execute("CREATE TABLE t (a integer)")
    other.execute("BEGIN; INSERT INTO t VALUES (1)")
    commit = threading.Timer(0.5, other.execute, ["COMMIT"])
    commit.start()
    with modern.pipeline():
        modern.execute("BEGIN")
        modern.execute("SELECT current_schema()")
        modern.execute("INSERT INTO t SELECT 100 + count(*) FROM t")
        modern.execute("COMMIT")
    commit.join()
    assert modern.execute("SELECT a FROM t ORDER BY a").fetchall() == [(1,), (101,)]


def test_a_portal_that_is_read_in_parts_survives_catalog_queries(warehouse: Warehouse) -> None:
    """JDBC's setFetchSize reads like this."""
    portal = wire.cstring("part") + wire.cstring("") + bytes(6)
    fetch = wire.frame(b"E", wire.cstring("part") + struct.pack("!I", 3))
    with socket.create_connection((warehouse.host, warehouse.port), 10) as line:
        frames = wire.Frames()

        def ask(message: bytes, *last: bytes) -> list[bytes]:
            line.sendall(message)
            kinds: list[bytes] = []
            while not kinds or kinds[-1] not in last:
                kinds += [kind for kind, _ in frames]
                if not kinds or kinds[-1] not in last:
                    frames.feed(line.recv(1 << 16))
            return kinds

        ask(wire.startup_packet({"user": "awsuser", "database": "dev"}), b"R")
        ask(wire.frame(b"p", wire.cstring(PASSWORD)), b"Z")
        ask(wire.query(b"BEGIN"), b"Z")
        parse = wire.frame(
            b"P", wire.cstring("") + wire.cstring("SELECT relname FROM pg_class") + bytes(2)
        )
        first = ask(parse + wire.frame(b"B", portal) + fetch + wire.frame(b"S"), b"Z")
        assert first == [b"1", b"2", b"D", b"D", b"D", b"s", b"Z"]
        ask(wire.query(b"SELECT current_schema()"), b"Z")
        assert ask(fetch + wire.frame(b"S"), b"Z") == [b"D", b"D", b"D", b"s", b"Z"]


def test_an_error_in_a_pipeline_skips_the_rest_of_it(modern: psycopg.Connection) -> None:
    modern.execute("CREATE TABLE t (a integer)")
    with pytest.raises(psycopg.errors.UndefinedObject), modern.pipeline():  # noqa: PT012 - about the pipeline
        modern.execute("SELECT E'x' WHERE %s = 1", (1,))
        modern.execute("INSERT INTO t VALUES (%s)", (1,))
    assert modern.execute("SELECT count(*) FROM t").fetchall() == [(0,)]


def test_redshift_connector_runs_statements(amazons: redshift_connector.Connection) -> None:
    cursor = amazons.cursor()
    cursor.execute("SELECT 1, 'a', 1.5::numeric(5,2), NULL")
    assert [list(row) for row in cursor.fetchall()] == [[1, "a", Decimal("1.50"), None]]
    cursor.execute("CREATE TABLE t (a bigint IDENTITY(1,1), b varchar(10) ENCODE zstd)")
    cursor.execute("INSERT INTO t (b) VALUES (%s)", ("x",))
    amazons.commit()
    with pytest.raises(redshift_connector.error.ProgrammingError, match="0A000"):
        cursor.execute("CREATE INDEX i ON t (a)")
    amazons.rollback()
    amazons.autocommit = True
    cursor.execute("ALTER TABLE t ALTER COLUMN b TYPE varchar(20)")
    cursor.execute("SELECT \"column\", type, encoding FROM pg_table_def WHERE tablename = 't'")
    assert [list(row) for row in cursor.fetchall()] == [
        ["a", "bigint", "az64"],
        ["b", "character varying(20)", "zstd"],
    ]


def test_redshift_connector_reads_the_catalog(amazons: redshift_connector.Connection) -> None:
    cursor = amazons.cursor()
    amazons.autocommit = True
    cursor.execute("CREATE TABLE asked (a integer)")
    cursor.execute("CREATE PROCEDURE ask() AS $$ BEGIN NULL; END; $$ LANGUAGE plpgsql")
    assert ["dev"] in map(list, cursor.get_catalogs())
    assert ["public", "dev"] in map(list, cursor.get_schemas())
    assert "asked" in [row[2] for row in cursor.get_tables(schema_pattern="public")]
    assert [row[2] for row in cursor.get_procedures(schema_pattern="public")] == ["ask"]


def test_redshift_connector_finds_columns_and_primary_keys(
    amazons: redshift_connector.Connection,
) -> None:
    amazons.autocommit = True
    cursor = amazons.cursor()
    cursor.execute(
        "CREATE TABLE described (id bigint, name varchar(9), body super, PRIMARY KEY (id))"
    )
    columns = cursor.get_columns(schema_pattern="public", tablename_pattern="described")
    assert [(row[3], row[5], row[6]) for row in columns] == [
        ("id", "int8", 19), ("name", "varchar", 9), ("body", "super", None)
    ]  # fmt: skip
    keys = cursor.get_primary_keys(schema="public", table="described")
    assert [tuple(row) for row in keys] == [
        ("dev", "public", "described", "id", 1, "described_pkey")
    ]


def test_super_and_varbyte_have_the_type_numbers_of_amazons_drivers(connect: Connect) -> None:
    cursor = connect().cursor()
    cursor.execute("CREATE TABLE typed (a super, b varbyte(3), c geometry)")
    cursor.execute("""INSERT INTO typed VALUES (JSON_PARSE('{"x": [1]}'), 'abc', '0101')""")
    cursor.execute("SELECT a, b, c, a.x[0]::int FROM typed")
    assert [column[1] for column in cursor.description or ()] == [4000, 6551, 3000, 23]
    assert cursor.fetchall() == [('{"x":[1]}', "616263", "0101", 1)]


def test_lateral_aliases_and_parameters_in_a_block(connect: Connect, warehouse: Warehouse) -> None:
    connect().cursor().execute(
        "CREATE TABLE shifted (a integer, d integer); INSERT INTO shifted VALUES (1, 100)"
    )
    with psycopg.connect(warehouse.conninfo) as session:
        asked = "SELECT a + %s::int AS b, b * 2 AS c, c + 1 AS d, d AS e FROM shifted"
        assert session.execute(asked, (4,)).fetchall() == [(5, 10, 11, 100)]
        assert session.execute("SELECT a AS d, d FROM shifted").fetchall() == [(1, 100)]
        mixed = "SELECT a + 1 AS d, d AS kept, kept + 1 AS b, b FROM shifted"
        assert session.execute(mixed).fetchall() == [(2, 100, 101, 101)]
        with pytest.raises(psycopg.errors.UndefinedColumn):
            session.execute("SELECT a + %s::int AS b, x FROM shifted", (4,))
