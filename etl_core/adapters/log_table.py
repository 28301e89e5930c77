"""The log table in DynamoDB: write entries, query them, and find pending uploads."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from etl_core.adapters.dynamodb_calls import ConditionFailedError, mapped
from etl_core.adapters.dynamodb_values import from_item, to_item
from etl_core.adapters.messages import LOG_TABLE_NO_ENTRIES
from etl_core.adapters.totals_table import TotalsTable
from etl_core.model.errors import ThrottledError
from etl_core.model.object_versions import ObjectVersion
from etl_core.model.status import SETTLED, TOOK_EFFECT, parse_status
from etl_core.model.table_ref import TableRef
from etl_core.model.times import CLOCK_SKEW, format_utc_time, utc_now
from etl_core.model.upload import Upload
from etl_core.upload_log.entry import (
    ANSWER_FIELDS,
    LONGEST_WAIT,
    PARTITION_KEY,
    SORT_KEY,
    WAITING_FOR,
    WAITING_INDEX,
    WAITING_SINCE,
    LoggedUpload,
    final_entry,
    key_of,
    upload_of_entry,
    waiting_key,
)
from etl_core.upload_log.indexes import (
    LISTED,
    NOTABLE,
    UPLOAD_ID,
    listed_partition,
    notable_partition,
)
from etl_core.upload_log.outcome import LoadOutcome
from etl_core.upload_log.query import LogQuery
from etl_core.upload_log.totals import COUNTED, Tally, tally_of, undone

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_PAGE = 200
_BATCH = 100


@dataclass(frozen=True)
class LogPage:
    """Entries, and the sort key up to which the table was read (None at the end)."""

    items: list[dict[str, Any]]
    ends_at: str | None


class LogTable:
    """Writes and reads entries. Raises ThrottledError, which is retried, or LogError.

    Implements the ports Backlog (loading) and LogReader (recovery).
    """

    def __init__(self, client: DynamoDBClient, name: str) -> None:
        self._client, self._name = client, name
        self._totals = TotalsTable(client, name)
        self._tallies: list[Tally] = []

    def write_received(
        self, key: Mapping[str, str], attributes: Mapping[str, Any]
    ) -> dict[str, Any] | None:
        """Write a new entry and return None. If the upload already has one, return it unchanged."""
        try:
            self._update(key, attributes, ("attribute_not_exists(#status)", {}))
        except ConditionFailedError as error:
            return _entry(error.item)
        return None

    def write_final(
        self, key: Mapping[str, str], attributes: Mapping[str, Any], attempts: int
    ) -> bool:
        """Write the final status.

        Return False if the entry already has one that no later delivery may change. Attempts add
        up. Fields of an earlier outcome that this one lacks (an error, for example) are removed. An
        entry that the load itself has settled gets the warnings that came after that.
        """
        written = self._write_unsettled(key, attributes, attempts)
        if not written:
            self._update(key, _late_warnings(attributes), None, attempts)
        self.write_totals()
        return written

    def write_answer(self, upload: Upload, outcome: LoadOutcome) -> bool:
        """Write the final status of an upload that another upload's load decided, as one attempt.

        Return False, with nothing changed, if the entry already has one that stays. The entry keeps
        its own execution. `write_totals` adds it to the totals of its table.
        """
        entry = final_entry(upload, {"outcome": outcome.to_task_output()}, "")
        del entry["execution_arn"]
        return self._write_unsettled(key_of(upload), entry, 1)

    def _write_unsettled(
        self, key: Mapping[str, str], attributes: Mapping[str, Any], attempts: int
    ) -> bool:
        """Write a final status unless the entry has one that stays. Return whether it was written."""
        names = {f":settled{index}": to_item(str(status)) for index, status in enumerate(SETTLED)}
        condition = f"attribute_not_exists(#status) OR NOT #status IN ({', '.join(names)})"
        absent = [*sorted(ANSWER_FIELDS - attributes.keys()), WAITING_FOR, WAITING_SINCE]
        keys, without = _index_keys(key, attributes)
        tally = tally_of(key, attributes)
        mark = {} if tally is None else {COUNTED: tally.mark}
        try:
            before = self._update(
                key,
                {**attributes, **keys, **mark},
                (condition, names),
                attempts,
                [*absent, *without],
            )
        except ConditionFailedError:
            return False
        self._note(tally, before)
        return True

    def _note(self, tally: Tally | None, before: Mapping[str, Any]) -> None:
        """Keep what an entry adds to the totals, and what it added before."""
        if tally is None:
            return
        known = before.get(COUNTED)
        earlier = None if known is None else undone(tally, str(from_item(known)))
        self._tallies += [each for each in (earlier, tally) if each is not None]

    def write_totals(self) -> None:
        """Add the answers since the last call to the totals of their tables: one write for each table."""
        tallies, self._tallies = self._tallies, []
        self._totals.add(tallies)

    def complete_entries(self, entries: Iterable[Mapping[str, Any]]) -> int:
        """Write the keys of the indexes to entries of an older version that lack them, and add them
        to the totals. Return their number. An entry that changes at the same time is left to its writer.
        """
        completed = 0
        for entry in entries:
            upload = None if LISTED in entry else upload_of_entry(entry)
            if upload is None:
                continue
            completed += self._complete(entry, upload)
        tallies, self._tallies = self._tallies, []
        self._totals.add_earlier(tallies)
        return completed

    def _complete(self, entry: Mapping[str, Any], upload: Upload) -> bool:
        key = {PARTITION_KEY: entry[PARTITION_KEY], SORT_KEY: entry[SORT_KEY]}
        keys, _ = _index_keys(key, entry)
        tally = tally_of(key, entry)
        mark = {} if tally is None else {COUNTED: tally.mark}
        condition = (
            "#status = :same AND attribute_not_exists(#listed)",
            {":same": to_item(entry["status"])},
        )
        try:
            self._update(key, {**keys, **mark, UPLOAD_ID: upload.upload_id}, condition)
        except ConditionFailedError:
            return False
        self._note(tally, {})
        return True

    def read_pages(self, query: LogQuery) -> Iterator[LogPage]:
        """Yield the matching entries page by page, newest first.

        A page has at most the query's limit of entries, unless a filter may leave few or none.
        """
        if query.is_empty:
            return
        for page in self._pages(**_query_arguments(query)):
            items = [_entry(item) for item in page.get("Items", [])]
            last = page.get("LastEvaluatedKey")
            yield LogPage(items, None if last is None else str(from_item(last[SORT_KEY])))

    def read_entries(self, keys: Iterable[Mapping[str, str]]) -> list[dict[str, Any]]:
        """Return the entries that exist under these primary keys, in no particular order."""
        pending = [{name: to_item(value) for name, value in key.items()} for key in keys]
        entries: list[dict[str, Any]] = []
        while pending:
            some, pending = pending[:_BATCH], pending[_BATCH:]
            request: Any = {self._name: {"Keys": some}}
            answer = mapped(lambda: self._client.batch_get_item(RequestItems=request))  # noqa: B023
            entries += [_entry(item) for item in answer["Responses"].get(self._name, [])]
            left: Any = answer.get("UnprocessedKeys", {}).get(self._name, {"Keys": []})
            pending += left["Keys"]
            if len(left["Keys"]) == len(some):
                raise ThrottledError(LOG_TABLE_NO_ENTRIES(count=len(some)))
        return entries

    def read_between(self, table_name: str, first: str, last: str) -> Iterator[dict[str, Any]]:
        """Yield the table's entries whose sort key starts with a value from `first` to `last`, both inclusive."""
        return self._items(*_between(table_name, first, last))

    def read_pending_page(
        self, marker: Mapping[str, Any] | None
    ) -> tuple[list[dict[str, Any]], Mapping[str, Any] | None]:
        """Return one page of entries without a final status, and the marker of the next page (None at the end)."""
        place: Any = {} if marker is None else {"ExclusiveStartKey": marker}
        page = mapped(
            lambda: self._client.scan(
                TableName=self._name, IndexName=WAITING_INDEX, Limit=_PAGE, **place
            )
        )
        return [_entry(item) for item in page.get("Items", [])], page.get("LastEvaluatedKey")

    def read_pending(self, table: TableRef, most: int) -> Sequence[Upload]:
        """Return the table's pending uploads, the oldest first, at most `most`.

        The index lags behind the table, so the newest uploads may be missing.
        """
        since = format_utc_time(utc_now() - LONGEST_WAIT)
        items = self._items(
            "#partition = :partition AND #since >= :since",
            {"#partition": WAITING_FOR, "#since": WAITING_SINCE},
            {":partition": waiting_key(table), ":since": since},
            IndexName=WAITING_INDEX,
            Limit=most,
        )
        uploads = (_pending_upload(item) for item in islice(items, most))
        return [upload for upload in uploads if upload is not None]

    def find_effects(self, table: TableRef) -> Iterator[Upload]:
        """Yield the uploads that changed the table according to the log, in arrival order."""
        place = "#partition = :table", {"#partition": PARTITION_KEY}, {":table": table.name}
        for item in self._items(*place, ConsistentRead=True):
            is_here = (item.get("database"), item.get("schema")) == (table.database, table.schema)
            upload = upload_of_entry(item) if is_here else None
            if upload is not None and item.get("status") in TOOK_EFFECT:
                yield upload

    def find_upload(self, table: TableRef, version: ObjectVersion) -> LoggedUpload | None:
        """Return the log's entry for a version, from the entries around the version's time."""
        first, last = (
            format_utc_time(time)
            for time in (version.landed_at - CLOCK_SKEW, version.landed_at + CLOCK_SKEW)
        )
        for item in self._items(*_between(table.name, first, last), ConsistentRead=True):
            upload = upload_of_entry(item) if _is_about(item, version) else None
            if upload is not None:
                return LoggedUpload(upload, parse_status(item.get("status")))
        return None

    def _items(
        self, condition: str, names: Mapping[str, str], values: Mapping[str, str], **more: Any
    ) -> Iterator[dict[str, Any]]:
        pages = self._pages(
            KeyConditionExpression=condition,
            ExpressionAttributeNames=dict(names),
            ExpressionAttributeValues={name: to_item(value) for name, value in values.items()},
            **more,
        )
        for page in pages:
            yield from map(_entry, page.get("Items", []))

    def _pages(self, **arguments: Any) -> Iterator[Mapping[str, Any]]:
        pages = iter(
            self._client.get_paginator("query").paginate(TableName=self._name, **arguments)
        )
        while (page := mapped(lambda: next(pages, None))) is not None:
            yield page

    def _update(
        self,
        key: Mapping[str, str],
        attributes: Mapping[str, Any],
        condition: tuple[str, dict[str, Any]] | None,
        attempts: int = 0,
        absent: Sequence[str] = (),
    ) -> Mapping[str, Any]:
        """Write one item. Return it as it was, in DynamoDB's JSON.

        Raises ConditionFailedError, with the item as it is, if the condition is not met.
        """
        names = {f"#{name}": name for name in (*attributes, *absent, "attempts")}
        values = {f":{name}": to_item(value) for name, value in attributes.items()} | {
            ":attempts": to_item(attempts)
        }
        clauses = [
            ("SET", [f"#{name} = :{name}" for name in attributes]),
            ("REMOVE", [f"#{name}" for name in absent]),
            ("ADD", ["#attempts :attempts"]),
        ]
        arguments: dict[str, Any] = {
            "TableName": self._name,
            "Key": {name: to_item(value) for name, value in key.items()},
            "UpdateExpression": " ".join(
                f"{verb} {', '.join(terms)}" for verb, terms in clauses if terms
            ),
            "ReturnValues": "ALL_OLD",
        }
        if condition is not None:
            names["#status"] = "status"
            arguments["ConditionExpression"] = condition[0]
            arguments["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
            values |= condition[1]
        arguments |= {"ExpressionAttributeNames": names, "ExpressionAttributeValues": values}
        answer = mapped(lambda: self._client.update_item(**arguments))
        return answer.get("Attributes", {})


def _index_keys(
    key: Mapping[str, str], attributes: Mapping[str, Any]
) -> tuple[dict[str, str], list[str]]:
    """Return the keys of the indexes that an entry has, and the ones that it must not have."""
    keys = {LISTED: listed_partition(key[SORT_KEY])}
    notable = notable_partition(key[SORT_KEY], {**attributes, PARTITION_KEY: key[PARTITION_KEY]})
    return (keys, [NOTABLE]) if notable is None else (keys | {NOTABLE: notable}, [])


def _late_warnings(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the warnings of an outcome that settles its upload."""
    if attributes.get("warnings") and attributes["status"] in SETTLED:
        return {"warnings": attributes["warnings"]}
    return {}


def _query_arguments(query: LogQuery) -> dict[str, Any]:
    filters = {
        "schema": query.schema,
        "status": query.status,
        "database": query.database,
        "action": query.action,
    }
    wanted = {name: value for name, value in filters.items() if value is not None}
    names = {"#partition": PARTITION_KEY, "#sort": SORT_KEY} | {f"#{name}": name for name in wanted}
    values = {":table": query.table_name, ":first": query.first, ":last": query.last}
    values |= {f":{name}": value for name, value in wanted.items()}
    arguments: dict[str, Any] = {
        "KeyConditionExpression": "#partition = :table AND #sort BETWEEN :first AND :last",
        "ExpressionAttributeNames": names,
        "ExpressionAttributeValues": {name: to_item(value) for name, value in values.items()},
        "ScanIndexForward": False,
        # DynamoDB counts the items that it reads, before the filter.
        "Limit": _PAGE if wanted else min(query.limit, _PAGE),
    }
    if wanted:
        arguments["FilterExpression"] = " AND ".join(f"#{name} = :{name}" for name in wanted)
    if query.after is not None:
        arguments["ExclusiveStartKey"] = {
            PARTITION_KEY: to_item(query.table_name),
            SORT_KEY: to_item(query.after),
        }
    return arguments


def _between(table_name: str, first: str, last: str) -> tuple[str, dict[str, str], dict[str, str]]:
    """Return the key condition, its names and its values."""
    return (
        "#partition = :table AND #sort BETWEEN :first AND :last",
        {"#partition": PARTITION_KEY, "#sort": SORT_KEY},
        {":table": table_name, ":first": first, ":last": f"{last}~"},
    )


def _pending_upload(item: Mapping[str, Any]) -> Upload | None:
    """Return the upload of an entry, or None if the entry cannot be read: it must not stop the
    loads of other uploads.
    """
    try:
        return upload_of_entry(item)
    except (KeyError, TypeError, ValueError):
        return None


def _is_about(item: Mapping[str, Any], version: ObjectVersion) -> bool:
    """Return whether the entry is about the version.

    A final entry has its id; a pending entry may have only the etag.
    """
    if item.get("s3_key") != version.key:
        return False
    return (
        item.get("version_id", version.version_id) == version.version_id
        and item.get("etag") == version.etag
    )


def _entry(item: Mapping[str, Any]) -> dict[str, Any]:
    return {name: from_item(value) for name, value in item.items()}
