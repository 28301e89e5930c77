"""What reconciling makes of a version: a table of what lake, ledger and log say, and what follows."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from etl_core.model.status import Status
from etl_core.recovery.ledger_read import fact_of
from etl_core.recovery.reconcile import Evidence, Finding, LedgerEvidence, Scope, State, compare
from etl_core.recovery.reconcile_log import Window, entry_key, settled_entry, windows_of
from etl_core.upload_log.entry import key_of, upload_attributes
from tests.builders import LAKE, NOON, a_ledger_row, an_upload
from tests.etl_core.model.test_object_versions import a_version, an_entry

GRACE = timedelta(minutes=5)
LATER = NOON + timedelta(hours=1)
VERSION = a_version()


def a_fact(**fields: Any) -> LedgerEvidence:
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


def state_of(
    *, fact: Any = None, logged: Any = None, entry: Any = None, busy: bool = False, now: Any = LATER
) -> Finding:
    facts = {} if fact is None else {VERSION.id: fact}
    entries = {} if entry is None else {VERSION.id: an_entry(an_upload(), status=entry)}
    told = {} if logged is None else {fact.upload_id: an_entry(an_upload(), status=logged)}
    [finding] = compare(
        LAKE, [VERSION], Evidence(facts, told, entries, [VERSION.id] if busy else []), now, GRACE
    )
    return finding


@pytest.mark.parametrize(
    ("said", "state"),
    [
        ({}, State.NEVER_SEEN),
        ({"now": NOON + GRACE / 2}, State.UNDER_WAY),
        ({"busy": True}, State.NOT_COMPARED),
        ({"entry": "received"}, State.STUCK),
        ({"entry": "received", "now": NOON + GRACE / 2}, State.UNDER_WAY),
        ({"entry": "received", "busy": True}, State.NOT_COMPARED),
        ({"entry": "rejected"}, State.FINE),
        ({"entry": "failed", "busy": True}, State.FINE),
        ({"entry": "superseded"}, State.FINE),
        ({"fact": a_fact(), "logged": "loaded"}, State.FINE),
        ({"fact": a_fact()}, State.UNLOGGED),
        ({"fact": a_fact(), "logged": "received"}, State.UNLOGGED),
        ({"fact": a_fact(), "logged": "failed"}, State.UNLOGGED),
        ({"fact": a_fact(), "now": NOON + GRACE / 2}, State.UNDER_WAY),
        ({"fact": a_fact(loaded_at=LATER)}, State.UNDER_WAY),
    ],
)
def test_what_ledger_and_log_say_decides(said: dict[str, Any], state: State) -> None:
    assert state_of(**said).state is state


def test_a_stuck_entry_is_sent_as_the_very_upload_that_it_tells_of() -> None:
    entry = an_entry(an_upload(version_id=None, sequencer="00AB"))
    [finding] = compare(LAKE, [VERSION], Evidence({}, {}, {VERSION.id: entry}), LATER, GRACE)
    assert key_of(finding.upload) == {name: entry[name] for name in ("table_name", "landed_key")}


def test_a_missed_version_is_sent_with_the_time_at_which_it_landed() -> None:
    assert state_of().upload.landed_at == NOON
    assert state_of().upload.version_id == "v1"


@pytest.mark.parametrize(
    ("request_", "key", "held"),
    [
        ({}, "dev/append/t/a.csv", True),
        ({}, "nonsense", True),
        ({}, "dev/append/t/", False),
        ({"database": "DEV"}, "dev/append/t/a.csv", True),
        ({"database": "dev"}, "Dev/Append/T/a.csv", True),
        ({"database": "dev"}, "nonsense", False),
        ({"database": "other"}, "dev/append/t/a.csv", False),
        ({"table": "public.T"}, "dev/append/t/a.csv", True),
        ({"table": "t"}, "dev/append/sales.t/a.csv", False),
        ({"table": "sales.t"}, "dev/append/sales.t/a.csv", True),
        ({"since": "2026-11-22T12:00:01Z"}, "dev/append/t/a.csv", False),
        ({"since": "2026-11-22"}, "dev/append/t/a.csv", True),
        ({"current_only": True}, "dev/append/t/a.csv", True),
    ],
)
def test_a_scope_holds_what_was_asked_for(request_: dict[str, Any], key: str, held: bool) -> None:
    assert Scope.from_request(request_).holds(a_version(key)) is held


def test_a_scope_of_current_versions_leaves_older_ones_out() -> None:
    assert not Scope(current_only=True).holds(a_version(is_latest=False))


def test_a_fact_survives_its_way_as_json() -> None:
    fact = a_fact(schema_version="7", status=Status.APPLIED, rows_loaded=None)
    assert LedgerEvidence.from_json(fact.to_json()) == fact


def test_the_entry_of_a_ledger_row_has_the_key_of_its_upload() -> None:
    assert entry_key(a_fact()) == key_of(an_upload())


def test_the_entry_of_a_ledger_row_says_what_the_ledger_knows() -> None:
    made = settled_entry(a_fact(schema_version="7"), LAKE, "e1", 10)
    assert made == {
        name: value for name, value in upload_attributes(an_upload(), "").items() if value
    } | {
        "status": "loaded",
        "loaded_timestamp": "2026-11-22T12:00:00Z",
        "rows_loaded": 3,
        "schema_version": "7",
        "redshift_table_exists": True,
    }


def test_the_entry_of_a_version_without_etag_leaves_it_out() -> None:
    assert not {"etag", "file_size", "execution_arn"} & settled_entry(a_fact(), LAKE).keys()


def test_each_stretch_of_a_log_is_read_once() -> None:
    times = (NOON, NOON + timedelta(minutes=30), NOON + timedelta(hours=5))
    assert list(windows_of(a_version(landed_at=time) for time in times)) == [
        Window("t", "2026-11-22T11:59:00Z", "2026-11-22T13:30:00Z"),
        Window("t", "2026-11-22T16:59:00Z", "2026-11-22T18:00:00Z"),
    ]


def test_the_entry_of_a_multipart_upload_is_looked_for_until_its_end() -> None:
    [window] = windows_of([a_version(etag="abc-12")])
    assert window.last == "2026-11-29T12:00:00Z"


def test_keys_that_name_no_table_have_a_stretch_of_their_own() -> None:
    assert {window.table_name for window in windows_of([a_version("nonsense"), VERSION])} == {
        "_unparsed",
        "t",
    }


def test_a_row_of_the_ledger_becomes_a_fact() -> None:
    fact = fact_of(a_ledger_row("schema"))
    assert (fact.status, fact.rows_loaded, fact.schema_version) == (Status.APPLIED, None, "1")
