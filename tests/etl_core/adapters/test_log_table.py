"""What the log table's adapter asks DynamoDB for."""

from __future__ import annotations

from typing import Any

from etl_core.adapters.log_table import LogTable
from etl_core.upload_log.entry import ANSWER_FIELDS

KEY = {"table_name": "user_data", "landed_key": "2026-11-22T09:30:00Z#01#0123456789ab"}


class RecordingClient:
    """Keeps the arguments of every update."""

    def __init__(self) -> None:
        self.updates: list[dict[str, Any]] = []

    def update_item(self, **arguments: Any) -> None:
        self.updates.append(arguments)


def update_of(attributes: dict[str, Any]) -> dict[str, Any]:
    client = RecordingClient()
    assert LogTable(client, "log").write_final(KEY, attributes, 1)  # type: ignore[arg-type]
    [update] = client.updates
    return update


def test_an_answer_removes_what_only_an_earlier_answer_said() -> None:
    update = update_of({"status": "loaded", "rows_loaded": 2, "schema_version": "1"})
    expression = update["UpdateExpression"]
    assert expression.startswith(
        "SET #status = :status, #rows_loaded = :rows_loaded, #schema_version = :schema_version "
    )
    assert (
        " REMOVE #duration_ms, #error, #loaded_timestamp, #redshift_table_exists, #statements, #waiting_for, #waiting_since ADD "
        in expression
    )
    assert update["ExpressionAttributeNames"]["#error"] == "error"


def test_an_answer_takes_the_entry_from_the_index_of_those_that_wait() -> None:
    update = update_of({"status": "loaded"} | dict.fromkeys(ANSWER_FIELDS, "x"))
    assert " REMOVE #waiting_for, #waiting_since ADD " in update["UpdateExpression"]


def test_the_receipt_removes_nothing() -> None:
    client = RecordingClient()
    assert LogTable(client, "log").write_received(KEY, {"status": "received"})  # type: ignore[arg-type]
    assert client.updates[0]["UpdateExpression"] == "SET #status = :status ADD #attempts :attempts"
