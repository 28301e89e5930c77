"""The log table's adapter: its requests to DynamoDB, how it reads pages, and how it maps errors."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from etl_core.adapters.dynamodb_calls import mapped
from etl_core.adapters.dynamodb_values import to_item
from etl_core.adapters.log_table import LogPage, LogTable
from etl_core.model.errors import LogError, ThrottledError
from etl_core.upload_log.entry import ANSWER_FIELDS, WAITING_INDEX
from etl_core.upload_log.query import LogQuery

KEY = {"table_name": "user_data", "landed_key": "2026-11-22T09:30:00Z#01#0123456789ab"}


class FakeDynamoDB:
    """Records the arguments of every call, and returns the prepared pages one after another."""

    def __init__(self, *pages: dict[str, Any], error: Exception | None = None) -> None:
        self.pages, self.error = list(pages), error
        self.calls: list[dict[str, Any]] = []

    def _call(self, **arguments: Any) -> dict[str, Any]:
        self.calls.append(arguments)
        if self.error is not None:
            raise self.error
        return self.pages.pop(0) if self.pages else {}

    update_item = batch_get_item = scan = _call

    def get_paginator(self, name: str) -> FakeDynamoDB:
        assert name == "query"
        return self

    def paginate(self, **arguments: Any) -> Iterator[dict[str, Any]]:
        while self.pages or self.error is not None:
            yield self._call(**arguments)


def log_table(client: FakeDynamoDB) -> LogTable:
    return LogTable(client, "log")  # type: ignore[arg-type]


def stored(**attributes: Any) -> dict[str, Any]:
    return {name: to_item(value) for name, value in attributes.items()}


def client_error(code: str, status: int = 400) -> ClientError:
    return ClientError(
        {"Error": {"Code": code, "Message": "no"}, "ResponseMetadata": {"HTTPStatusCode": status}},
        "Query",
    )


def update_of(attributes: dict[str, Any]) -> dict[str, Any]:
    """Return the update of the entry. Two more add it to the totals of its table and of the hour."""
    client = FakeDynamoDB({}, {"Attributes": {}}, {"Attributes": {}})
    assert log_table(client).write_final(KEY, attributes, 1)
    update, *totals = client.calls
    assert [each["Key"]["table_name"]["S"][:8] for each in totals] == ["#tables/", "#tables/"]
    return update


def test_a_final_status_removes_the_fields_of_an_earlier_one() -> None:
    update = update_of({"status": "loaded", "rows_loaded": 2, "schema_version": "1"})
    expression = update["UpdateExpression"]
    assert expression.startswith(
        "SET #status = :status, #rows_loaded = :rows_loaded, #schema_version = :schema_version, "
        "#listed = :listed, #counted = :counted "
    )
    assert (
        " REMOVE #duration_ms, #error, #freshness_hours, #loaded_timestamp, #quarantine_prefix, "
        "#redshift_table_exists, #rows_quarantined, #statements, #warnings, #waiting_for, #waiting_since, #notable ADD "
        in expression
    )
    assert update["ExpressionAttributeNames"]["#error"] == "error"


def test_a_final_status_removes_the_entry_from_the_index_of_pending_uploads() -> None:
    update = update_of({"status": "loaded"} | dict.fromkeys(ANSWER_FIELDS, 1))
    assert " REMOVE #waiting_for, #waiting_since, #notable ADD " in update["UpdateExpression"]


def test_a_received_entry_removes_nothing() -> None:
    client = FakeDynamoDB()
    assert log_table(client).write_received(KEY, {"status": "received"}) is None
    assert client.calls[0]["UpdateExpression"] == "SET #status = :status ADD #attempts :attempts"


def test_an_existing_entry_is_not_received_again() -> None:
    error = client_error("ConditionalCheckFailedException")
    error.response["Item"] = stored(status="loaded", attempts=2)  # type: ignore[typeddict-unknown-key]
    client = FakeDynamoDB(error=error)

    assert log_table(client).write_received(KEY, {"status": "received"}) == {
        "status": "loaded",
        "attempts": 2,
    }
    assert client.calls[0]["ReturnValuesOnConditionCheckFailure"] == "ALL_OLD"


def test_a_final_status_that_may_not_change_only_adds_the_attempts() -> None:
    class Settled(FakeDynamoDB):
        def update_item(self, **arguments: Any) -> dict[str, Any]:  # type: ignore[override]
            self.calls.append(arguments)
            if "ConditionExpression" in arguments:
                raise client_error("ConditionalCheckFailedException")
            return {}

    client = Settled()
    assert not log_table(client).write_final(KEY, {"status": "failed"}, 2)

    assert client.calls[-1]["UpdateExpression"] == "ADD #attempts :attempts"
    assert client.calls[-1]["ExpressionAttributeValues"] == {":attempts": {"N": "2"}}


@pytest.mark.parametrize(
    ("status", "warnings", "added"),
    [("loaded", ["w"], True), ("loaded", None, False), ("failed", ["w"], False)],
)
def test_an_entry_that_its_load_has_settled_gets_the_warnings_that_came_later(
    status: str, warnings: list[str] | None, added: bool
) -> None:
    class Settled(FakeDynamoDB):
        def update_item(self, **arguments: Any) -> dict[str, Any]:  # type: ignore[override]
            self.calls.append(arguments)
            if "ConditionExpression" in arguments:
                raise client_error("ConditionalCheckFailedException")
            return {}

    client = Settled()
    attributes = {"status": status, "rows_loaded": 1} | ({"warnings": warnings} if warnings else {})
    assert not log_table(client).write_final(KEY, attributes, 0)

    expression = client.calls[-1]["UpdateExpression"]
    assert expression.startswith("SET #warnings = :warnings" if added else "ADD ")
    assert "status" not in expression


def test_a_query_yields_each_page_with_the_key_where_it_ends() -> None:
    client = FakeDynamoDB(
        {
            "Items": [stored(table_name="t", attempts=1, warnings=[{"share": 1, "of": 2}])],
            "LastEvaluatedKey": stored(table_name="t", landed_key="k1"),
        },
        {"Items": [], "LastEvaluatedKey": stored(table_name="t", landed_key="k2")},
        {"Items": [stored(table_name="t", attempts=2)]},
    )
    query = LogQuery.parse({"table_name": "t", "status": "failed"})

    assert list(log_table(client).read_pages(query)) == [
        LogPage([{"table_name": "t", "attempts": 1, "warnings": [{"share": 1, "of": 2}]}], "k1"),
        LogPage([], "k2"),
        LogPage([{"table_name": "t", "attempts": 2}], None),
    ]
    assert client.calls[0]["FilterExpression"] == "#status = :status"
    assert client.calls[0]["ScanIndexForward"] is False


@pytest.mark.parametrize(
    ("parameters", "items"),
    [
        ({"limit": "50"}, 50),
        ({}, 50),
        ({"limit": "1"}, 1),
        ({"limit": "500"}, 200),
        ({"limit": "50", "status": "failed"}, 200),
    ],
)
def test_a_query_reads_as_many_items_as_it_returns_unless_it_has_a_filter(
    parameters: dict[str, str], items: int
) -> None:
    client = FakeDynamoDB({"Items": []})

    list(log_table(client).read_pages(LogQuery.parse({"table_name": "t"} | parameters)))

    assert [call["Limit"] for call in client.calls] == [items]


def test_entries_between_two_keys_are_read_from_all_pages() -> None:
    client = FakeDynamoDB({"Items": [stored(number=1)]}, {"Items": [stored(number=2)]})

    entries = list(log_table(client).read_between("t", "2026-11-22", "2026-11-23"))

    assert entries == [{"number": 1}, {"number": 2}]
    assert client.calls[0]["ExpressionAttributeValues"] == stored(
        **{":table": "t", ":first": "2026-11-22", ":last": "2026-11-23~"}
    )


def test_keys_that_dynamodb_did_not_process_are_requested_again() -> None:
    keys = [{"table_name": "t", "landed_key": f"k{number}"} for number in range(101)]
    client = FakeDynamoDB(
        {
            "Responses": {"log": [stored(number=1)]},
            "UnprocessedKeys": {"log": {"Keys": [stored(**keys[5])]}},
        },
        {"Responses": {"log": [stored(number=2)]}},
    )

    assert log_table(client).read_entries(keys) == [{"number": 1}, {"number": 2}]
    requested = [call["RequestItems"]["log"]["Keys"] for call in client.calls]
    assert requested == [
        [stored(**key) for key in keys[:100]],
        [stored(**keys[100]), stored(**keys[5])],
    ]


def test_a_batch_of_which_nothing_is_processed_is_throttled() -> None:
    client = FakeDynamoDB(
        {"Responses": {}, "UnprocessedKeys": {"log": {"Keys": [stored(**KEY)]}}},
    )

    with pytest.raises(ThrottledError, match="none of the 1 entries"):
        log_table(client).read_entries([KEY])


def test_pending_entries_are_read_page_by_page_from_the_index() -> None:
    marker = stored(table_name="t", landed_key="k1")
    client = FakeDynamoDB(
        {"Items": [stored(number=1)], "LastEvaluatedKey": marker}, {"Items": [stored(number=2)]}
    )

    first, following = log_table(client).read_pending_page(None)
    last, end = log_table(client).read_pending_page(following)

    assert (first, last, end) == ([{"number": 1}], [{"number": 2}], None)
    assert [call.get("ExclusiveStartKey") for call in client.calls] == [None, marker]
    assert {call["IndexName"] for call in client.calls} == {WAITING_INDEX}


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (client_error("ProvisionedThroughputExceededException"), ThrottledError),
        (client_error("ThrottlingException"), ThrottledError),
        (client_error("InternalServerError", 500), ThrottledError),
        (EndpointConnectionError(endpoint_url="https://dynamodb"), ThrottledError),
        (client_error("AccessDeniedException"), LogError),
        (client_error("ResourceNotFoundException"), LogError),
    ],
)
def test_every_error_of_dynamodb_is_mapped(error: Exception, kind: type[Exception]) -> None:
    def fail() -> None:
        raise error

    with pytest.raises(kind, match="the log table"):
        mapped(fail)
    with pytest.raises(kind):
        list(log_table(FakeDynamoDB(error=error)).read_between("t", "a", "b"))
