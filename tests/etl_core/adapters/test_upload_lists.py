"""Lists of uploads over all tables: order, filters, paging under concurrent writes, one upload, and totals."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count, islice
from typing import Any

import pytest

from etl_core.adapters.dynamodb_values import from_item, to_item
from etl_core.adapters.log_table import LogTable
from etl_core.adapters.upload_lists import UploadLists
from etl_core.model.status import Status
from etl_core.model.table_ref import TableRef
from etl_core.model.upload import Upload
from etl_core.upload_log.entry import final_entry, key_of, received_entry
from etl_core.upload_log.indexes import LISTED, LISTED_INDEX, SHARDS
from etl_core.upload_log.outcome import LoadOutcome
from etl_core.upload_log.parameters import encode_token
from etl_core.upload_log.totals import (
    Tally,
    additions,
    by_table,
    hourly_additions,
    hours_key,
    sum_hours,
    summarize,
    totals_key,
)
from etl_core.upload_log.upload_query import UploadQuery
from tests.etl_core.adapters.conftest import Tables

NAMES = (f"lists_{number}_{random.getrandbits(32):08x}" for number in count())
NOW = datetime.now(UTC).replace(microsecond=0)


def pages(lists: UploadLists, now: datetime = NOW, **parameters: str) -> Iterator[list[Any]]:
    """Yield pages as the query function makes them: at most `limit` uploads, then a token."""
    token: str | None = None
    while True:
        given = parameters | ({} if token is None else {"next_token": token})
        query = UploadQuery.parse(given, now)
        items: list[Any] = []
        before: str | None = None
        for read in lists.read_rounds(query):
            items += read.items
            before = read.before
            if len(items) >= query.limit:
                break
        if len(items) > query.limit:
            items, before = items[: query.limit], items[query.limit - 1]["landed_key"]
        yield items
        if before is None:
            return
        token = encode_token(before)


class Log:
    """Writes entries as the functions do, into tables of its own."""

    def __init__(self, tables: Tables) -> None:
        self.table = LogTable(tables.client, tables.log_table)
        self.lists = UploadLists(tables.client, tables.log_table)
        self.name = next(NAMES)

    def upload(self, seconds_ago: int = 0, action: str = "append", **fields: Any) -> Upload:
        number = f"{random.getrandbits(64):016X}"
        plain = {
            "bucket": "lake", "key": f"dev/{action}/{self.name}/{number}.csv", "version_id": f"v{number}",
            "etag": "e", "size": 7, "sequencer": number, "landed_at": NOW - timedelta(seconds=seconds_ago),
        }  # fmt: skip
        return Upload(**(plain | fields))  # type: ignore[arg-type]

    def receive(self, upload: Upload) -> Upload:
        self.table.write_received(key_of(upload), received_entry(upload, "arn", NOW))
        return upload

    def finish(self, upload: Upload, status: Status, rows: int | None = None) -> Upload:
        outcome = LoadOutcome(status, version_id=upload.version_id, rows_loaded=rows, loaded_at=NOW)
        entry = final_entry(upload, {"outcome": outcome.to_task_output()}, "arn")
        self.table.write_final(key_of(upload), entry, 1)
        return upload

    def list(self, **parameters: str) -> list[str]:
        """Return the keys of the own uploads that match."""
        found = [item for page in pages(self.lists, **parameters) for item in page]
        return [item["s3_key"] for item in found if item["table_name"] == self.name]

    def totals(self) -> Any:
        item = self.lists.find_totals(TableRef("dev", "public", self.name))
        assert item is not None
        return summarize(item, NOW, 26)


@pytest.fixture
def log(tables: Tables) -> Log:
    return Log(tables)


def test_uploads_of_all_tables_are_listed_newest_first_by_every_filter(log: Log) -> None:
    refused, loaded, schema, failed = (
        log.finish(log.receive(log.upload(30)), Status.REJECTED),
        log.finish(log.receive(log.upload(20)), Status.LOADED, rows=3),
        log.finish(log.receive(log.upload(15, "schema")), Status.APPLIED),
        log.finish(log.receive(log.upload(10)), Status.FAILED),
    )
    pending = log.receive(log.upload(0))
    newest_first = [upload.key for upload in (pending, failed, schema, loaded, refused)]

    assert log.list() == newest_first
    assert log.list(limit="2") == newest_first
    assert log.list(status="failed,rejected") == [failed.key, refused.key]
    assert log.list(status="failed,rejected", limit="1") == [failed.key, refused.key]
    assert log.list(status="LOADED, received") == [pending.key, loaded.key]
    assert log.list(action="schema") == [schema.key]
    assert log.list(database="analytics") == []
    assert log.list(table=log.name.upper(), limit="1") == newest_first
    assert log.list(table=f"sales.{log.name}") == []
    assert log.list(s3_key=loaded.key) == [loaded.key]
    assert log.list(s3_key=f"dev/append/{log.name}/") == [
        key for key in newest_first if "/append/" in key
    ]
    assert log.list(s3_key="dev/schema/") == [schema.key]
    second = f"{failed.landed_timestamp}"
    assert log.list(**{"from": second}) == [pending.key, failed.key]
    assert log.list(to=second) == newest_first[1:]
    assert log.list(**{"from": second, "to": second}) == [failed.key]


def test_an_upload_that_loads_after_a_refusal_is_not_listed_as_refused_any_more(log: Log) -> None:
    upload = log.finish(log.receive(log.upload()), Status.REJECTED)
    assert log.list(status="rejected") == [upload.key]
    log.finish(upload, Status.LOADED, rows=2)

    assert log.list(status="rejected") == []
    assert log.totals()["today"]["rejected"] + log.totals()["last_30_days"]["rejected"] == 0
    assert log.totals()["last_30_days"]["succeeded"] == 1


def test_one_upload_is_found_by_its_id_and_schema_files_by_their_table(log: Log) -> None:
    first = log.finish(log.receive(log.upload(20, "schema")), Status.APPLIED)
    log.finish(log.receive(log.upload(10, "schema")), Status.REJECTED)
    second = log.finish(log.receive(log.upload(0, "schema")), Status.UNCHANGED)

    found = log.lists.find(first.upload_id)
    assert found is not None
    assert found["s3_key"] == first.key
    assert log.lists.find("0" * 32) is None
    files = log.lists.schema_files(TableRef("dev", "public", log.name))
    assert [entry["s3_key"] for entry in files] == [second.key, first.key]
    assert log.lists.schema_files(TableRef("dev", "sales", log.name)) == []


def test_totals_count_every_upload_once_however_often_it_is_answered(log: Log) -> None:
    loaded = log.receive(log.upload(5))
    for _ in range(3):
        log.finish(loaded, Status.LOADED, rows=4)
    refused = log.upload(0)
    for _ in range(2):
        log.finish(refused, Status.REJECTED)
    answered = log.receive(log.upload(1))
    assert log.table.write_answer(
        answered, LoadOutcome(Status.LOADED, rows_loaded=2, loaded_at=NOW)
    )
    log.table.write_totals()

    assert log.lists.find_totals(TableRef("dev", "sales", log.name)) is None
    [read] = [
        item
        for shown in log.lists.read_totals("", 500)
        for item in shown.items
        if item["landed_key"] == f"dev/public/{log.name}"
    ]
    totals = log.totals()
    assert totals == summarize(read, NOW, 26)
    assert totals["last_30_days"] == {
        "rows": 6, "bytes": 14, "succeeded": 2, "rejected": 1, "failed": 0,
    }  # fmt: skip
    assert totals["last_upload"]["s3_key"] == totals["last_success"]["s3_key"] == answered.key


def test_entries_of_an_older_version_appear_once_they_are_completed(
    log: Log, tables: Tables
) -> None:
    upload = log.finish(log.receive(log.upload()), Status.REJECTED)
    gone = ("listed", "notable", "counted", "upload_id")
    tables.client.update_item(
        TableName=tables.log_table,
        Key={name: to_item(value) for name, value in key_of(upload).items()},
        UpdateExpression=f"REMOVE {', '.join(gone)}",
    )
    assert (log.list(), log.lists.find(upload.upload_id)) == ([], None)

    entries = log.table.read_entries([key_of(upload)])
    assert log.table.complete_entries(entries) == 1
    assert log.table.complete_entries(log.table.read_entries([key_of(upload)])) == 0

    assert log.list() == log.list(status="rejected") == [upload.key]
    found = log.lists.find(upload.upload_id)
    assert found is not None
    assert set(gone) <= set(found)


class IndexInMemory:
    """The index `listed`, with Query as DynamoDB documents it. `hook()` is called before each query."""

    def __init__(self) -> None:
        self.keys: dict[str, list[str]] = defaultdict(list)
        self.requests = self.read = 0
        self.hook = lambda: None

    def add(self, upload: Upload) -> None:
        entry = received_entry(upload, "arn", NOW)
        self.keys[entry[LISTED]].append(upload.landed_key)

    def query(self, **request: Any) -> dict[str, Any]:
        assert request["IndexName"] == LISTED_INDEX
        self.requests += 1
        self.hook()
        values = {
            name: from_item(each) for name, each in request["ExpressionAttributeValues"].items()
        }
        found = sorted(
            (
                key
                for key in self.keys[values[":partition"]]
                if values[":first"] <= key <= values[":before"]
            ),
            reverse=True,
        )
        items = [{"table_name": to_item("t"), "landed_key": to_item(key)} for key in found]
        shown = items[: request["Limit"]]
        self.read += len(shown)
        more = {"LastEvaluatedKey": shown[-1]} if len(shown) == request["Limit"] else {}
        return {"Items": shown, **more}


def in_memory_upload(number: int, seconds: int) -> Upload:
    return Upload(
        "lake", f"dev/append/t/{number}.csv", f"v{number}", "e", 1, f"{number:016X}",
        NOW - timedelta(seconds=seconds),
    )  # fmt: skip


def test_paging_over_ten_thousand_entries_misses_none_while_new_ones_arrive() -> None:
    index, order = IndexInMemory(), random.Random(20261122)
    before = [in_memory_upload(number, order.randrange(5 * 86_400)) for number in range(10_000)]
    for upload in before:
        index.add(upload)
    arriving = iter(range(10_000, 20_000))

    def arrive() -> None:
        """Add a new upload, and one whose event is late."""
        index.add(in_memory_upload(next(arriving), 0))
        index.add(in_memory_upload(next(arriving), order.randrange(5 * 86_400)))

    index.hook = arrive
    lists = UploadLists(index, "log")  # type: ignore[arg-type]
    found = [item["landed_key"] for page in pages(lists, limit="500") for item in page]

    assert len(found) == len(set(found)), "no upload twice"
    assert {upload.landed_key for upload in before} <= set(found), "none missed"
    assert found == sorted(found, reverse=True)


def test_a_page_reads_a_number_of_partitions_that_does_not_depend_on_the_size_of_the_log() -> None:
    requests = []
    for size in (1_000, 20_000):
        index = IndexInMemory()
        for number in range(size):
            index.add(in_memory_upload(number, number % 3600))
        lists = UploadLists(index, "log")  # type: ignore[arg-type]
        noon = NOW.replace(hour=23, minute=59)
        assert len(next(pages(lists, noon, limit="50"))) == 50
        requests.append(index.requests)
    assert requests[0] == requests[1] <= 4 * SHARDS


def test_a_page_converts_and_reads_about_as_much_as_it_shows() -> None:
    index = IndexInMemory()
    for number in range(5_000):
        index.add(in_memory_upload(number, number % 3600))
    lists = UploadLists(index, "log")  # type: ignore[arg-type]
    noon = NOW.replace(hour=23, minute=59)
    query = UploadQuery.parse({"limit": "50"}, noon)
    items = [item for read in islice(lists.read_rounds(query), 4) for item in read.items]

    assert len(items) <= 4 * 50
    assert index.read <= index.requests * 25


class TotalsInMemory:
    """The totals, with Query as DynamoDB documents it."""

    def __init__(self, tables: int, hours: int) -> None:
        self.items: dict[tuple[str, str], dict[str, Any]] = {}
        self.requests = self.read = 0
        names = [f"dev/public/table_{number:05}" for number in range(tables)]
        tallies = [
            Tally(name, f"{NOW - timedelta(hours=hour):%Y-%m-%dT%H}", "succeeded", 5, 9)
            for name in names
            for hour in range(hours)
        ]
        for name, group in by_table(tallies).items():
            self._add(totals_key(name), additions(group))
            self._add(hours_key(name), hourly_additions(group))

    def _add(self, key: dict[str, str], numbers: dict[str, int]) -> None:
        item = self.items.setdefault((key["table_name"], key["landed_key"]), dict(key))
        for name, number in numbers.items():
            item[name] = item.get(name, 0) + number

    def query(self, **request: Any) -> dict[str, Any]:
        self.requests += 1
        values = {
            name: from_item(each) for name, each in request["ExpressionAttributeValues"].items()
        }
        assert request["KeyConditionExpression"] == "#table = :table AND #sort > :sort"
        found = sorted(
            key for key in self.items if key[0] == values[":table"] and key[1] > values[":sort"]
        )[: request["Limit"]]
        self.read += len(found)
        items = [{name: to_item(value) for name, value in self.items[key].items()} for key in found]
        more = {"LastEvaluatedKey": items[-1]} if len(found) == request["Limit"] else {}
        return {"Items": items, **more}


@pytest.mark.parametrize("limit", [1, 7, 100, 500])
def test_pages_of_tables_have_every_table_once_by_name(limit: int) -> None:
    totals = TotalsInMemory(tables=120, hours=1)
    lists = UploadLists(totals, "log")  # type: ignore[arg-type]
    rounds = list(lists.read_totals("", limit))

    names = [item["landed_key"] for shown in rounds for item in shown.items]
    assert names == [f"dev/public/table_{number:05}" for number in range(120)]
    hours = [item for shown in rounds for item in shown.hours]
    assert sum(hour["succeeded"] for hour in sum_hours(hours, NOW)) == 120
    middle = [item["landed_key"] for item in next(lists.read_totals(names[59], limit)).items]
    assert middle == names[60 : 60 + len(middle)]
