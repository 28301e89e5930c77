"""VACUUM and ANALYZE after a truncate that replaced many rows: when they run, and what their failure does."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import sqlalchemy as sa

from etl_core.loading import maintenance
from etl_core.loading.maintenance import MAX_SECONDS, Maintenance, is_large_change, maintain
from etl_core.model.errors import EtlError, LoadFailedError, LoadTimeoutError
from etl_core.sql import describe_sql
from redshift_emulator.server import Server
from tests.builders import TABLE, settings
from tests.etl_core.live import LiveTable
from tests.etl_core.live_warehouse import LiveWarehouse

VACUUM, ANALYZE = 'VACUUM DELETE ONLY "public"."t"', 'ANALYZE "public"."t"'


class Warehouse:
    """Records statements with their time limits. `errors` are raised by the statements that begin so."""

    def __init__(self, **errors: EtlError) -> None:
        self.errors, self.ran = errors, list[tuple[str, float]]()

    def execute_autocommit(self, database: str, statement: Any, timeout_seconds: float) -> None:
        assert database == TABLE.database
        text = describe_sql(statement)
        self.ran.append((text, timeout_seconds))
        if error := self.errors.get(text.split()[0]):
            raise error


def run(warehouse: Any, rows: int = 10, seconds: float = 300, **more: Any) -> Maintenance:
    return maintain(TABLE, rows, settings(maintenance_min_rows=10), warehouse, seconds, **more)


@pytest.mark.parametrize(
    ("rows", "least", "wanted"),
    [
        (10, 10, True),
        (9, 10, False),
        (10**9, 0, False),
        (0, 0, False),
        (10**6, None, True),
        (999_999, None, False),
    ],
)
def test_a_change_is_large_from_the_number_of_deleted_rows_in_the_setting(
    rows: int, least: int | None, wanted: bool
) -> None:
    chosen = settings() if least is None else settings(maintenance_min_rows=least)

    assert is_large_change(rows, chosen) is wanted


def test_a_large_change_is_followed_by_vacuum_and_analyze_in_this_order() -> None:
    warehouse = Warehouse()

    assert run(warehouse) == Maintenance((VACUUM, ANALYZE), ())
    assert warehouse.ran == [(VACUUM, MAX_SECONDS), (ANALYZE, MAX_SECONDS)]


def test_a_small_change_is_not() -> None:
    warehouse = Warehouse()

    assert run(warehouse, rows=9) == Maintenance()
    assert warehouse.ran == []


def test_other_uploads_go_first_and_a_warning_says_so() -> None:
    warehouse = Warehouse()

    done = run(warehouse, others_wait=True)

    assert warehouse.ran == []
    assert (done.statements, len(done.warnings)) == ((), 1)
    assert "other uploads wait" in done.warnings[0]
    assert run(warehouse, rows=9, others_wait=True) == Maintenance()


@pytest.mark.parametrize(
    "error", [LoadFailedError("VACUUM is running"), LoadTimeoutError("canceling statement")]
)
def test_a_failed_vacuum_is_a_warning_and_analyze_still_runs(error: EtlError) -> None:
    done = run(Warehouse(VACUUM=error))

    assert done.statements == (ANALYZE,)
    [warning] = done.warnings
    assert warning.startswith(f"the rows are loaded, but {VACUUM} failed: {error.message}")


def test_a_statement_has_only_the_time_that_is_left() -> None:
    warehouse = Warehouse()

    run(warehouse, seconds=25)

    assert [limit <= 25 for _, limit in warehouse.ran] == [True, True]


def test_without_time_nothing_runs_and_warnings_name_the_statements(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    warehouse = Warehouse()
    clock = iter([0.0, 0.0, 20.0])
    monkeypatch.setattr(maintenance.time, "monotonic", lambda: next(clock))

    done = run(warehouse, seconds=25)

    assert [text for text, _ in warehouse.ran] == [VACUUM]
    [warning] = done.warnings
    assert f"5 seconds were left, too few for {ANALYZE}" in warning


@contextmanager
def another_vacuum(server: Server, live: LiveTable) -> Iterator[None]:
    """Another session's VACUUM runs inside the block."""
    assert server.vacuum.acquire(timeout=5)
    try:
        yield
    finally:
        server.vacuum.release()


def test_in_the_emulator_a_running_vacuum_is_a_warning(emulator: Server, live: LiveTable) -> None:
    live.transactional.rollback()
    live.run("DROP TABLE IF EXISTS public.t CASCADE")
    live.run("CREATE TABLE public.t (id integer)")
    warehouse = LiveWarehouse(live)
    assert run(warehouse) == Maintenance((VACUUM, ANALYZE), ())

    with another_vacuum(emulator, live):
        done = run(warehouse)

    assert done.statements == (ANALYZE,)
    assert "VACUUM is running" in done.warnings[0]


def test_in_the_emulator_a_dropped_table_is_a_warning(live: LiveTable) -> None:
    live.transactional.rollback()
    live.run("DROP TABLE IF EXISTS public.t CASCADE")

    done = run(LiveWarehouse(live))

    assert done.statements == ()
    assert len(done.warnings) == 2
    assert all("does not exist" in warning for warning in done.warnings)


def test_a_transaction_counts_the_rows_that_it_deletes(live: LiveTable) -> None:
    live.transactional.rollback()
    live.run("DROP TABLE IF EXISTS public.t CASCADE")
    live.run("CREATE TABLE public.t (id integer)")
    live.run("INSERT INTO public.t VALUES (1), (2), (3)")
    table = sa.table("t", sa.column("id"), schema="public")

    with LiveWarehouse(live).transaction("dev", 10) as transaction:
        assert transaction.change(sa.delete(table).where(table.c.id > 1)) == 2
        assert transaction.change(sa.delete(table)) == 1
        assert transaction.change(sa.delete(table)) == 0
