"""The log table, read across tables: lists of uploads, one upload, a table's schema files, all totals."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any

from etl_core.adapters.dynamodb_calls import mapped
from etl_core.adapters.dynamodb_values import from_item, to_item
from etl_core.model.table_ref import TableRef
from etl_core.upload_log.entry import PARTITION_KEY, SORT_KEY
from etl_core.upload_log.indexes import (
    NOTABLE,
    NOTABLE_INDEX,
    UPLOAD_ID,
    UPLOAD_INDEX,
    schema_partition,
)
from etl_core.upload_log.totals import TABLE_SHARDS, TABLES
from etl_core.upload_log.upload_query import Place, UploadQuery

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_PAGE = 200
_HISTORY = 100


@dataclass(frozen=True)
class Round:
    """Uploads, newest first. All with a sort key from `before` on have been read; None: all of the query's."""

    items: list[dict[str, Any]]
    before: str | None


class UploadLists:
    """Reads entries of all tables. Raises ThrottledError or LogError.

    An index shows an entry a moment after it was written.
    """

    def __init__(self, client: DynamoDBClient, name: str) -> None:
        self._client, self._name = client, name

    def read_rounds(self, query: UploadQuery) -> Iterator[Round]:
        """Yield the matching uploads in rounds. The partitions of one period are read at the same time."""
        places = list(query.places())
        with ThreadPoolExecutor(max(len(place.partitions) for place in places)) as threads:
            before = query.before
            for number, place in enumerate(places):
                end = None if number == len(places) - 1 else _start_of(place)
                for each in self._read_place(query, place, before, threads):
                    bound = each.before if each.before is not None else end
                    yield Round(each.items, bound)
                before = end or before

    def _read_place(
        self, query: UploadQuery, place: Place, before: str, threads: ThreadPoolExecutor
    ) -> Iterator[Round]:
        position: str | None = before
        while position is not None and query.first < position:
            requests = [_request(query, place, name, position) for name in place.partitions]
            answers = list(threads.map(self._query, requests))
            # What lies behind the end of one partition may follow in another one.
            ends = [
                str(from_item(answer["LastEvaluatedKey"][SORT_KEY]))
                for answer in answers
                if answer.get("LastEvaluatedKey")
            ]
            bound = max(ends, default=None)
            read = [_entry(item) for answer in answers for item in answer["Items"]]
            kept = [
                item
                for item in read
                if item[SORT_KEY] < position and (bound is None or item[SORT_KEY] >= bound)
            ]
            kept.sort(key=lambda item: str(item[SORT_KEY]), reverse=True)
            yield Round(kept, bound)
            position = bound

    def find(self, upload_id: str) -> dict[str, Any] | None:
        """Return the entry of an upload."""
        keys = self._query(_equal(UPLOAD_ID, upload_id) | {"IndexName": UPLOAD_INDEX, "Limit": 1})[
            "Items"
        ]
        if not keys:
            return None
        found = self._query(
            {
                "KeyConditionExpression": "#table = :table AND #sort = :sort",
                "ExpressionAttributeNames": {"#table": PARTITION_KEY, "#sort": SORT_KEY},
                "ExpressionAttributeValues": {
                    ":table": keys[0][PARTITION_KEY],
                    ":sort": keys[0][SORT_KEY],
                },
                "ConsistentRead": True,
            }
        )["Items"]
        return _entry(found[0]) if found else None

    def schema_files(self, table: TableRef) -> Sequence[dict[str, Any]]:
        """Return the entries of the schema files that took effect, newest first, at most 100."""
        found = self._query(
            _equal(NOTABLE, schema_partition(table))
            | {"IndexName": NOTABLE_INDEX, "Limit": _HISTORY, "ScanIndexForward": False}
        )
        return [_entry(item) for item in found["Items"]]

    def read_totals(self) -> list[dict[str, Any]]:
        """Return the totals of every table."""
        partitions = [f"{TABLES}/{shard}" for shard in range(TABLE_SHARDS)]
        with ThreadPoolExecutor(TABLE_SHARDS) as threads:
            return [item for items in threads.map(self._read_all, partitions) for item in items]

    def _read_all(self, partition: str) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = []
        request = _equal(PARTITION_KEY, partition)
        for _ in count():
            answer = self._query(request)
            items += [_entry(item) for item in answer["Items"]]
            if not answer.get("LastEvaluatedKey"):
                break
            request = request | {"ExclusiveStartKey": answer["LastEvaluatedKey"]}
        return items

    def _query(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        answer: Mapping[str, Any] = mapped(
            lambda: self._client.query(TableName=self._name, **request)
        )
        return answer


def _equal(attribute: str, value: str) -> dict[str, Any]:
    return {
        "KeyConditionExpression": "#partition = :partition",
        "ExpressionAttributeNames": {"#partition": attribute},
        "ExpressionAttributeValues": {":partition": to_item(value)},
    }


def _start_of(place: Place) -> str:
    """Return the beginning of the place's period: its sort keys come after it."""
    return place.partitions[0].removeprefix("refused/").partition("/")[0]


def _request(query: UploadQuery, place: Place, partition: str, before: str) -> dict[str, Any]:
    """Return the request for one partition.

    `before` is included, because a condition has no open end; the caller leaves it out.
    """
    names = {"#partition": place.attribute, "#sort": SORT_KEY}
    values = {":partition": partition, ":first": query.first, ":before": before}
    conditions = []
    for name, value in query.filters.items():
        if name != place.attribute:
            names[f"#{name}"], values[f":{name}"] = name, value
            conditions.append(f"#{name} = :{name}")
    if query.statuses:
        names["#status"] = "status"
        statuses = {f":status{number}": status for number, status in enumerate(query.statuses)}
        values |= statuses
        conditions.append(f"#status IN ({', '.join(statuses)})")
    if query.s3_key is not None:
        names["#s3_key"], values[":s3_key"] = "s3_key", query.s3_key
        conditions.append("begins_with(#s3_key, :s3_key)")
    # Of refused uploads, most have the statuses that are asked for.
    is_sparse = bool(query.filters or query.s3_key) or (
        bool(conditions) and place.index != NOTABLE_INDEX
    )
    request: dict[str, Any] = {
        "KeyConditionExpression": "#partition = :partition AND #sort BETWEEN :first AND :before",
        "ExpressionAttributeNames": names,
        "ExpressionAttributeValues": {name: to_item(value) for name, value in values.items()},
        "ScanIndexForward": False,
        # DynamoDB counts the items that it reads, before the filter. One may be `before` itself.
        "Limit": _PAGE if is_sparse else min(query.limit + 1, _PAGE),
    }
    if place.index is not None:
        request["IndexName"] = place.index
    if conditions:
        request["FilterExpression"] = " AND ".join(conditions)
    return request


def _entry(item: Mapping[str, Any]) -> dict[str, Any]:
    return {name: from_item(value) for name, value in item.items()}
