"""COPY of fixed-width and Parquet files, and UNLOAD as JSON and Parquet."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterable

import pytest

from redshift_emulator.copy.authorization import DefaultRole
from redshift_emulator.copy.columns import Column, Kind
from redshift_emulator.copy.fixed_width import FixedWidthReader, parse_widths
from redshift_emulator.copy.load_errors import RowError
from redshift_emulator.copy.options import CopyOptions
from redshift_emulator.copy.records import Record
from redshift_emulator.copy.row_splitter import RowTooLongError
from redshift_emulator.copy.statement import parse_copy
from redshift_emulator.errors import SqlError
from redshift_emulator.parquet import ParquetReader, write_parquet
from redshift_emulator.unload import parse_unload
from tests.redshift_emulator.copy.lake import BUCKET, Lake

COLUMNS = [Column("a", Kind.INTEGER), Column("b", Kind.VARCHAR, 9)]


def fixed(data: bytes, block: int = 1 << 20, **options: object) -> list[Record]:
    """Return the records of a file with columns of 3 and 2 bytes."""
    reader = FixedWidthReader(
        (3, 2), COLUMNS, CopyOptions(None, "t", None, "s3://b/k", DefaultRole(), **options)  # type: ignore[arg-type]
    )  # fmt: skip
    records: list[Record] = []
    for start in range(0, len(data), block):
        records += reader.feed(data[start : start + block])
    return [*records, *reader.finish()]


def values(records: Iterable[Record]) -> list[object]:
    """Return the values of each record, or its error's code."""
    return [
        record.values.code if isinstance(record.values, RowError) else list(record.values)
        for record in records
    ]


@pytest.mark.parametrize("block", [1, 4, 100])
def test_fields_are_cut_by_their_widths(block: int) -> None:
    data = b"head\n1  x \r\n22 yz\n333 a"
    assert values(fixed(data, block, ignore_header=1)) == [
        [b"1", b"x"],
        [b"22", b"yz"],
        [b"333", b" a"],
    ]


def test_a_line_that_is_too_short_or_too_long_is_an_error() -> None:
    records = fixed(b"1  xyz\n1\n\n1  xy   \n")
    assert values(records) == [1216, 1214, 1214, [b"1", b"xy"]]
    assert isinstance(records[0].values, RowError)
    assert (
        records[0].values.reason == "Missing newline: Unexpected character 0x7a found at location 5"
    )
    assert values(fixed(b"\n1  x\n", ignore_blank_lines=True)) == [[b"1", b"x"]]
    assert values(fixed(b"1\n", fill_record=True)) == [[b"1", b""]]


def test_a_line_above_4_mb_is_not_kept() -> None:
    with pytest.raises(RowTooLongError):
        fixed(b"x" * (5 << 20))


def test_the_widths_are_pairs_of_a_label_and_a_number() -> None:
    assert parse_widths("id:3, 2 : 20") == (3, 20)
    for text in ("", "3,2", "a:0", "a:x", "a:1,", "a:-1"):
        with pytest.raises(SqlError, match="label:width"):
            parse_widths(text)
    with pytest.raises(SqlError, match="has 1 columns; the table has 2"):
        FixedWidthReader((3,), COLUMNS, CopyOptions(None, "t", None, "s3://b/k", DefaultRole()))


@pytest.mark.parametrize(
    ("parameters", "refused"),
    [
        ("JSON 'auto' DELIMITER ','", "DELIMITER is not supported with JSON"),
        ("FIXEDWIDTH 'a:1' CSV", "CSV is not supported with FIXEDWIDTH"),
        ("FORMAT PARQUET MAXERROR 5", "MAXERROR is not supported with PARQUET"),
        ("FORMAT PARQUET JSON 'auto'", "contradicts an earlier parameter"),
        ("JSON 'every'", "is not valid"),
        ("FORMAT ORC", "COPY ... FORMAT ORC is not supported by this emulator"),
    ],
)
def test_parameters_that_exclude_each_other_are_refused(parameters: str, refused: str) -> None:
    with pytest.raises(SqlError, match=refused):
        parse_copy(f"COPY t FROM 's3://b/k' IAM_ROLE default {parameters}")


def test_copy_loads_fixed_width_files(lake: Lake) -> None:
    table = lake.table("a int, b varchar(2)")
    lake.copy(table, lake.put("1  x \n22 é\n".encode()), "FIXEDWIDTH 'a:3,b:2'")
    assert lake.rows(table) == [(1, "x"), (22, "é")]


