"""The ledger decides: duplicate, superseded, or proceed.

Its rows are read back as they were written.
"""

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
    Duplicate,
    LedgerRow,
    Proceed,
    Superseded,
    appends_since,
    create_ledger_statements,
    decide,
    insert_rows,
    ledger_name,
    ledger_table,
    parse_row,
    schema_history,
    select_relevant,
)
from etl_core.model.errors import DamagedLedgerError, InvalidSchemaFileError
from etl_core.model.lake_key import Action
from etl_core.model.status import Status
from etl_core.model.table_ref import TableRef
from etl_core.schema_files.schema_file import SchemaFile
from etl_core.sql import describe_sql
from tests.builders import NOON, TABLE, a_column, a_ledger_row, a_spec, an_upload

LEDGER = ledger_table(TABLE)
BEFORE, AFTER = NOON - timedelta(seconds=5), NOON + timedelta(seconds=5)
SCHEMA = a_ledger_row("schema", landed_at=BEFORE)


def written_and_read(row: LedgerRow) -> LedgerRow:
    return parse_row(SimpleNamespace(_mapping=values_of(row)))  # type: ignore[arg-type]


def values_of(row: LedgerRow) -> dict[str, Any]:
    return {
        name.removesuffix("_m0"): value
        for name, value in insert_rows(LEDGER, [row]).compile().params.items()
    }


@pytest.mark.parametrize("action", list(Action))
def test_an_upload_in_the_ledger_is_a_duplicate_regardless_of_other_rows(action: Action) -> None:
    row = a_ledger_row(str(action), upload_id=an_upload().upload_id)

    assert decide(
        [SCHEMA, a_ledger_row("truncate", landed_at=AFTER), row], an_upload(), action
    ) == Duplicate(row)


@pytest.mark.parametrize(
    ("action", "later", "is_void"),
    [
        ("append", "truncate", True),
        ("truncate", "truncate", True),
        ("schema", "schema", True),
        ("append", "append", False),
        ("truncate", "append", False),
        ("append", "schema", False),
        ("schema", "truncate", False),
    ],
)
def test_which_actions_a_later_upload_supersedes(action: str, later: str, is_void: bool) -> None:
    row = a_ledger_row(later, landed_at=AFTER)

    decision = decide([SCHEMA, row], an_upload(), Action(action))

    assert decision == Superseded(row) if is_void else isinstance(decision, Proceed)


def test_an_earlier_upload_supersedes_nothing() -> None:
    rows = [SCHEMA, a_ledger_row("truncate", landed_at=BEFORE)]

    assert decide(rows, an_upload(), Action.APPEND) == Proceed((SCHEMA,))


def test_within_one_second_the_sequencer_decides() -> None:
    truncate = a_ledger_row("truncate", sequencer="00000005")

    assert isinstance(
        decide([truncate], an_upload(sequencer="00000004"), Action.APPEND), Superseded
    )
    assert isinstance(decide([truncate], an_upload(sequencer="00000006"), Action.APPEND), Proceed)


def test_the_first_of_several_later_truncates_is_named() -> None:
    first, second = (a_ledger_row("truncate", landed_at=AFTER, s3_key=key) for key in ("a", "b"))

    assert decide([second, first], an_upload(), Action.APPEND) == Superseded(first)


def test_an_upload_is_read_by_the_schema_in_force_at_its_arrival() -> None:
    newer = a_ledger_row("schema", landed_at=AFTER, schema_file=a_spec(a_column("newer")))
    decision = decide([newer, SCHEMA], an_upload(), Action.APPEND)

    assert isinstance(decision, Proceed)
    assert (decision.schema_at_arrival, decision.in_force) == (
        SCHEMA.schema_file,
        newer.schema_file,
    )
    assert schema_history([newer, SCHEMA], an_upload(landed_at=AFTER + timedelta(seconds=1))) == (
        newer,
    )


