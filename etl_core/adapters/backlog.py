"""The log table, read for what has no answer yet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any

from etl_core.adapters.dynamodb import from_item, mapped, to_item
from etl_core.lake_key import LakeKey
from etl_core.listed import LakeVersion
from etl_core.log import (
    LONGEST_WAIT,
    PARTITION_KEY,
    SORT_KEY,
    WAITING_FOR,
    WAITING_INDEX,
    WAITING_SINCE,
    Status,
    upload_of_entry,
    waiting_key,
)
from etl_core.ports import LoggedUpload
from etl_core.upload import TIMESTAMP_FORMAT, Upload

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

MAX_WAITING = 2000
"""Read at one look: the oldest."""

_CLOCKS_APART = timedelta(seconds=5)


class LogBacklog:
    """etl_core.ports.Backlog over the log table and its index of entries without an answer."""

    def __init__(self, client: DynamoDBClient, table: str) -> None:
        self._client, self._table = client, table

    def waiting(self, key: LakeKey) -> Sequence[Upload]:
        """See the port. The index follows the table within a moment, so that the newest may be missing."""
        target = waiting_key(key.database, key.schema, key.table)
        since = (datetime.now(UTC) - LONGEST_WAIT).strftime(TIMESTAMP_FORMAT)
        items = self._query(
            "#partition = :partition AND #since >= :since",
            {"#partition": WAITING_FOR, "#since": WAITING_SINCE},
            {":partition": target, ":since": since},
            IndexName=WAITING_INDEX,
        )
        uploads = (upload_of_entry(item) for item in islice(items, MAX_WAITING))
        return [upload for upload in uploads if upload is not None]

    def find(self, key: LakeKey, version: LakeVersion) -> LoggedUpload | None:
        """See the port. The entry is looked for about the time at which the version landed."""
        first, last = version.landed_at - _CLOCKS_APART, version.landed_at + _CLOCKS_APART
        items = self._query(
            "#partition = :partition AND #sort BETWEEN :first AND :last",
            {"#partition": PARTITION_KEY, "#sort": SORT_KEY},
            {
                ":partition": key.table,
                ":first": first.strftime(TIMESTAMP_FORMAT),
                ":last": f"{last.strftime(TIMESTAMP_FORMAT)}~",
            },
            ConsistentRead=True,
        )
        for item in items:
            upload = upload_of_entry(item) if _is_about(item, version) else None
            if upload is not None:
                return LoggedUpload(upload, Status(item["status"]))
        return None

    def _query(
        self, condition: str, names: Mapping[str, str], values: Mapping[str, str], **more: Any
    ) -> Iterator[dict[str, Any]]:
        arguments: dict[str, Any] = {
            "TableName": self._table,
            "KeyConditionExpression": condition,
            "ExpressionAttributeNames": dict(names),
            "ExpressionAttributeValues": {name: to_item(value) for name, value in values.items()},
        } | more
        while True:
            page = mapped(lambda: self._client.query(**arguments))
            for item in page.get("Items", []):
                yield {name: from_item(value) for name, value in item.items()}
            if not page.get("LastEvaluatedKey"):
                return
            arguments["ExclusiveStartKey"] = page["LastEvaluatedKey"]


def _is_about(item: Mapping[str, Any], version: LakeVersion) -> bool:
    """An answer holds the version's id; an entry without an answer may hold no more than the object's etag."""
    if item.get("s3_key") != version.key:
        return False
    return item.get("version_id", version.version_id) == version.version_id and item.get("etag") == version.etag