def test_unload_writes_json_that_copy_reads(lake: Lake) -> None:
    columns = "a int, b varchar(20), c boolean, d decimal(8,2), e super, f timestamp"
    first, second = lake.table(columns), lake.table(columns)
    lake.sql(
        f"""INSERT INTO {first} VALUES (1, 'é"x', true, 1.50, JSON_PARSE('{{"k":[1]}}'), '2024-01-02 03:04:05'),"""
        " (2, NULL, false, NULL, NULL, NULL)"
    )
    prefix = f"s3://{BUCKET}/json/{first}/"
    lake.sql(
        f"UNLOAD ('SELECT * FROM {first} ORDER BY a') TO '{prefix}' IAM_ROLE '{lake.role}' JSON"
    )
    key = f"json/{first}/0000_part_00.json"
    lines = lake.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read().decode().splitlines()
    assert lines == [
        '{"a":1,"b":"é\\"x","c":"t","d":1.50,"e":{"k":[1]},"f":"2024-01-02 03:04:05"}',
        '{"a":2,"b":null,"c":"f","d":null,"e":null,"f":null}',
    ]
    lake.copy(second, prefix, "JSON 'auto'")
    assert lake.rows(second) == lake.rows(first)


@pytest.mark.parametrize("word", ["HEADER", "GZIP", "ESCAPE", "DELIMITER ','", "NULL AS 'x'"])
def test_unload_as_parquet_has_no_options_of_text(word: str) -> None:
    with pytest.raises(SqlError, match="PARQUET cannot be used with"):
        parse_unload(f"UNLOAD ('SELECT 1') TO 's3://b/p' IAM_ROLE default PARQUET {word}")


def test_parquet_without_pyarrow_is_a_limit_of_the_emulator(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(
        SqlError, match=r"emulator without the package pyarrow: pip install"
    ) as read:
        ParquetReader("s3://b/k", COLUMNS, serialize_to_json=False)
    with pytest.raises(SqlError, match="UNLOAD"):
        write_parquet([("a", 23, -1)], [["1"]], io.BytesIO())
    assert read.value.sqlstate == "0A000"


TYPES = [
    (Column("a", Kind.INTEGER), 23, -1, "7", b"7"),
    (Column("b", Kind.VARCHAR, 9), 1043, -1, "é", "é".encode()),
    (Column("c", Kind.BOOLEAN), 16, -1, "t", b"true"),
    (Column("d", Kind.NUMERIC, 0, 8, 2), 1700, ((8 << 16) | 2) + 4, "-1.50", b"-1.50"),
    (Column("e", Kind.DATE), 1082, -1, "2024-02-29", b"2024-02-29"),
    (Column("f", Kind.TIMESTAMP), 1114, -1, "2024-01-02 03:04:05.5", b"2024-01-02 03:04:05.500000"),
    (Column("g", Kind.TIMESTAMPTZ), 1184, -1, "2024-01-02 03:04:05+00", b"2024-01-02 03:04:05+00:00"),
    (Column("h", Kind.BIGINT), 20, -1, "9007199254740993", b"9007199254740993"),
    (Column("i", Kind.DOUBLE), 701, -1, "0.1", b"0.1"),
    (Column("j", Kind.VARBYTE, 9), 6551, -1, "0aff", b"0aff"),
]  # fmt: skip


def test_parquet_round_trip() -> None:
    pytest.importorskip("pyarrow")
    file = io.BytesIO()
    columns = [(column.name, oid, modifier) for column, oid, modifier, _, _ in TYPES]
    write_parquet(columns, [[text for *_, text, _ in TYPES], [None] * len(TYPES)], file)
    reader = ParquetReader("s3://b/k", [column for column, *_ in TYPES], serialize_to_json=False)
    assert list(reader.feed(file.getvalue())) == []
    first, second = reader.finish()
    assert first.values == tuple(loaded for *_, loaded in TYPES)
    assert second.values == (None,) * len(TYPES)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (COLUMNS[:1], "Table columns: 1, Data columns: 2"),
        (
            [Column("a", Kind.BIGINT), COLUMNS[1]],
            "incompatible Parquet schema for column 's3://b/k.a'",
        ),
        ([COLUMNS[0], Column("b", Kind.SUPER)], "Column type: SUPER, Parquet schema: string b"),
    ],
)
def test_a_parquet_file_must_fit_the_table(columns: list[Column], message: str) -> None:
    pytest.importorskip("pyarrow")
    file = io.BytesIO()
    write_parquet([("a", 23, -1), ("b", 1043, -1)], [["1", "x"]], file)
    reader = ParquetReader("s3://b/k", columns, serialize_to_json=False)
    reader.feed(file.getvalue())
    with pytest.raises(SqlError, match=message):
        list(reader.finish())


def test_a_file_that_is_not_parquet_is_refused() -> None:
    pytest.importorskip("pyarrow")
    reader = ParquetReader("s3://b/k", COLUMNS, serialize_to_json=False)
    reader.feed(b"PAR1 of something else")
    with pytest.raises(SqlError, match="Spectrum Scan Error"):
        list(reader.finish())
