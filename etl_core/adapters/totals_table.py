"""The totals of the tables, which are items of the log table."""

from __future__ import annotations

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
    is_newer,
    last_uploads,
    totals_key,
)

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class TotalsTable:
    """Adds to the totals: one write for each table. Raises ThrottledError or LogError."""

    def __init__(self, client: DynamoDBClient, name: str) -> None:
        self._client, self._name = client, name

    def add(self, tallies: Iterable[Tally]) -> None:
        """Add what was answered now. The last of a table's tallies becomes its last upload."""
        for table, group in by_table(tallies).items():
            self._prune(table, self._update(table, last_uploads(group), additions(group)))

    def add_earlier(self, tallies: Iterable[Tally]) -> None:
        """Add answers of any age. The last upload of a table stays the newest one."""
        for table, group in by_table(tallies).items():
            group.sort(key=lambda tally: tally.hour)
            item = self._update(table, {}, additions(group))
            last = last_uploads(group)
            if last and is_newer(last, item):
                item = self._update(table, last, {})
            self._prune(table, item)

    def _prune(self, table: str, item: Mapping[str, Any]) -> None:
        if old := expired(item, utc_now()):
            self._update(table, {}, {}, old)

    def _update(
        self,
        table: str,
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
            "Key": {part: to_item(text) for part, text in totals_key(table).items()},
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
