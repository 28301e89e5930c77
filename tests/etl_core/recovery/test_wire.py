"""Requests and responses as JSON: they survive the way, and hostile input is refused with every problem."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl_core.model.errors import StackError
from etl_core.model.status import Status
from etl_core.model.table_ref import TableRef
from etl_core.model.times import parse_utc_time
from etl_core.recovery.reconcile import Scope, State
from etl_core.recovery.reconcile_requests import (
    Answer,
    Answers,
    AnswersRequest,
    FindingSummary,
    KeyFindings,
    KeyRequest,
    LakeReport,
    LakeRequest,
    LogKey,
    LogPage,
    LogPageRequest,
    MissingEntry,
    Page,
    PageRequest,
    PendingRequest,
    SendRequest,
    SentUpload,
    SentUploads,
    parse_reconcile_request,
)
from etl_core.recovery.tables_requests import (
    LedgerMarker,
    LedgerPage,
    LedgerPageRequest,
    LedgerRows,
    ReplayRequest,
    ReplayResult,
    VersionQuery,
    VersionsRequest,
    parse_tables_request,
)
from etl_core.recovery.wire import InvalidRequestError, Request, to_json
from etl_core.upload_log.outcome import Failure
from tests.builders import NOON, an_upload
from tests.etl_core.recovery.test_reconcile import ledger_evidence

KEYS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=40)
SCOPE = Scope(NOON, "dev", "sales.t", current_only=True)
MARKER = {"table_name": {"S": "t"}, "n": 1}
LEDGER_MARKER = LedgerMarker("dev", "public__t", "0" * 32)
TABLE = TableRef("dev", "public", "t")
FINDING = FindingSummary(State.NEVER_SEEN, None, "v1", an_upload())
KEY = LogKey("t", "2026-11-22T12:00:00Z#1#2")
ANSWER = Answer(
    table_name="t",
    landed_key="k",
    s3_key="dev/append/t/a.csv",
    status=Status.REJECTED,
    error=Failure("InvalidKeyError", "no", ("detail",)),
)
RECONCILE: list[tuple[Any, Any]] = [
    (PageRequest(scope=SCOPE, marker=MARKER, grace_seconds=0, dry_run=True),
     Page(findings=(FINDING,), counts={State.NEVER_SEEN: 1}, marker=MARKER)),
    (PendingRequest(), Page(counts={})),
    (LakeRequest(scope=SCOPE), LakeReport({State.STUCK: 2}, sent=1, marker=None)),
    (KeyRequest(key="dev/append/t/ä 1+%20.csv"), KeyFindings((FINDING,))),
    (SendRequest(uploads=(an_upload(),)), SentUploads((SentUpload("k", KEY, "arn"),))),
    (AnswersRequest(log_keys=(KEY,)), Answers((ANSWER,))),
    (LogPageRequest(marker=LEDGER_MARKER),
     LogPage(rows=1, missing=(MissingEntry("k", "v", Status.LOADED),), ledger="dev: x", busy=("y",
         ), marker=LEDGER_MARKER)),
]  # fmt: skip
TABLES: list[tuple[Any, Any]] = [
    (VersionsRequest(queries=(VersionQuery(TABLE, ("v1",), ("k",)),)),
     LedgerRows(
         (ledger_evidence(schema_version="7", status=Status.APPLIED, rows_loaded=None, rows_quarantined=2),), (TABLE,)
     )),
    (LedgerPageRequest(scope=SCOPE, marker=replace(LEDGER_MARKER, upload_id=None)),
    LedgerPage(rows=(ledger_evidence(),))),
    (ReplayRequest(table=TABLE, dry_run=True, accept_counts=True), ReplayResult(1, 2, 3, 4)),
]  # fmt: skip


def through_json(value: Any) -> Any:
    return json.loads(json.dumps(to_json(value)))


@pytest.mark.parametrize(("request_", "response"), RECONCILE)
def test_a_reconcile_request_and_its_response_survive_json(
    request_: Request[Any], response: Any
) -> None:
    assert parse_reconcile_request(through_json(request_)) == request_
    assert request_.parse_response(through_json(response)) == response


@pytest.mark.parametrize(("request_", "response"), TABLES)
def test_a_tables_request_and_its_response_survive_json(
    request_: Request[Any], response: Any
) -> None:
    assert parse_tables_request(through_json(request_)) == request_
    assert request_.parse_response(through_json(response)) == response


@given(
    key=KEYS,
    version=st.sampled_from(["v1", None]),
    size=st.sampled_from([0, 10, None]),
    number=st.integers(0, 9),
    second=st.integers(0, 1 << 32),
)
def test_an_upload_survives_json(
    key: str, version: Any, size: Any, number: int, second: int
) -> None:
    upload = an_upload(key, version_id=version, size=size, sequencer=f"{number:08x}")
    upload = replace(upload, landed_at=datetime.fromtimestamp(second, UTC))
    [read] = parse_reconcile_request(through_json(SendRequest(uploads=(upload,)))).uploads
    assert (read, read.upload_id) == (upload, upload.upload_id)


UPLOAD = {
    "bucket": "lake",
    "key": "dev/append/t/a.csv",
    "version_id": "v1",
    "etag": "e",
    "size": 1,
    "sequencer": "1",
    "landed_at": "2026-11-22T12:00:00Z",
}


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"key": ""}, r"uploads\[0\]: an upload needs a bucket and a key"),
        ({"bucket": ""}, "an upload needs a bucket and a key"),
        ({"key": None}, r"uploads\[0\].key: Input should be a valid string"),
        ({"key": "a\ud800"}, "Invalid JSON"),
        ({"etag": ""}, "an upload that is sent needs an etag"),
        ({"size": -1}, "the size -1 is not a number of bytes"),
        ({"size": 1 << 63}, "is not a number of bytes"),
        ({"size": "1"}, "size: Input should be a valid integer"),
        ({"landed_at": "yesterday"}, "landed_at: Input should be a valid datetime"),
        ({"landed_at": "9999-12-31T23:59:59-10:00"}, "is not a time such as"),
        ({"landed_at": 5}, "landed_at"),
        ({"version_id": 7}, "version_id: Input should be a valid string"),
    ],
)
def test_a_hostile_upload_is_refused(fields: dict[str, Any], problem: str) -> None:
    with pytest.raises(InvalidRequestError, match=problem):
        parse_reconcile_request({"kind": "send", "uploads": [UPLOAD | fields]})


@pytest.mark.parametrize("unversioned", ["null", "", None])
def test_the_null_version_is_no_version_id(unversioned: str | None) -> None:
    request = {"kind": "send", "uploads": [UPLOAD | {"version_id": unversioned, "sequencer": ""}]}
    [upload] = parse_reconcile_request(request).uploads
    assert (upload.version_id, upload.sequencer) == (None, "0")


@pytest.mark.parametrize(
    ("request_", "problem"),
    [
        (None, "Input should be an object"),
        ([], "Input should be an object"),
        ({}, "it has no 'kind'"),
        (
            {"kind": ["page"]},
            "is not one of 'page', 'pending', 'waiting', 'lake', 'refused_page', 'key', 'send'",
        ),
        ({"kind": "page", "grace_seconds": -1}, "grace_seconds"),
        ({"kind": "page", "grace_seconds": 10**30}, "grace_seconds"),
        ({"kind": "page", "scope": "all"}, "page.scope"),
        ({"kind": "page", "scope": {"since": "yesterday"}}, "'yesterday' is not a time such as"),
        ({"kind": "page", "scope": {"since": 5}}, "a time such as .* is needed"),
        ({"kind": "page", "dry_run": "no"}, "dry_run: Input should be a valid boolean"),
        ({"kind": "page", "marker": "x"}, "page.marker"),
        ({"kind": "key"}, "key.key: Field required"),
        ({"kind": "answers", "log_keys": [{}]}, r"log_keys\[0\].table_name: Field required"),
        ({"kind": "log_page", "marker": {"ledger": 1}}, "log_page.marker"),
        ({"kind": "send", "uploads": [{}] * 9}, "and [0-9]+ more"),
    ],
)
def test_a_hostile_request_is_refused_with_the_problem(request_: Any, problem: str) -> None:
    with pytest.raises(InvalidRequestError, match=problem):
        parse_reconcile_request(request_)


def test_a_table_to_rebuild_is_folded() -> None:
    table = {"database": "Dev", "schema": "Public", "name": "T"}
    assert parse_tables_request({"kind": "replay", "table": table}).table == TABLE


@pytest.mark.parametrize(
    "response", [None, {}, {"findings": [{}], "counts": {}}, {"counts": {"fine": 1}}]
)
def test_a_response_of_another_version_is_refused_with_the_fix(response: Any) -> None:
    with pytest.raises(StackError, match=r"must have the same version.*`pulumi up`"):
        PageRequest().parse_response(response)


@pytest.mark.parametrize(
    "text", ["2026-11-22T12:00:00Z", "2026-11-22T12:00:00", "2026-11-22T13:00:00.9+01:00"]
)
def test_a_time_is_utc_to_the_second(text: str) -> None:
    assert parse_utc_time(text) == NOON
