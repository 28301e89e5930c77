"""The log table in DynamoDB."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeVar

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from botocore.exceptions import BotoCoreError, ClientError

from etl_core.errors import EtlError, ThrottledError
from etl_core.log import ANSWER_FIELDS, PARTITION_KEY, SETTLED, SORT_KEY, WAITING_FOR, WAITING_INDEX, WAITING_SINCE
from etl_core.log_query import LogQuery

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_T = TypeVar("_T")
to_item = TypeSerializer().serialize
from_item = TypeDeserializer().deserialize
_PAGE = 200
_BATCH = 100


class LogError(EtlError):
    """The log table refused a call for good: the deployment is at fault."""


@dataclass(frozen=True)
class LogPage:
    """Entries, and the sort key up to which the table was looked through; None when nothing is left."""

    items: list[dict[str, Any]]
    ends_at: str | None


class LogTable:
    """Writes and reads entries. Raises ThrottledError, which the state machine repeats, or LogError."""

    def __init__(self, client: DynamoDBClient, name: str) -> None:
        self._client, self._name = client, name

    def write_received(self, key: Mapping[str, str], attributes: Mapping[str, Any]) -> bool:
        """Writes a new entry; False, and nothing changed, when the upload already has one."""
        return self._update(key, attributes, ("attribute_not_exists(#status)", {}))

    def write_final(self, key: Mapping[str, str], attributes: Mapping[str, Any], attempts: int) -> bool:
        """Writes the answer; False when the entry already has one that no later delivery changes. Attempts add up.

        What an earlier answer said and this one does not (an error, say) is removed.
        """
        names = {f":settled{index}": to_item(str(status)) for index, status in enumerate(SETTLED)}
        condition = f"attribute_not_exists(#status) OR NOT #status IN ({', '.join(names)})"
        absent = [*sorted(ANSWER_FIELDS - attributes.keys()), WAITING_FOR, WAITING_SINCE]
        if self._update(key, attributes, (condition, names), attempts, absent):
            return True
        self._update(key, {}, None, attempts)
        return False

    def read_pages(self, query: LogQuery) -> Iterator[LogPage]:
        """The entries that match, newest first, page after page; a page may hold few or none of those that it looked at."""
        arguments = self._query(query)
        while True:
            page = mapped(lambda: self._client.query(**arguments))
            items = [_entry(item) for item in page.get("Items", [])]
            last = page.get("LastEvaluatedKey")
            yield LogPage(items, None if last is None else str(from_item(last[SORT_KEY])))
            if last is None:
                return
            arguments["ExclusiveStartKey"] = last

    def read_entries(self, keys: Iterable[Mapping[str, str]]) -> list[dict[str, Any]]:
        """The entries under these primary keys, as far as there are any; in no order."""
        waiting = [{name: to_item(value) for name, value in key.items()} for key in keys]
        found: list[dict[str, Any]] = []
        while waiting:
            some, waiting = waiting[:_BATCH], waiting[_BATCH:]
            request: Any = {self._name: {"Keys": some}}
            answer = mapped(lambda: self._client.batch_get_item(RequestItems=request))  # noqa: B023
            found += [_entry(item) for item in answer["Responses"].get(self._name, [])]
            left: Any = answer.get("UnprocessedKeys", {}).get(self._name, {"Keys": []})
            waiting += left["Keys"]
            if len(left["Keys"]) == len(some):
                raise ThrottledError("the log table answered none of the keys asked for")
        return found

    def read_between(self, table_name: str, first: str, last: str) -> Iterator[dict[str, Any]]:
        """The table's entries whose sort key begins with something from `first` to `last`, both inclusive."""
        arguments: dict[str, Any] = {
            "TableName": self._name,
            "KeyConditionExpression": "#partition = :table AND #sort BETWEEN :first AND :last",
            "ExpressionAttributeNames": {"#partition": PARTITION_KEY, "#sort": SORT_KEY},
            "ExpressionAttributeValues": {
                ":table": to_item(table_name),
                ":first": to_item(first),
                ":last": to_item(f"{last}~"),
            },
        }
        while True:
            page = mapped(lambda: self._client.query(**arguments))
            yield from map(_entry, page.get("Items", []))
            if page.get("LastEvaluatedKey") is None:
                return
            arguments["ExclusiveStartKey"] = page["LastEvaluatedKey"]

    def read_waiting(self, marker: Mapping[str, Any] | None) -> tuple[list[dict[str, Any]], Mapping[str, Any] | None]:
        """Some entries of the index of those without an answer, which is small, and where the next ones begin."""
        place: Any = {} if marker is None else {"ExclusiveStartKey": marker}
        page = mapped(lambda: self._client.scan(TableName=self._name, IndexName=WAITING_INDEX, Limit=_PAGE, **place))
        return [_entry(item) for item in page.get("Items", [])], page.get("LastEvaluatedKey")

    def _query(self, query: LogQuery) -> dict[str, Any]:
        filters = {"schema": query.schema, "status": query.status, "database": query.database, "action": query.action}
        wanted = {name: value for name, value in filters.items() if value is not None}
        names = {"#partition": PARTITION_KEY, "#sort": SORT_KEY} | {f"#{name}": name for name in wanted}
        values = {":table": query.table_name, ":first": query.first, ":last": query.last}
        values |= {f":{name}": value for name, value in wanted.items()}
        arguments: dict[str, Any] = {
            "TableName": self._name,
            "KeyConditionExpression": "#partition = :table AND #sort BETWEEN :first AND :last",
            "ExpressionAttributeNames": names,
            "ExpressionAttributeValues": {name: to_item(value) for name, value in values.items()},
            "ScanIndexForward": False,
            "Limit": _PAGE,
        }
        if wanted:
            arguments["FilterExpression"] = " AND ".join(f"#{name} = :{name}" for name in wanted)
        if query.after is not None:
            arguments["ExclusiveStartKey"] = {
                PARTITION_KEY: to_item(query.table_name),
                SORT_KEY: to_item(query.after),
            }
        return arguments

    def _update(
        self,
        key: Mapping[str, str],
        attributes: Mapping[str, Any],
        condition: tuple[str, dict[str, Any]] | None,
        attempts: int = 0,
        absent: Sequence[str] = (),
    ) -> bool:
        names = {f"#{name}": name for name in (*attributes, *absent, "attempts")}
        values = {f":{name}": to_item(value) for name, value in attributes.items()} | {":attempts": to_item(attempts)}
        clauses = [
            ("SET", [f"#{name} = :{name}" for name in attributes]),
            ("REMOVE", [f"#{name}" for name in absent]),
            ("ADD", ["#attempts :attempts"]),
        ]
        arguments: dict[str, Any] = {
            "TableName": self._name,
            "Key": {name: to_item(value) for name, value in key.items()},
            "UpdateExpression": " ".join(f"{verb} {', '.join(terms)}" for verb, terms in clauses if terms),
        }
        if condition is not None:
            names["#status"] = "status"
            arguments["ConditionExpression"] = condition[0]
            values |= condition[1]
        arguments |= {"ExpressionAttributeNames": names, "ExpressionAttributeValues": values}
        try:
            mapped(lambda: self._client.update_item(**arguments))
        except _ConditionFailedError:
            return False
        return True


class _ConditionFailedError(Exception):
    pass


def mapped(call: Callable[[], _T]) -> _T:
    """The call's result. Raises ThrottledError when DynamoDB cannot answer for the moment, LogError when it refuses."""
    try:
        return call()
    except ClientError as error:
        code = error.response["Error"].get("Code", "")
        message = f"the log table answered {code}: {error.response['Error'].get('Message', '')}"
        if code == "ConditionalCheckFailedException":
            raise _ConditionFailedError from None
        if (
            error.response["ResponseMetadata"].get("HTTPStatusCode", 0) >= 500
            or "Throughput" in code
            or "Thrott" in code
        ):
            raise ThrottledError(message) from error
        raise LogError(message) from error
    except BotoCoreError as error:
        raise ThrottledError(f"the log table could not be reached: {error}") from error


def _entry(item: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _plain(from_item(value)) for name, value in item.items()}


def _plain(value: Any) -> Any:
    """Numbers as JSON has them; DynamoDB gives decimals."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value
