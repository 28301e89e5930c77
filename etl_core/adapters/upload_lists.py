"""The log table, read across tables: lists of uploads, one upload, a table's schema files, all totals."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from operator import itemgetter
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
from etl_core.upload_log.totals import (
    HOURS_KEY,
    TABLE_SHARDS,
    TABLES,
    is_table,
    totals_key,
)
from etl_core.upload_log.upload_query import Place, UploadQuery

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_PAGE = 200
_HISTORY = 100
_FIRST = " "
"""Sorts before the hours and all tables. A key cannot be empty."""


@dataclass(frozen=True)
class Round:
    """Uploads, newest first. All with a sort key from `before` on have been read; None: all of the query's."""

    items: list[dict[str, Any]]
    before: str | None


@dataclass(frozen=True)
class TotalsRound:
    """Totals of tables, by name, and hours. All up to the name `ends_at` have been read; None: all."""

    items: list[dict[str, Any]]
    hours: list[dict[str, Any]]
    ends_at: str | None


class UploadLists:
    """Reads entries of all tables. Raises ThrottledError or LogError.

    An index shows an entry a moment after it was written.
    """

    def __init__(self, client: DynamoDBClient, name: str) -> None:
        self._client, self._name = client, name

    def read_rounds(self, query: UploadQuery) -> Iterator[Round]:
        """Yield the matching uploads in rounds. The partitions of one period are read at the same time."""
        if query.is_empty:
            return
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
            bound = max(_ends(answers), default=None)
            read = [(_sort_key(item), item) for answer in answers for item in answer["Items"]]
            kept = [(key, item) for key, item in read if (bound or "") <= key < position]
            kept.sort(key=itemgetter(0), reverse=True)
            if len(kept) > query.limit:  # a page takes no more, so the others are not converted
                bound = kept[query.limit - 1][0]
            yield Round([_entry(item) for _, item in kept[: query.limit]], bound)
            position = bound

    def find(self, upload_id: str) -> dict[str, Any] | None:
        """Return the entry of an upload."""
        keys = self._query(_equal(UPLOAD_ID, upload_id) | {"IndexName": UPLOAD_INDEX, "Limit": 1})[
            "Items"
        ]
        if not keys:
            return None
        return self._read(str(from_item(keys[0][PARTITION_KEY])), _sort_key(keys[0]))

    def _read(self, table_name: str, sort_key: str) -> dict[str, Any] | None:
        """Return the item of the log table with this primary key."""
        request = _range(table_name, "=", sort_key) | {"ConsistentRead": True}
        found = self._query(request)["Items"]
        return _entry(found[0]) if found else None

    def schema_files(self, table: TableRef) -> Sequence[dict[str, Any]]:
        """Return the entries of the schema files that took effect, newest first, at most 100."""
        found = self._query(
            _equal(NOTABLE, schema_partition(table))
            | {"IndexName": NOTABLE_INDEX, "Limit": _HISTORY, "ScanIndexForward": False}
        )
        return [_entry(item) for item in found["Items"]]

    def read_totals(self, after: str, limit: int) -> Iterator[TotalsRound]:
        """Yield the totals of the tables after this one, by name, in rounds. The shards are read at
        the same time. `after` is empty for the beginning, which also has the hours.
        """
        partitions = [f"{TABLES}/{shard}" for shard in range(TABLE_SHARDS)]
        position: str | None = after
        with ThreadPoolExecutor(TABLE_SHARDS) as threads:
            while position is not None:
                some = {"Limit": _share(limit)}
                requests = [_range(name, ">", position or _FIRST) | some for name in partitions]
                answers = list(threads.map(self._query, requests))
                position = min(_ends(answers), default=None)
                read = [(_sort_key(item), item) for answer in answers for item in answer["Items"]]
                read.sort(key=itemgetter(0))
                known = [(key, item) for key, item in read if position is None or key <= position]
                yield TotalsRound(
                    [_entry(item) for key, item in known if is_table(key)],
                    [_entry(item) for key, item in known if key == HOURS_KEY],
                    position,
                )

    def find_totals(self, table: TableRef) -> dict[str, Any] | None:
        """Return the totals of a table, None if none of its uploads was answered."""
        key = totals_key(f"{table.database}/{table.schema}/{table.name}")
        return self._read(key[PARTITION_KEY], key[SORT_KEY])

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


def _range(table_name: str, comparison: str, sort_key: str) -> dict[str, Any]:
    return {
        "KeyConditionExpression": f"#table = :table AND #sort {comparison} :sort",
        "ExpressionAttributeNames": {"#table": PARTITION_KEY, "#sort": SORT_KEY},
        "ExpressionAttributeValues": {":table": to_item(table_name), ":sort": to_item(sort_key)},
    }


def _share(limit: int) -> int:
    """Return how many items to read of each shard, so that one round mostly fills a page."""
    return min(limit // 3 + 8, _PAGE)


def _ends(answers: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return the sort keys at which the answers were cut."""
    last = (answer.get("LastEvaluatedKey") for answer in answers)
    return [_sort_key(key) for key in last if key]


def _sort_key(item: Mapping[str, Any]) -> str:
    return str(from_item(item[SORT_KEY]))


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
    most = _share(query.limit) if len(place.partitions) > 1 else min(query.limit + 1, _PAGE)
    request: dict[str, Any] = {
        "KeyConditionExpression": "#partition = :partition AND #sort BETWEEN :first AND :before",
        "ExpressionAttributeNames": names,
        "ExpressionAttributeValues": {name: to_item(value) for name, value in values.items()},
        "ScanIndexForward": False,
        # DynamoDB counts the items that it reads, before the filter. One may be `before` itself.
        "Limit": _PAGE if is_sparse else most,
    }
    if place.index is not None:
        request["IndexName"] = place.index
    if conditions:
        request["FilterExpression"] = " AND ".join(conditions)
    return request


def _entry(item: Mapping[str, Any]) -> dict[str, Any]:
    return {name: from_item(value) for name, value in item.items()}
