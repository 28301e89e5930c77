"""The five tables of real data are loaded completely: every value equals the source, including nulls and times."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from etl_cli.demo_uploads import EXAMPLES, FLIGHT_TABLES, DemoData
from tests.e2e.conftest import Lake

_READERS = {
    "DECIMAL": Decimal,
    "SMALLINT": int,
    "INTEGER": int,
    "DOUBLE PRECISION": float,
    "VARCHAR": str,
    "CHAR": str,
}


def _read(kind: str, text: str) -> Any:
    if text == "NA":
        return None
    if kind == "TIMESTAMP":
        return datetime.fromisoformat(text).replace(tzinfo=None)
    return _READERS[kind.partition("(")[0]](text)


@pytest.mark.parametrize("name", FLIGHT_TABLES)
def test_every_value_of_the_real_data_is_loaded(lake: Lake, name: str) -> None:
    content, table = DemoData.find().tables[name], lake.table(name)
    schema = json.loads((EXAMPLES / "nycflights13" / f"{name}.json").read_text())
    assert lake.drop(f"dev/schema/{table}/{name}.json", schema)["status"] == "applied"
    entry = lake.drop(f"dev/append/{table}/{name}.csv", content)
    rows = list(csv.DictReader(io.StringIO(content.decode(), newline="")))
    assert (entry["status"], entry["rows_loaded"]) == ("loaded", len(rows))

    kinds = [(column["name"], column["type"]) for column in schema["columns"]]
    expected = Counter(tuple(_read(kind, row[column]) for column, kind in kinds) for row in rows)
    assert Counter(lake.client.sql("dev", f"SELECT * FROM {table}").rows) == expected
