"""The totals of the tables and of the hours, which are items of the log table."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from etl_core.adapters.dynamodb_calls import mapped
from etl_core.adapters.dynamodb_values import from_item, to_item
from etl_core.model.times import utc_now
from etl_core.upload_log.totals import (
    Tally,
    additions,
    by_table,
    expired,
    hourly_additions,
    hours_key,
    is_newer,
    last_uploads,
    totals_key,
)

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class TotalsTable:
    """Adds to the totals: one write for each table, and one for the hours of each shard.

    Raises ThrottledError or LogError.
    """

    def __init__(self, client: DynamoDBClient, name: str) -> None:
        self._client, self._name = client, name

    def add(self, tallies: Iterable[Tally]) -> None:
        """Add what was answered now. The last of a table's tallies becomes its last upload."""
        groups = by_table(tallies)
        for table, group in groups.items():
            self._write(totals_key(table), last_uploads(group), additions(group))
        self._add_hours(groups)

    def add_earlier(self, tallies: Iterable[Tally]) -> None:
        """Add answers of any age. The last upload of a table stays the newest one."""
        groups = by_table(tallies)
        for table, group in groups.items():
            group.sort(key=lambda tally: tally.hour)
            item = self._write(totals_key(table), {}, additions(group))
            last = last_uploads(group)
            if last and is_newer(last, item):
                self._update(totals_key(table), last, {})
        self._add_hours(groups)

    def _add_hours(self, groups: Mapping[str, Iterable[Tally]]) -> None:
        shards: dict[str, list[Tally]] = defaultdict(list)
        keys = {}
        for table, group in groups.items():
            key = hours_key(table)
            keys[key["table_name"]] = key
            shards[key["table_name"]] += group
        for shard, tallies in shards.items():
            self._write(keys[shard], {}, hourly_additions(tallies))

    def _write(
        self, key: Mapping[str, str], values: Mapping[str, Any], numbers: Mapping[str, int]
    ) -> dict[str, Any]:
        """Set values, add numbers, and remove what is too old. Return the item as it was in between."""
        item = self._update(key, values, numbers)
        if old := expired(item, utc_now()):
            self._update(key, {}, {}, old)
        return item

    def _update(
        self,
        key: Mapping[str, str],
        values: Mapping[str, Any],
        numbers: Mapping[str, int],
        removed: Iterable[str] = (),
    ) -> dict[str, Any]:
        """Set values, add numbers and remove attributes. Return the item as it is then."""
        names: dict[str, str] = {}

        def name(attribute: str) -> str:
            return names.setdefault(attribute, f"#n{len(names)}")

        given: dict[str, Any] = {}

        def value(content: object) -> str:
            given[f":v{len(given)}"] = to_item(content)
            return f":v{len(given) - 1}"

        clauses = [
            ("SET", [f"{name(each)} = {value(content)}" for each, content in values.items()]),
            ("ADD", [f"{name(each)} {value(number)}" for each, number in numbers.items()]),
            ("REMOVE", [name(each) for each in removed]),
        ]
        arguments: dict[str, Any] = {
            "TableName": self._name,
            "Key": {part: to_item(text) for part, text in key.items()},
            "UpdateExpression": " ".join(
                f"{verb} {', '.join(terms)}" for verb, terms in clauses if terms
            ),
            "ExpressionAttributeNames": {short: each for each, short in names.items()},
            "ReturnValues": "ALL_NEW",
        }
        if not names:
            return {}
        if given:
            arguments["ExpressionAttributeValues"] = given
        answer = mapped(lambda: self._client.update_item(**arguments))
        return {each: from_item(content) for each, content in answer["Attributes"].items()}
