"""The warehouse adapter over the emulator: connections, statements, and the rows that a COPY refused."""

from __future__ import annotations

import select
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg2
import pytest
import sqlalchemy as sa

from etl_core.adapters.redshift import RedshiftWarehouse
from etl_core.adapters.redshift_connections import QUERY_GROUP, Endpoint
from etl_core.adapters.secrets import Credentials
from etl_core.model.errors import CommitLostError, ConnectionLostError, LoadFailedError
from redshift_emulator.server import Server

SECONDS = 20.0
ONE = sa.select(sa.literal_column("1"))
PID = sa.select(sa.func.pg_backend_pid())


@dataclass
class Wire:
    """The connections that psycopg2 opened, and the statements that were sent on them."""

    connections: list[Any] = field(default_factory=list)
    statements: list[str] = field(default_factory=list)

    @property
    def open(self) -> int:
        return sum(not connection.closed for connection in self.connections)


@dataclass
class Secret:
    """A secret whose password a test changes. `reads` counts how often it was read."""

    password: str
    known: Credentials | None = None
    reads: int = 0

    def credentials(self) -> Credentials:
        if self.known is None:
            self.reads += 1
            self.known = Credentials("awsuser", self.password)
        return self.known

    def forget(self) -> None:
        self.known = None


@pytest.fixture
def wire(monkeypatch: pytest.MonkeyPatch) -> Wire:
    """Record what psycopg2 opens and sends. BEGIN and COMMIT are not recorded."""
    recorded, connect = Wire(), psycopg2.connect

    class Cursor(psycopg2.extensions.cursor):
        def execute(self, query: Any, values: Any = None) -> None:
            recorded.statements.append(str(query))
            super().execute(query, values)

    def open_connection(*arguments: Any, **options: Any) -> Any:
        connection = connect(*arguments, **options, cursor_factory=Cursor)
        recorded.connections.append(connection)
        return connection

    monkeypatch.setattr(psycopg2, "connect", open_connection)
    return recorded


@pytest.fixture
def secret(emulator: Server) -> Secret:
    return Secret(emulator.options.password or "")


@pytest.fixture
def endpoint(emulator: Server, certificates: Path) -> Endpoint:
    return Endpoint(*emulator.address, str(certificates / "ca.pem"))


@pytest.fixture
def warehouse(endpoint: Endpoint, secret: Secret, wire: Wire) -> Iterator[RedshiftWarehouse]:
    made = RedshiftWarehouse(endpoint, secret)
    yield made
    made.close()


def run(warehouse: RedshiftWarehouse, *statements: Any) -> list[Any]:
    """Run the statements in one transaction and return the rows of the last one."""
    with warehouse.transaction("dev", SECONDS) as transaction:
        return [list(transaction.execute(statement)) for statement in statements][-1]


def show(warehouse: RedshiftWarehouse, setting: str) -> str:
    [(value,)] = run(warehouse, sa.text(f"SHOW {setting}"))
    return str(value)


def test_transactions_one_after_the_other_use_one_connection(
    warehouse: RedshiftWarehouse, wire: Wire
) -> None:
    run(warehouse, ONE)
    first = len(wire.statements)
    run(warehouse, ONE)
    warehouse.execute_autocommit("dev", sa.text("ANALYZE"), SECONDS)

    assert len(wire.connections) == 1
    # Of the second transaction: its time limit and its statement; the same in autocommit.
    assert [text.split()[0] for text in wire.statements[first:]] == [
        "SET",
        "SELECT",
        "SET",
        "ANALYZE",
    ]


def test_after_close_a_new_connection_asks_the_server_nothing_again(
    warehouse: RedshiftWarehouse, wire: Wire
) -> None:
    run(warehouse, ONE)
    first = len(wire.statements)
    warehouse.close()
    assert wire.open == 0
    run(warehouse, ONE)

    sent = wire.statements[first:]
    assert len(wire.connections) == 2
    assert len(sent) == 3
    assert [text.split()[:2] for text in sent[:2]] == [
        ["SET", "query_group"],
        ["SET", "statement_timeout"],
    ]


def test_sessions_are_labelled_for_workload_management(warehouse: RedshiftWarehouse) -> None:
    with pytest.raises(LoadFailedError):
        run(warehouse, sa.text("SELECT nonsense"))

    # A rollback does not remove the label.
    assert show(warehouse, "query_group") == QUERY_GROUP


@pytest.fixture
def strange_user(warehouse: RedshiftWarehouse) -> Iterator[None]:
    """Give the loader's user another time zone and another order of day and month."""
    settings = ("timezone", "'America/New_York'"), ("datestyle", "'ISO, DMY'")
    for name, value in settings:
        run(warehouse, sa.text(f"ALTER USER awsuser SET {name} TO {value}"))
    warehouse.close()
    yield
    for name, _ in settings:
        run(warehouse, sa.text(f"ALTER USER awsuser RESET {name}"))


