"""Ledgers read from the emulator through the real adapter: by version and page by page, without waiting for locks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.schema import CreateTable, DropTable

from etl_core.adapters.redshift import RedshiftWarehouse
from etl_core.adapters.redshift_connections import Endpoint
from etl_core.adapters.secrets import GivenCredentials
from etl_core.loading.ledger import (
    LedgerRow,
    create_ledger_statements,
    insert_rows,
    ledger_named,
    ledger_table,
)
from etl_core.loading.ledger_access import protect_statements
from etl_core.model.errors import LoadFailedError
from etl_core.model.names import LEDGER_SCHEMA
from etl_core.model.table_ref import TableRef
from etl_core.recovery import read_ledgers
from etl_core.recovery.read_ledgers import read_page, read_versions, select_versions
from etl_core.recovery.reconcile import WHOLE_LAKE, LedgerEvidence, Scope
from etl_core.recovery.tables_requests import LedgerPageRequest, VersionQuery
from etl_core.sql import LockTable
from redshift_emulator.server import Server
from tests.builders import a_ledger_row

SECONDS = 20.0


@pytest.fixture
def warehouse(emulator: Server, certificates: Path) -> Iterator[RedshiftWarehouse]:
    """The ledgers of public.a (three rows) and sales.b (one row)."""
    host, port = emulator.address
    password = GivenCredentials("awsuser", emulator.options.password)
    made = RedshiftWarehouse(Endpoint(host, port, str(certificates / "ca.pem")), password)
    rows = {
        "public__a": [a_row(number, "a") for number in (1, 2)] + [a_row(3, "a", version_id="null")],
        "sales__b": [a_row(4, "sales.b", "schema")],
    }
    for name, some in rows.items():
        with made.transaction("dev", SECONDS) as transaction:
            for statement in create_ledger_statements(ledger_named(name)):
                transaction.execute(statement)
            transaction.execute(insert_rows(ledger_named(name), some))
    yield made
    for name in rows:
        with made.transaction("dev", SECONDS) as transaction:
            transaction.execute(DropTable(ledger_named(name)))


def a_row(number: int, table: str, action: str = "append", **fields: str) -> LedgerRow:
    key = f"dev/{action}/{table}/{number}.csv"
    return a_ledger_row(
        action, upload_id=f"{number:032}", s3_key=key, **({"version_id": f"v{number}"} | fields)
    )


def keys_of(rows: Iterable[LedgerEvidence]) -> list[str]:
    return sorted(row.s3_key for row in rows)


def test_only_the_requested_versions_are_read(warehouse: RedshiftWarehouse) -> None:
    queries = [
        VersionQuery(
            TableRef("dev", "public", "a"),
            ("v1", "v9"),
            ("dev/append/a/3.csv", "dev/append/a/1.csv"),
        ),
        VersionQuery(TableRef("dev", "sales", "b"), ("v4",)),
        VersionQuery(TableRef("dev", "public", "never_loaded"), ("v1",)),
    ]
    found = read_versions(queries, warehouse, SECONDS)
    keys = keys_of(found.rows)
    assert keys == ["dev/append/a/1.csv", "dev/append/a/3.csv", "dev/schema/sales.b/4.csv"]
    assert found.busy == ()


def test_rows_with_one_version_are_named_if_another_version_of_the_key_has_no_row(
    warehouse: RedshiftWarehouse,
) -> None:
    table, key = TableRef("dev", "public", "a"), "dev/append/a/1.csv"
    with warehouse.transaction("dev", SECONDS) as transaction:
        again = a_ledger_row(upload_id=f"{9:032}", s3_key=key, version_id="v1")
        transaction.execute(insert_rows(ledger_named("public__a"), [again]))

    def damaged(*versions: tuple[str, str]) -> list[tuple[str | None, str]]:
        keys, ids = zip(*versions, strict=True)
        found = read_versions([VersionQuery(table, ids, keys=keys)], warehouse, SECONDS)
        return [(each.key, each.message) for each in found.damaged if each.table == table]

    other = ("dev/append/a/2.csv", "v2"), ("dev/append/a/2.csv", "v9")
    assert damaged((key, "v1"), *other) == []
    [(named, message)] = damaged((key, "v1"), (key, "v0"), *other)
    assert named == key
    assert "2 rows of the ledger etl_ledger.public__a in dev have the version v1" in message


def test_a_locked_ledger_is_reported_as_busy_and_the_others_are_read(
    warehouse: RedshiftWarehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(read_ledgers, "BUSY_SECONDS", 1.0)
    queries = [
        VersionQuery(TableRef("dev", "public", "a"), ("v1",)),
        VersionQuery(TableRef("dev", "sales", "b"), ("v4",)),
    ]
    with warehouse.transaction("dev", SECONDS) as load:
        load.execute(LockTable(ledger_named("public__a")))
        found = read_versions(queries, warehouse, SECONDS)
    assert found.busy == (TableRef("dev", "public", "a"),)
    assert [row.s3_key for row in found.rows] == ["dev/schema/sales.b/4.csv"]


def all_pages(
    warehouse: RedshiftWarehouse, scope: Scope = WHOLE_LAKE
) -> tuple[list[str], list[str]]:
    """Return all keys of these tests, and the busy ledgers.

    Other tests leave their own ledgers behind.
    """
    request, rows, busy = LedgerPageRequest(scope=scope), list[LedgerEvidence](), list[str]()
    for _ in range(500):
        page = read_page(request, ("dev",), warehouse, SECONDS)
        rows += [row for row in page.rows if row.s3_key.split("/")[2] in ("a", "sales.b")]
        busy += page.busy
        if page.marker is None:
            return keys_of(rows), busy
        request = request.at(page.marker)
    raise AssertionError("the pages do not end")


@pytest.mark.parametrize("size", [1, 2, 500])
def test_every_row_of_every_ledger_is_read_once_for_any_page_size(
    warehouse: RedshiftWarehouse, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.setattr(read_ledgers, "PAGE", size)
    assert all_pages(warehouse) == (
        ["dev/append/a/1.csv", "dev/append/a/2.csv", "dev/append/a/3.csv", "dev/schema/sales.b/4.csv"], [],
    )  # fmt: skip


def test_the_ledger_of_one_table_is_found_by_name(warehouse: RedshiftWarehouse) -> None:
    assert all_pages(warehouse, Scope(table="Sales.b"))[0] == ["dev/schema/sales.b/4.csv"]
    assert all_pages(warehouse, Scope(database="Dev", table="b"))[0] == []


def test_a_locked_ledger_is_skipped(
    warehouse: RedshiftWarehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(read_ledgers, "BUSY_SECONDS", 1.0)
    with warehouse.transaction("dev", SECONDS) as load:
        load.execute(LockTable(ledger_named("public__a")))
        assert all_pages(warehouse) == (["dev/schema/sales.b/4.csv"], ["dev: public__a"])


def test_a_database_that_the_stack_does_not_have_is_refused(warehouse: RedshiftWarehouse) -> None:
    request = LedgerPageRequest(scope=Scope(database="other"))
    with pytest.raises(LoadFailedError, match="is not one of this stack's databases"):
        read_page(request, ("dev",), warehouse, SECONDS)


def test_versions_are_selected_from_the_ledger_of_their_table() -> None:
    table = TableRef("dev", "a__b", "c")
    [ledger] = select_versions(VersionQuery(table, ("v1",))).get_final_froms()
    assert str(ledger) == str(ledger_table(table))


@pytest.fixture
def damaged(warehouse: RedshiftWarehouse) -> Iterator[None]:
    """One row of public.a has garbage for its schema file, and etl_ledger has a foreign table."""
    foreign = sa.Table(
        "public__aa", sa.MetaData(), sa.Column("x", sa.INTEGER), schema=LEDGER_SCHEMA
    )
    ledger = ledger_named("public__a")
    broken = sa.update(ledger).where(ledger.columns.version_id == "v1").values(schema_file="{x")
    with warehouse.transaction("dev", SECONDS) as transaction:
        transaction.execute(broken)
        transaction.execute(CreateTable(foreign))
    yield
    with warehouse.transaction("dev", SECONDS) as transaction:
        transaction.execute(DropTable(foreign))


@pytest.mark.usefixtures("damaged")
def test_a_damaged_ledger_is_named_and_its_readable_rows_and_the_others_are_read(
    warehouse: RedshiftWarehouse,
) -> None:
    tables = {name: TableRef("dev", "public", name) for name in ("a", "aa")}
    queries = [
        VersionQuery(tables["a"], ("v1", "v2")),
        VersionQuery(tables["aa"], ("v1",)),
        VersionQuery(TableRef("dev", "sales", "b"), ("v4",)),
    ]
    found = read_versions(queries, warehouse, SECONDS)

    assert keys_of(found.rows) == ["dev/append/a/2.csv", "dev/schema/sales.b/4.csv"]
    assert [each.table for each in found.damaged] == [tables["a"], tables["aa"]]
    first, second = (each.message for each in found.damaged)
    assert "etl_ledger.public__a in dev" in first
    assert "'dev/append/a/1.csv'" in first
    assert "schema_file is '{x'" in first
    assert "etl_ledger.public__aa in dev" in second
    assert "does not exist" in second


@pytest.mark.usefixtures("damaged")
@pytest.mark.parametrize("size", [1, 500])
def test_damaged_ledgers_do_not_end_the_pages(
    warehouse: RedshiftWarehouse, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.setattr(read_ledgers, "PAGE", size)
    request, messages = LedgerPageRequest(), set[str]()
    for _ in range(500):
        page = read_page(request, ("dev",), warehouse, SECONDS)
        messages |= {each.message.split(" cannot")[0] for each in page.damaged}
        if page.marker is None:
            break
        request = request.at(page.marker)
    assert messages == {
        "the ledger etl_ledger.public__a in dev",
        "the ledger etl_ledger.public__aa in dev",
    }
    assert all_pages(warehouse)[0] == [
        "dev/append/a/2.csv", "dev/append/a/3.csv", "dev/schema/sales.b/4.csv",
    ]  # fmt: skip


def test_others_who_may_change_a_ledger_are_named(warehouse: RedshiftWarehouse) -> None:
    queries = [VersionQuery(TableRef("dev", "public", "a"), ("v1",))]
    for statement in protect_statements(ledger_named("public__a")):
        with warehouse.transaction("dev", SECONDS) as transaction:
            transaction.execute(statement)
    assert read_versions(queries, warehouse, SECONDS).damaged == ()
    change, undo = (
        [
            f"{verb} CREATE ON SCHEMA etl_ledger {to} PUBLIC",
            f"{verb} SELECT, DELETE ON etl_ledger.public__a {to} PUBLIC",
            f"{verb} SELECT ON etl_ledger.sales__b {to} PUBLIC",
        ]
        for verb, to in (("GRANT", "TO"), ("REVOKE", "FROM"))
    )
    try:
        for text in change:
            warehouse.execute_autocommit("dev", sa.text(text), SECONDS)
        found = read_versions(queries, warehouse, SECONDS)
    finally:
        for text in undo:
            warehouse.execute_autocommit("dev", sa.text(text), SECONDS)
    [named] = found.damaged
    assert named.table is None
    assert "everybody may create tables; everybody may change public__a. A changed" in named.message
    assert [row.s3_key for row in found.rows] == ["dev/append/a/1.csv"]