def test_an_upload_older_than_the_first_schema_is_read_by_the_first_schema() -> None:
    assert schema_history([SCHEMA], an_upload(landed_at=BEFORE - timedelta(seconds=1))) == (SCHEMA,)
    assert schema_history([a_ledger_row()], an_upload()) == ()


def test_an_event_without_version_is_a_duplicate_of_the_event_with_that_version() -> None:
    versioned = an_upload("dev/append/t/x.csv", version_id="v7")
    row = a_ledger_row(s3_key=versioned.key, version_id="v7", upload_id=versioned.upload_id)
    plain = an_upload("dev/append/t/x.csv", version_id=None)

    assert decide([row], plain, Action.APPEND, "v7") == Duplicate(row)
    assert isinstance(decide([row], plain, Action.APPEND, "v8"), Proceed)


def test_two_events_without_version_are_two_uploads_even_for_one_version() -> None:
    first = an_upload("dev/append/t/x.csv", version_id=None, sequencer="01")
    row = a_ledger_row(s3_key=first.key, version_id="v2", upload_id=first.upload_id)

    second = an_upload("dev/append/t/x.csv", version_id=None, sequencer="02")
    assert isinstance(decide([row], second, Action.APPEND, "v2"), Proceed)


def test_a_late_truncate_reloads_the_appends_that_arrived_after_it_in_arrival_order() -> None:
    one, two, earlier = (
        a_ledger_row(landed_at=time) for time in (AFTER, AFTER + timedelta(seconds=1), BEFORE)
    )

    assert appends_since([two, earlier, SCHEMA, one], an_upload(), Action.TRUNCATE) == [one, two]
    assert appends_since([two, one], an_upload(), Action.APPEND) == []


_TIME = st.integers(-3, 3).map(lambda seconds: NOON + timedelta(seconds=seconds))
_ROW = st.builds(
    a_ledger_row,
    st.sampled_from(list(Action)).map(str),
    landed_at=_TIME,
    sequencer=st.sampled_from(["01", "010", "02"]),
)


@given(st.lists(_ROW, max_size=6), st.sampled_from(list(Action)), _TIME)
def test_the_order_of_the_ledger_rows_does_not_matter(
    rows: list[LedgerRow], action: Action, landed_at: Any
) -> None:
    upload = an_upload(landed_at=landed_at)
    forth, back = decide(rows, upload, action), decide(rows[::-1], upload, action)

    assert type(forth) is type(back)


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


def test_only_relevant_rows_are_read_and_values_are_bound() -> None:
    statement = select_relevant(LEDGER, an_upload())

    assert set(statement.compile().params.values()) == {
        an_upload().upload_id, (NOON - timedelta(seconds=5)).replace(tzinfo=None), "schema",
            an_upload().key, an_upload().version_id,
    }  # fmt: skip
    assert "WHERE" in describe_sql(statement)


def test_another_event_of_the_same_version_is_a_duplicate() -> None:
    event_without_id = an_upload(version_id=None)
    loaded = a_ledger_row(
        upload_id=event_without_id.upload_id, s3_key=event_without_id.key, version_id="v1"
    )
    assert decide([loaded], an_upload(version_id="v1"), Action.APPEND) == Duplicate(loaded)
    assert isinstance(decide([loaded], an_upload(version_id="v2"), Action.APPEND), Proceed)


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
        ("action", "upsert"),
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
        parse_row(SimpleNamespace(_mapping=values))  # type: ignore[arg-type]

    assert f"{column} is {repr(value)[:12]}" in caught.value.message
    assert "the file is not at fault" in caught.value.message


@given(st.text() | st.none(), st.sampled_from(["schema_file", "action", "status"]))
def test_a_row_with_any_text_is_read_or_named(text: str | None, column: str) -> None:
    with suppress(DamagedLedgerError):
        parse_row(SimpleNamespace(_mapping=values_of(SCHEMA) | {column: text}))  # type: ignore[arg-type]
