"""TLS, passwords, databases, and the greeting."""

from __future__ import annotations

import contextlib
import hashlib
import socket
import struct

import psycopg2
import pytest
import sqlalchemy as sa

from tests.redshift_emulator.conftest import PASSWORD, Connect, Warehouse, error, rows, value


def test_a_client_verifies_the_certificate_and_the_host_name(
    warehouse: Warehouse, connect: Connect
) -> None:
    for host in ("localhost", "127.0.0.1"):
        session = connect(host=host, sslmode="verify-full", sslrootcert=str(warehouse.ca_file))
        assert session.info.ssl_in_use
        assert rows(session.cursor(), "SELECT 1") == [(1,)]


def test_a_client_refuses_an_unknown_certificate_authority(connect: Connect) -> None:
    with pytest.raises(psycopg2.OperationalError, match="certificate verify failed"):
        connect(sslmode="verify-full", sslrootcert="system")


def test_large_queries_and_results_work_over_tls(connect: Connect) -> None:
    cursor = connect(sslmode="require").cursor()
    assert value(cursor, "SELECT len(%s)", "x" * 3_000_000) == 3_000_000
    assert value(cursor, "SELECT repeat('y', 3000000)") == "y" * 3_000_000


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"password": "wrong"}, 'password authentication failed for user "awsuser"'),
        ({"user": "nobody"}, 'password authentication failed for user "nobody"'),
        ({"dbname": "absent"}, 'database "absent" does not exist'),
        ({"dbname": "template1"}, 'database "template1" does not exist'),
        ({"options": "-c standard_conforming_strings=on"}, "unrecognized configuration parameter"),
    ],
)
def test_a_login_is_refused(connect: Connect, arguments: dict[str, str], text: str) -> None:
    with pytest.raises(psycopg2.OperationalError, match="FATAL") as caught:
        connect(**arguments)
    assert text in str(caught.value)


def test_a_user_created_with_create_user_logs_in(connect: Connect) -> None:
    admin = connect().cursor()
    admin.execute("CREATE USER loader PASSWORD 'Loader+1'")
    try:
        assert (
            value(connect(user="loader", password="Loader+1").cursor(), "SELECT current_user")
            == "loader"
        )
        with pytest.raises(psycopg2.OperationalError):
            connect(user="loader", password="Loader+2")
    finally:
        admin.execute("DROP USER loader")


@pytest.mark.parametrize(
    ("stored", "password"),
    [
        ("sha256|Pa55word", "Pa55word"),
        ("md5" + hashlib.md5(b"Pa55wordhashed").hexdigest(), "Pa55word"),
        # PostgreSQL normalises a password before it hashes it.
        ("Ha1f\uff6fwidth\u00a0blank", "Ha1f\uff6fwidth\u00a0blank"),
        ("Un4ssigned\u0378", "Un4ssigned\u0378"),
    ],
)
def test_a_password_may_be_given_in_redshifts_forms(
    connect: Connect, stored: str, password: str
) -> None:
    admin = connect().cursor()
    admin.execute("CREATE USER hashed PASSWORD %s", (stored,))
    try:
        assert rows(connect(user="hashed", password=password).cursor(), "SELECT 1") == [(1,)]
        with pytest.raises(psycopg2.OperationalError):
            connect(user="hashed", password=password + "x")
    finally:
        admin.execute("DROP USER hashed")


def test_a_digest_with_a_salt_is_a_limit_of_the_emulator(connect: Connect) -> None:
    state, message = error(connect().cursor(), "CREATE USER salted PASSWORD 'sha256|00ff|salt'")
    assert state == "0A000"
    assert "not supported by this emulator" in message


def test_system_roles_can_be_granted(connect: Connect) -> None:
    admin = connect().cursor()
    admin.execute("CREATE USER watcher PASSWORD DISABLE; GRANT ROLE sys:monitor TO watcher")
    granted = "SELECT role_name FROM svv_user_grants WHERE user_name = 'watcher'"
    try:
        assert rows(admin, granted) == [("sys:monitor",)]
        admin.execute("REVOKE ROLE sys:monitor FROM watcher")
        assert rows(admin, granted) == []
    finally:
        admin.execute("DROP USER watcher")


def test_the_server_reports_redshifts_version(connect: Connect) -> None:
    session = connect()
    assert session.info.server_version == 80002
    assert value(session.cursor(), "SHOW server_version") == "8.0.2"
    assert session.info.parameter_status("standard_conforming_strings") is None
    assert str(value(session.cursor(), "SELECT version()")).startswith("PostgreSQL 8.0.2 on ")
    assert "Redshift 1.0." in str(value(session.cursor(), "SELECT pg_catalog.version()"))
    assert value(session.cursor(), "SELECT pg_backend_pid()") == session.info.backend_pid
    assert value(session.cursor(), "SELECT pg_last_copy_count()") == 0


@pytest.mark.parametrize(
    "packet",
    [b"", b"\0\0\0\x04", b"\xff\xff\xff\xff", b"GET / HTTP/1.1\r\n\r\n", struct.pack("!II", 8, 1)],
)
def test_a_client_with_another_protocol_does_no_harm(
    warehouse: Warehouse, connect: Connect, packet: bytes
) -> None:
    with socket.create_connection((warehouse.host, warehouse.port), timeout=5) as line:
        line.sendall(packet)
        with contextlib.suppress(OSError):  # the server may have closed the connection already
            line.shutdown(socket.SHUT_WR)
        with contextlib.suppress(ConnectionError):
            while line.recv(1000):
                pass
    assert rows(connect().cursor(), "SELECT 1") == [(1,)]


def test_sqlalchemy_redshift_connects_with_its_default_settings(warehouse: Warehouse) -> None:
    url = sa.URL.create(
        "redshift+psycopg2", "awsuser", PASSWORD, "localhost", warehouse.port, "dev"
    )
    engine = sa.create_engine(
        url, connect_args={"sslrootcert": str(warehouse.ca_file)}, poolclass=sa.NullPool
    )
    metadata = sa.MetaData()
    table = sa.Table(
        "engine_made", metadata, sa.Column("id", sa.BigInteger, primary_key=True,
        autoincrement=False), sa.Column("name", sa.String(20)),
        redshift_diststyle="ALL", redshift_sortkey=["id"],
    )  # fmt: skip
    with engine.begin() as connection:
        assert engine.dialect.server_version_info == (8, 0, 2)
        connection.execute(sa.schema.CreateTable(table))
        connection.execute(
            table.insert(), [{"id": 1, "name": "back\\slash 'n quote"}, {"id": 2, "name": None}]
        )
    with engine.begin() as connection:
        selected = connection.execute(sa.select(table).order_by(table.c.id)).all()
        assert [tuple(row) for row in selected] == [(1, "back\\slash 'n quote"), (2, None)]
        assert sa.inspect(connection).get_table_names() == ["engine_made"]
        assert sa.inspect(connection).get_pk_constraint("engine_made")["constrained_columns"] == [
            "id"
        ]
        connection.execute(sa.schema.DropTable(table))
    engine.dispose()