@pytest.mark.usefixtures("strange_user")
def test_dates_and_times_are_read_as_everywhere_whatever_the_user_has_set(
    warehouse: RedshiftWarehouse,
) -> None:
    with pytest.raises(LoadFailedError):
        run(warehouse, sa.text("SELECT nonsense"))

    # A rollback does not undo it.
    moment = "CAST('2024-01-01 00:00:00' AS TIMESTAMPTZ) = '2024-01-01 00:00:00+00'"
    day = "CAST('03/02/2018' AS DATE) = '2018-03-02'"
    assert run(warehouse, sa.text(f"SELECT {moment}, {day}")) == [(True, True)]
    assert (show(warehouse, "timezone"), show(warehouse, "datestyle")) == ("UTC", "ISO, MDY")


def test_nothing_of_a_failed_transaction_is_left_for_the_next_one(
    warehouse: RedshiftWarehouse, wire: Wire
) -> None:
    with pytest.raises(LoadFailedError):
        run(warehouse, sa.text("CREATE TABLE left_over (a int)"), sa.text("SELECT nonsense"))
    with warehouse.transaction("dev", 7.0) as transaction:
        [(limit,)] = transaction.execute(sa.text("SHOW statement_timeout"))
        found = transaction.execute(sa.text("SELECT 1 FROM pg_class WHERE relname = 'left_over'"))

    assert len(wire.connections) == 1
    assert not found
    assert "6" in str(limit) or "7" in str(limit)


def test_a_connection_that_the_server_closed_is_replaced_before_it_is_used(
    warehouse: RedshiftWarehouse, endpoint: Endpoint, secret: Secret, wire: Wire
) -> None:
    [(pid,)] = run(warehouse, PID)
    idle = wire.connections[0]
    other = RedshiftWarehouse(endpoint, secret)
    run(other, sa.select(sa.func.pg_terminate_backend(pid)))
    other.close()
    assert select.select([idle], [], [], SECONDS)[0], "the server did not close the connection"

    assert run(warehouse, PID) != [(pid,)]
    assert show(warehouse, "query_group") == QUERY_GROUP
    assert wire.open == 1


def test_a_connection_that_breaks_in_a_transaction_is_replaced_for_the_next_one(
    warehouse: RedshiftWarehouse, wire: Wire
) -> None:
    def break_the_connection() -> None:
        with warehouse.transaction("dev", SECONDS) as transaction:
            transaction.execute(ONE)
            wire.connections[0].close()
            transaction.execute(ONE)

    with pytest.raises(ConnectionLostError):
        break_the_connection()
    assert run(warehouse, ONE) == [(1,)]

    assert len(wire.connections) == 2


def test_two_transactions_at_once_have_a_connection_each_and_one_is_kept(
    warehouse: RedshiftWarehouse, wire: Wire
) -> None:
    with (
        warehouse.transaction("dev", SECONDS) as one,
        warehouse.transaction("dev", SECONDS) as other,
    ):
        pids = {tuple(each.execute(PID)[0]) for each in (one, other)}

    assert len(pids) == 2
    assert wire.open == 1


@pytest.mark.parametrize("who", ["the server", "the client"])
def test_a_connection_that_breaks_at_commit_is_told_apart_from_one_that_broke_before(
    warehouse: RedshiftWarehouse, endpoint: Endpoint, secret: Secret, wire: Wire, who: str
) -> None:
    def break_at_commit() -> None:
        with warehouse.transaction("dev", SECONDS) as transaction:
            [(pid,)] = transaction.execute(PID)
            if who == "the client":
                wire.connections[0].close()
                return
            other = RedshiftWarehouse(endpoint, secret)
            run(other, sa.select(sa.func.pg_terminate_backend(pid)))
            other.close()
            select.select([wire.connections[0]], [], [], SECONDS)

    with pytest.raises(CommitLostError):
        break_at_commit()
    assert run(warehouse, ONE) == [(1,)]


def test_a_refused_login_is_read_again_with_its_new_password(
    warehouse: RedshiftWarehouse, secret: Secret, wire: Wire
) -> None:
    right, secret.password = secret.password, "rotated away"
    with pytest.raises(ConnectionLostError, match="refused the login"):
        run(warehouse, ONE)
    secret.password = right
    assert run(warehouse, ONE) == [(1,)]

    assert secret.reads == 2


def test_an_autocommit_statement_is_not_in_a_transaction(warehouse: RedshiftWarehouse) -> None:
    run(warehouse, sa.text("CREATE TABLE autocommitted (a varchar(5))"))
    widen = sa.text("ALTER TABLE autocommitted ALTER COLUMN a TYPE varchar(9)")
    with pytest.raises(LoadFailedError, match="transaction block"):
        run(warehouse, widen)
    warehouse.execute_autocommit("dev", widen, SECONDS)
    run(warehouse, sa.text("DROP TABLE autocommitted"))
