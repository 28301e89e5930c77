"""The ledger's rows are read back as they were written; its name, its format and its statements."""

from __future__ import annotations

import base64
import random
from contextlib import suppress
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl_core.loading.ledger import (
    LedgerRow,
    add_columns,
    create_ledger_statements,
    insert_rows,
    ledger_name,
    ledger_table,
    parse_row,
)
from etl_core.model.errors import DamagedLedgerError, InvalidSchemaFileError, LoadFailedError
from etl_core.model.status import Status
from etl_core.model.table_ref import TableRef
from etl_core.schema_files.schema_file import SchemaFile
from etl_core.sql import describe_sql
from tests.builders import NOON, TABLE, a_column, a_ledger_row, a_spec

LEDGER = ledger_table(TABLE)
SCHEMA = a_ledger_row("schema", landed_at=NOON - timedelta(seconds=5))


def written_and_read(row: LedgerRow) -> LedgerRow:
    return parse_row(SimpleNamespace(_mapping=values_of(row)))  # type: ignore[arg-type]


def values_of(row: LedgerRow) -> dict[str, Any]:
    return {
        name.removesuffix("_m0"): value
        for name, value in insert_rows(LEDGER, [row]).compile().params.items()
    }


@pytest.mark.parametrize(
    "row",
    [
        a_ledger_row(),
        SCHEMA,
        a_ledger_row("truncate", s3_key="dev/truncate/t/it's é%.csv", version_id="", rows_loaded=0),
        a_ledger_row(landed_at=NOON, status=Status.LOADED, rows_loaded=2**40),
    ],
)
def test_a_row_is_read_back_as_it_was_written(row: LedgerRow) -> None:
    assert written_and_read(row) == row


def test_times_are_written_in_utc_without_a_zone() -> None:
    values = values_of(a_ledger_row())

    assert str(values["landed_at"]) == "2026-11-22 12:00:00"


def a_schema_file_of(size: int) -> SchemaFile:
    text = base64.b64encode(random.Random(1).randbytes(size)).decode()
    parts = [text[start : start + 4000] for start in range(0, len(text), 4000)]
    return a_spec(*[a_column(f"c{number}", description=part) for number, part in enumerate(parts)])


def test_a_short_schema_file_is_stored_as_text_and_a_long_one_compressed() -> None:
    long = a_spec(*[a_column(f"column_{number}", description="ä" * 100) for number in range(1000)])

    short_text, long_text = (
        values_of(a_ledger_row("schema", schema_file=spec))["schema_file"]
        for spec in (a_spec(), long)
    )

    assert short_text.startswith('{"columns":')
    assert long_text.startswith("zlib:")
    assert len(long_text) <= 65535
    assert written_and_read(a_ledger_row("schema", schema_file=long)).schema_file == long


def test_a_schema_file_too_long_for_the_ledger_is_refused_with_the_fix() -> None:
    with pytest.raises(
        InvalidSchemaFileError,
        match=r"the ledger stores at most 65,535 bytes\. Shorten its descriptions",
    ):
        values_of(a_ledger_row("schema", schema_file=a_schema_file_of(100_000)))


def test_the_ledger_is_created_in_its_own_schema() -> None:
    schema, table = (describe_sql(statement) for statement in create_ledger_statements(LEDGER))

    assert schema == 'CREATE SCHEMA IF NOT EXISTS "etl_ledger"'
    assert table.startswith(
        'CREATE TABLE IF NOT EXISTS "etl_ledger"."public__t" ( "upload_id" VARCHAR(32) NOT NULL,'
    )


def test_the_columns_that_older_ledgers_lack_are_added_as_the_last_ones() -> None:
    names = [column.name for column in LEDGER.columns]
    assert names[-2:] == ["format_version", "rows_quarantined"]
    added = [
        'ALTER TABLE "etl_ledger"."public__t" ADD COLUMN "format_version" SMALLINT',
        'ALTER TABLE "etl_ledger"."public__t" ADD COLUMN "rows_quarantined" BIGINT',
    ]
    assert [*map(describe_sql, add_columns(LEDGER, names[:-2]))] == added
    assert [*map(describe_sql, add_columns(LEDGER, names[:-1]))] == added[1:]
    assert add_columns(LEDGER, names) == []


