"""A load that waits for the ledger's lock, in the emulator: it gives up soon, and the upload is tried again."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from etl_core.adapters import redshift
from etl_core.adapters.redshift import RedshiftTransaction
from etl_core.loading.ledger import create_ledger_statements, ledger_table
from etl_core.loading.load import load_upload
from etl_core.model.errors import LockConflictError
from etl_core.recovery.replay import replay_table
from etl_core.recovery.tables_requests import ReplayRequest
from etl_core.sql import LockTable
from tests.builders import TABLE, a_schema_file, settings
from tests.etl_core.live import LiveTable
from tests.etl_core.live_warehouse import LiveWarehouse, live_ports
from tests.fakes import FakeStore

LEDGER = ledger_table(TABLE)


@pytest.fixture
def ledger(live: LiveTable) -> LiveTable:
    """An empty ledger."""
    live.transactional.rollback()
    live.run("DROP SCHEMA IF EXISTS etl_ledger CASCADE")
    for statement in create_ledger_statements(LEDGER):
        live.autocommit.execute(statement)
    return live


@pytest.fixture
def locked(ledger: LiveTable) -> Iterator[LiveTable]:
    """A ledger that another session has locked."""
    ledger.run("BEGIN")
    ledger.autocommit.execute(LockTable(LEDGER))
    yield ledger
    ledger.run("ROLLBACK")


@pytest.mark.parametrize("key", ["dev/append/t/a.csv", "dev/schema/t/s.json"])
def test_a_load_that_waits_too_long_for_the_lock_is_tried_again(
    locked: LiveTable, key: str
) -> None:
    """Another load may have loaded the file: `failed` would be untrue."""
    store = FakeStore()
    upload = store.put(key, a_schema_file())
    ports = live_ports(store, LiveWarehouse(locked))

    with pytest.raises(LockConflictError, match="lock"):
        load_upload(upload, settings(), ports, seconds=1)


def test_a_replay_that_waits_too_long_for_the_lock_is_tried_again(ledger: LiveTable) -> None:
    warehouse = LiveWarehouse(ledger)
    begins: list[str] = []

    def lock_after_the_first_read(step: str) -> None:
        begins.extend([step] if step == "BEGIN" else [])
        if step == "BEGIN" and len(begins) == 2:
            ledger.run("BEGIN")
            ledger.autocommit.execute(LockTable(LEDGER))

    warehouse.before = lock_after_the_first_read
    ports = live_ports(FakeStore(), warehouse)
    try:
        with pytest.raises(LockConflictError, match="waited 1 s"):
            replay_table(ReplayRequest(table=TABLE), settings(), ports, seconds=1)
    finally:
        ledger.run("ROLLBACK")


def test_a_load_waits_no_longer_for_the_lock_than_the_limit(
    locked: LiveTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redshift, "LOCK_SECONDS", 1.0)
    transaction = RedshiftTransaction(locked.transactional, 600)

    with pytest.raises(LockConflictError, match="waited 1 s"):
        transaction.lock(LockTable(LEDGER))
    locked.transactional.rollback()


def test_after_the_lock_statements_have_all_the_time_that_is_left(ledger: LiveTable) -> None:
    transaction = RedshiftTransaction(ledger.transactional, 600)

    transaction.lock(LockTable(LEDGER))
    setting = sa.select(sa.func.current_setting("statement_timeout"))
    [(limit,)] = transaction.execute(setting)

    assert 590_000 < int(limit.removesuffix("ms")) <= 600_000
    ledger.transactional.rollback()
