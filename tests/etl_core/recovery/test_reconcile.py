"""The comparison of the lake with the ledgers and the log."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from etl_core.model.status import Status
from etl_core.model.times import parse_utc_time
from etl_core.recovery.read_ledgers import evidence_of
from etl_core.recovery.reconcile import (
    Evidence,
    Finding,
    LedgerEvidence,
    LogRange,
    Scope,
    State,
    compare,
    log_ranges,
    match_entries,
)
from etl_core.upload_log.entry import key_of
from tests.builders import LAKE, NOON, a_ledger_row, an_upload
from tests.etl_core.model.test_object_versions import a_version, an_entry
from tests.etl_core.recovery.in_memory_services import LATER

GRACE = timedelta(minutes=5)
VERSION = a_version()


def ledger_evidence(**fields: Any) -> LedgerEvidence:
    """The ledger row of VERSION."""
    plain = {
        "upload_id": an_upload().upload_id,
        "landed_at": NOON,
        "sequencer": "00000001",
        "s3_key": VERSION.key,
        "version_id": "v1",
        "status": Status.LOADED,
        "rows_loaded": 3,
        "loaded_at": NOON,
    }
    return LedgerEvidence(**(plain | fields))


def finding(
    *,
    row: Any = None,
    logged: Any = None,
    entry: Any = None,
    entry_version: str = "v1",
    busy: bool = False,
    damaged: bool = False,
    without_table: bool = False,
    now: Any = LATER,
) -> Finding:
    """`row` is in the ledger, `logged` is the status of its log entry; `entry` is the status of a
    log entry without a row.
    """
    unread = {"busy": busy, "damaged": damaged, "without_table": without_table}
    evidence = Evidence(
        ledger={} if row is None else {VERSION.id: row},
        logged={} if logged is None else {row.upload_id: an_entry(an_upload(), status=logged)},
        entries={}
        if entry is None
        else {VERSION.id: an_entry(an_upload(), status=entry, version_id=entry_version)},
        **{name: [VERSION.id] for name, is_so in unread.items() if is_so},
    )
    [only] = compare(LAKE, [VERSION], evidence, now, GRACE)
    return only


@pytest.mark.parametrize(
    ("evidence", "state"),
    [
        ({}, State.NEVER_SEEN),
        ({"now": NOON + GRACE / 2}, State.UNDER_WAY),
        ({"busy": True}, State.NOT_COMPARED),
        ({"entry": "received"}, State.STUCK),
        ({"entry": "received", "now": NOON + GRACE / 2}, State.UNDER_WAY),
        ({"entry": "received", "busy": True}, State.NOT_COMPARED),
        ({"damaged": True}, State.LEDGER_DAMAGED),
        ({"entry": "received", "damaged": True}, State.LEDGER_DAMAGED),
        ({"entry": "loaded", "damaged": True}, State.LEDGER_DAMAGED),
        ({"entry": "rejected", "damaged": True}, State.RECORDED),
        ({"row": ledger_evidence(), "logged": "loaded", "damaged": True}, State.RECORDED),
        ({"entry": "loaded"}, State.NOT_IN_LEDGER),
        ({"entry": "applied"}, State.NOT_IN_LEDGER),
        ({"entry": "unchanged"}, State.NOT_IN_LEDGER),
        ({"entry": "loaded", "busy": True}, State.NOT_COMPARED),
        ({"entry": "loaded", "now": NOON + GRACE / 2}, State.UNDER_WAY),
        ({"entry": "loaded", "without_table": True}, State.RECORDED),
        ({"entry": "loaded", "entry_version": "v7"}, State.RECORDED),
        ({"entry": "rejected"}, State.RECORDED),
        ({"entry": "failed", "busy": True}, State.RECORDED),
        ({"entry": "superseded"}, State.RECORDED),
        ({"entry": "unknown"}, State.STUCK),
        ({"entry": "unknown", "now": NOON + GRACE / 2}, State.UNDER_WAY),
        ({"entry": "from a later version"}, State.STUCK),
        ({"entry": "unknown", "busy": True}, State.NOT_COMPARED),
        ({"row": ledger_evidence(), "logged": "unknown"}, State.UNLOGGED),
        ({"row": ledger_evidence(), "logged": "loaded"}, State.RECORDED),
        ({"row": ledger_evidence()}, State.UNLOGGED),
        ({"row": ledger_evidence(), "logged": "received"}, State.UNLOGGED),
        ({"row": ledger_evidence(), "logged": "failed"}, State.UNLOGGED),
        ({"row": ledger_evidence(), "now": NOON + GRACE / 2}, State.UNDER_WAY),
        ({"row": ledger_evidence(loaded_at=LATER)}, State.UNDER_WAY),
    ],
)
def test_the_state_follows_from_the_ledger_and_the_log(
    evidence: dict[str, Any], state: State
) -> None:
    assert finding(**evidence).state is state


def test_a_stuck_upload_is_sent_with_the_identity_of_its_log_entry() -> None:
    entry = an_entry(an_upload(version_id=None, sequencer="00AB"))
    [found] = compare(LAKE, [VERSION], Evidence({}, {}, {VERSION.id: entry}), LATER, GRACE)
    assert key_of(found.upload) == {name: entry[name] for name in ("table_name", "landed_key")}


def test_a_missed_version_is_sent_with_its_arrival_time() -> None:
    assert finding().upload.landed_at == NOON
    assert finding().upload.version_id == "v1"


@pytest.mark.parametrize(
    ("scope", "key", "included"),
    [
        (Scope(), "dev/append/t/a.csv", True),
        (Scope(), "nonsense", True),
        (Scope(), "dev/append/t/", False),
        (Scope(database="DEV"), "dev/append/t/a.csv", True),
        (Scope(database="dev"), "Dev/Append/T/a.csv", True),
        (Scope(database="dev"), "nonsense", False),
        (Scope(database="other"), "dev/append/t/a.csv", False),
        (Scope(table="public.T"), "dev/append/t/a.csv", True),
        (Scope(table="t"), "dev/append/sales.t/a.csv", False),
        (Scope(table="sales.t"), "dev/append/sales.t/a.csv", True),
        (Scope(since=parse_utc_time("2026-11-22T12:00:01Z")), "dev/append/t/a.csv", False),
        (Scope(since=parse_utc_time("2026-11-22")), "dev/append/t/a.csv", True),
        (Scope(current_only=True), "dev/append/t/a.csv", True),
    ],
)
def test_a_scope_includes_the_requested_uploads(scope: Scope, key: str, included: bool) -> None:
    assert scope.includes(a_version(key)) is included


def test_a_scope_of_current_versions_excludes_older_ones() -> None:
    assert not Scope(current_only=True).includes(a_version(is_latest=False))


def test_overlapping_log_ranges_are_read_once() -> None:
    times = (NOON, NOON + timedelta(minutes=30), NOON + timedelta(hours=5))
    assert list(log_ranges(a_version(landed_at=time) for time in times)) == [
        LogRange("t", "2026-11-22T11:59:00Z", "2026-11-22T13:30:00Z"),
        LogRange("t", "2026-11-22T16:59:00Z", "2026-11-22T18:00:00Z"),
    ]


def test_the_log_range_of_a_multipart_upload_includes_its_end() -> None:
    [found] = log_ranges([a_version(etag="abc-12")])
    assert found.last == "2026-11-29T12:00:00Z"


def test_keys_that_name_no_table_have_their_own_log_range() -> None:
    assert {found.table_name for found in log_ranges([a_version("nonsense"), VERSION])} == {
        "_unparsed",
        "t",
    }


def test_a_final_entry_is_preferred_to_a_pending_one_of_the_same_version() -> None:
    pending, final = an_entry(an_upload()), an_entry(an_upload(sequencer="2"), status="rejected")
    assert match_entries([a_version()], [pending, final]) == {a_version().id: final}


def test_an_entry_without_a_version_id_belongs_to_one_version_with_its_etag() -> None:
    first, second = (
        a_version(version_id="v1"),
        a_version(version_id="v2", landed_at=NOON + timedelta(seconds=5)),
    )
    entries = [
        an_entry(an_upload(version_id=None, sequencer=sequencer)) for sequencer in ("1", "2")
    ]
    assert match_entries([second, first], entries[:1]) == {first.id: entries[0]}
    assert match_entries([second, first], entries) == {first.id: entries[0], second.id: entries[1]}
    assert match_entries([a_version(etag="other")], entries) == {}


def test_an_entry_of_another_version_with_the_same_content_is_not_used() -> None:
    entry = an_entry(an_upload(version_id="v1"), status="loaded")
    assert match_entries([a_version(version_id="v2")], [entry]) == {}


def test_ledger_evidence_is_made_from_a_ledger_row() -> None:
    row = evidence_of(a_ledger_row("schema"))
    assert (row.status, row.rows_loaded, row.schema_version) == (Status.APPLIED, None, "1")