def test_a_row_from_before_the_format_version_is_read() -> None:
    row = a_ledger_row()
    values = values_of(row)
    assert values["format_version"] == 2
    without = {name: value for name, value in values.items() if name != "format_version"}

    for old in (without, values | {"format_version": None}):
        assert parse_row(SimpleNamespace(_mapping=old)) == row  # type: ignore[arg-type]


def test_a_row_of_a_later_format_is_refused_with_the_fix() -> None:
    later = SimpleNamespace(_mapping=values_of(a_ledger_row()) | {"format_version": 4})

    with pytest.raises(LoadFailedError, match=r"has the format 4.*Deploy the later version again"):
        parse_row(later)  # type: ignore[arg-type]


_NAME = st.from_regex(r"[a-z_]{1,3}(__)?[a-z0-9_]{0,3}", fullmatch=True)


@given(_NAME, _NAME, _NAME, _NAME)
def test_two_targets_never_share_a_ledger(
    schema: str, table: str, other_schema: str, other_table: str
) -> None:
    same = (schema, table) == (other_schema, other_table)

    assert (
        ledger_name(TableRef("dev", schema, table))
        == ledger_name(TableRef("dev", other_schema, other_table))
    ) is same


@pytest.mark.parametrize(
    ("schema", "table"),
    [("a", "b__c"), ("a__b", "c"), ("a_", "b"), ("a", "_b"), ("s" * 100, "t" * 100)],
)
def test_the_ledger_of_an_ambiguous_or_long_name_has_a_digest_and_fits(
    schema: str, table: str
) -> None:
    name = ledger_name(TableRef("dev", schema, table))

    assert len(name) <= 127
    assert name != f"{schema}__{table}"


def test_the_ledger_of_a_plain_name_has_a_readable_name() -> None:
    assert ledger_name(TableRef("dev", "public", "user_data")) == "public__user_data"


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("action", "merge"),
        ("action", None),
        ("status", "lost"),
        ("landed_at", None),
        ("loaded_at", "yesterday"),
        ("upload_id", None),
        ("s3_key", 7),
        ("version_id", None),
        ("sequencer", None),
        ("rows_loaded", "many"),
        ("rows_loaded", -1),
        ("format_version", "two"),
        ("format_version", -1),
        ("schema_file", "{garbage"),
        ("schema_file", ""),
        ("schema_file", "[]"),
        ("schema_file", "{}"),
        ("schema_file", '{"columns": 7}'),
        ("schema_file", '{"columns": [{"name": "a"}]}'),
        ("schema_file", '{"columns": [], "allowed_operations": ["fly"]}'),
        ("schema_file", '{"columns": [], "csv": 7}'),
        ("schema_file", "zlib:!"),
        ("schema_file", "zlib:" + base64.b64encode(b"x" * 90).decode()),
    ],
)
def test_a_damaged_row_is_named_with_its_column_and_value(column: str, value: Any) -> None:
    values = values_of(SCHEMA) | {column: value}

    with pytest.raises(DamagedLedgerError) as caught:
        _ = parse_row(SimpleNamespace(_mapping=values)).schema_file  # type: ignore[arg-type]

    assert f"{column} is {repr(value)[:12]}" in caught.value.message
    assert "the file is not at fault" in caught.value.message


@given(st.text() | st.none(), st.sampled_from(["schema_file", "action", "status"]))
def test_a_row_with_any_text_is_read_or_named(text: str | None, column: str) -> None:
    with suppress(DamagedLedgerError):
        row = SimpleNamespace(_mapping=values_of(SCHEMA) | {column: text})
        _ = parse_row(row).schema_file  # type: ignore[arg-type]
