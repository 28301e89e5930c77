"""The queries of a load, in the emulator: they read few rows, and these decide like the whole ledger."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from etl_core.loading.ledger import (
    LedgerRow,
    create_ledger_statements,
    insert_rows,
    ledger_table,
    parse_row,
)
from etl_core.loading.ledger_queries import select_backlog, select_own
from etl_core.loading.ledger_view import LedgerView
from etl_core.model.lake_key import Action
from etl_core.model.upload import Upload, identity
from tests.builders import LAKE, NOON, TABLE, a_column, a_ledger_row, a_spec, an_upload
from tests.etl_core.live import LiveTable

LEDGER = ledger_table(TABLE)
ACTIONS = st.sampled_from(list(Action))
UPLOADS = st.builds(
    lambda action, second, sequencer, file, version: (
        an_upload(
            f"dev/{action}/t/{file}",
            version_id=version,
            landed_at=NOON + timedelta(seconds=second),
            sequencer=sequencer,
        ),
        action,
    ),
    ACTIONS,
    st.integers(0, 6),
    st.sampled_from(["01", "02"]),
    st.sampled_from(["a", "b"]),
    st.sampled_from(["v1", "v2", None]),
)


@pytest.fixture
def ledger(live: LiveTable) -> LiveTable:
    """An empty ledger."""
    live.transactional.rollback()
    live.run("DROP SCHEMA IF EXISTS etl_ledger CASCADE")
    for statement in create_ledger_statements(LEDGER):
        live.autocommit.execute(statement)
    return live


def fill(live: LiveTable, rows: Sequence[LedgerRow]) -> None:
    live.autocommit.execute(sa.delete(LEDGER))
    if rows:
        live.autocommit.execute(insert_rows(LEDGER, rows))


def read(live: LiveTable, select: Any) -> list[LedgerRow]:
    return [] if select is None else [parse_row(row) for row in live.autocommit.execute(select)]


def row_of(upload: Upload, action: Action, number: int) -> LedgerRow:
    """Return the upload's row. The row of an event without a version id has the version found in S3."""
    version = upload.version_id or "v1"
    spec = a_spec(a_column(f"c{number}")) if action is Action.SCHEMA else None
    return a_ledger_row(
        str(action),
        upload_id=upload.upload_id,
        s3_key=upload.key,
        version_id=version,
        landed_at=upload.landed_at,
        sequencer=upload.sequencer,
        schema_file=spec,
    )


def test_the_rows_that_are_read_decide_like_the_whole_ledger(ledger: LiveTable) -> None:
    @settings(max_examples=40)
    @given(st.lists(UPLOADS, max_size=10), UPLOADS, st.lists(UPLOADS, max_size=4))
    def check(
        loaded: list[tuple[Upload, Action]],
        own: tuple[Upload, Action],
        pending: list[tuple[Upload, Action]],
    ) -> None:
        rows = {
            upload.upload_id: row_of(upload, action, number)
            for number, (upload, action) in enumerate(loaded)
        }
        fill(ledger, list(rows.values()))
        whole, (upload, action) = LedgerView(rows.values()), own
        view = LedgerView(read(ledger, select_own(LEDGER, upload, action, ("v1",))))

        assert view.decide(upload, action, "v1") == whole.decide(upload, action, "v1")
        assert view.has_schema == whole.has_schema

        others = [each for each, _ in pending]
        view = view.with_rows(read(ledger, select_backlog(LEDGER, upload, action, others)))
        for each, its_action in pending:
            assert view.is_undecided(each, its_action) == whole.is_undecided(each, its_action)
            assert view.is_before_upsert(each) == whole.is_before_upsert(each)
            assert view.have_same_history(each, upload) == whole.have_same_history(each, upload)
            if view.is_undecided(each, its_action):
                assert view.schema_history(each) == whole.schema_history(each)
            if view.is_undecided(each, its_action) and its_action is Action.APPEND:
                assert view.previous_of_key(each) == whole.previous_of_key(each)
        assert view.applied_again(upload, action) == whole.applied_again(upload, action)
        if action is Action.APPEND:
            assert view.previous_of_key(upload) == whole.previous_of_key(upload)

    check()


def test_a_new_append_reads_one_row_of_a_long_ledger(ledger: LiveTable) -> None:
    """The schema file in force: neither the 300 appends, nor the 50 truncates, nor the schema files before."""
    minutes = [NOON - timedelta(minutes=each) for each in range(1, 301)]
    rows = [a_ledger_row(landed_at=each, s3_key=f"dev/append/t/{each}.csv") for each in minutes]
    rows += [a_ledger_row("truncate", landed_at=each, s3_key=str(each)) for each in minutes[::6]]
    rows += [a_ledger_row("schema", landed_at=each, s3_key=str(each)) for each in minutes[1::2]]
    fill(ledger, rows)

    [row] = read(ledger, select_own(LEDGER, an_upload(), Action.APPEND, ()))

    assert (row.action, row.landed_at) == (Action.SCHEMA, minutes[1])


def test_pending_uploads_read_their_own_rows_only(ledger: LiveTable) -> None:
    minutes = [NOON - timedelta(minutes=each) for each in range(1, 301)]
    done = [an_upload(f"dev/append/t/{each}.csv", landed_at=each) for each in minutes]
    fill(ledger, [row_of(each, Action.APPEND, 0) for each in done])
    new = [an_upload(f"dev/append/t/new{each}.csv") for each in range(3)]

    select = select_backlog(LEDGER, an_upload(), Action.APPEND, [*done[:2], *new])

    assert {row.upload_id for row in read(ledger, select)} >= {each.upload_id for each in done[:2]}
    assert select_backlog(LEDGER, an_upload(), Action.APPEND, []) is None


def test_a_version_that_another_event_loaded_is_found(ledger: LiveTable) -> None:
    by_event_without_id = an_upload(version_id=None)
    row = a_ledger_row(
        upload_id=by_event_without_id.upload_id, s3_key=by_event_without_id.key, version_id="v7"
    )
    fill(ledger, [row])
    upload = an_upload(version_id="v7")

    assert read(ledger, select_own(LEDGER, upload, Action.APPEND, ())) == [row]
    assert row in read(ledger, select_backlog(LEDGER, an_upload("x"), Action.APPEND, [upload]))
    assert upload.upload_id == identity(LAKE, upload.key, "v7") != row.upload_id
