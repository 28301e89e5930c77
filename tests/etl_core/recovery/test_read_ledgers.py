"""Ledgers read on the stand-in, through the library's own driver: what is asked for, page by page, and nobody waits for a lock."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy.schema import DropTable

from etl_core.adapters.redshift import Endpoint, RedshiftWarehouse
from etl_core.adapters.secrets import GivenCredentials
from etl_core.loading.ledger import (
    LedgerRow,
    create_ledger_statements,
    insert_rows,
    ledger_name,
    ledger_named,
)
from etl_core.model.errors import LoadFailedError
from etl_core.model.table_ref import TableRef
from etl_core.recovery import ledger_read
from etl_core.recovery.ledger_read import Ask, fact_of, read_facts, read_page
from etl_core.recovery.reconcile import LedgerEvidence, Scope
from etl_core.sql import LockTable
from redshift_emulator.server import Server
from tests.builders import a_ledger_row

SECONDS = 20.0


@pytest.fixture
def warehouse(emulator: Server, certificates: Path) -> Iterator[RedshiftWarehouse]:
    """With the ledgers of public.a (three rows) and sales.b (one row)."""
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


def keys_of(facts: list[LedgerEvidence]) -> list[str]:
    return sorted(fact.s3_key for fact in facts)


def test_only_the_versions_asked_about_are_told(warehouse: RedshiftWarehouse) -> None:
    asks = [
        Ask(
            TableRef("dev", "public", "a"),
            ("v1", "v9"),
            ("dev/append/a/3.csv", "dev/append/a/1.csv"),
        ),
        Ask(TableRef("dev", "sales", "b"), ("v4",)),
        Ask(TableRef("dev", "public", "never_loaded"), ("v1",)),
    ]
    found = read_facts(asks, warehouse, SECONDS)
    keys = keys_of([fact_of(row) for row in found.rows])
    assert keys == ["dev/append/a/1.csv", "dev/append/a/3.csv", "dev/schema/sales.b/4.csv"]
    assert found.busy == []


def test_a_ledger_that_is_locked_is_answered_as_busy_and_the_others_are_read(
    warehouse: RedshiftWarehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger_read, "BUSY_SECONDS", 1.0)
    asks = [
        Ask(TableRef("dev", "public", "a"), ("v1",)),
        Ask(TableRef("dev", "sales", "b"), ("v4",)),
    ]
    with warehouse.transaction("dev", SECONDS) as load:
        load.execute(LockTable(ledger_named("public__a")))
        found = read_facts(asks, warehouse, SECONDS)
    assert found.busy == [TableRef("dev", "public", "a")]
    assert [row.s3_key for row in found.rows] == ["dev/schema/sales.b/4.csv"]


def pages(warehouse: RedshiftWarehouse, scope: Scope) -> tuple[list[str], list[str]]:
    """All keys of these tests, and what was busy; other tests leave ledgers of their own."""
    marker, facts, busy = None, list[LedgerEvidence](), list[str]()
    for _ in range(500):
        page = read_page(scope, marker, ("dev",), warehouse, SECONDS)
        told = [LedgerEvidence.from_json(value) for value in page["facts"]]
        facts += [fact for fact in told if fact.s3_key.split("/")[2] in ("a", "sales.b")]
        busy += page["busy"]
        marker = page["marker"]
        if marker is None:
            return keys_of(facts), busy
    raise AssertionError("the pages do not end")


@pytest.mark.parametrize("size", [1, 2, 500])
def test_every_row_of_every_ledger_is_told_once_whatever_the_page(
    warehouse: RedshiftWarehouse, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.setattr(ledger_read, "PAGE", size)
    assert pages(warehouse, Scope()) == (
        ["dev/append/a/1.csv", "dev/append/a/2.csv", "dev/append/a/3.csv", "dev/schema/sales.b/4.csv"], [],
    )  # fmt: skip


def test_one_table_s_ledger_is_found_by_its_name(warehouse: RedshiftWarehouse) -> None:
    assert pages(warehouse, Scope(schema="sales", table="b"))[0] == ["dev/schema/sales.b/4.csv"]
    assert pages(warehouse, Scope(database="dev", schema="public", table="b"))[0] == []


def test_pages_go_on_behind_a_ledger_that_is_locked(
    warehouse: RedshiftWarehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger_read, "BUSY_SECONDS", 1.0)
    with warehouse.transaction("dev", SECONDS) as load:
        load.execute(LockTable(ledger_named("public__a")))
        assert pages(warehouse, Scope()) == (["dev/schema/sales.b/4.csv"], ["dev: public__a"])


def test_a_database_that_the_stack_does_not_have_is_refused(warehouse: RedshiftWarehouse) -> None:
    with pytest.raises(LoadFailedError, match="is not one of this stack's"):
        read_page(Scope(database="other"), None, ("dev",), warehouse, SECONDS)


def test_an_ask_names_its_ledger() -> None:
    assert Ask(TableRef("dev", "a__b", "c"), ()).ledger == ledger_name(TableRef("dev", "a__b", "c"))
