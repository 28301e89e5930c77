"""`check`: a schema file, and a data file checked against it as COPY would."""

from __future__ import annotations

from pathlib import Path

import pytest

from etl_core.csv_files.values import Effect, value_test
from etl_core.schema_files.schema_file import CsvOptions
from redshift_emulator.context import ColumnInfo
from redshift_emulator.copy.authorization import Roles
from redshift_emulator.copy.columns import column_of
from redshift_emulator.copy.fields import converter_of
from redshift_emulator.copy.load_errors import FieldError
from redshift_emulator.copy.options import CopyOptions
from tests.builders import a_column, a_schema_file, a_spec
from tests.etl_cli.csv_folder import CsvFolder

_SCHEMA = a_schema_file(
    a_column("id", "INTEGER", nullable=False),
    a_column("name", "VARCHAR(5)"),
    a_column("price", "NUMERIC(5,2)"),
)


@pytest.fixture
def files(tmp_path: Path) -> CsvFolder:
    return CsvFolder(tmp_path)


def _check(
    files: CsvFolder, content: str | bytes, *options: str, schema: bytes = _SCHEMA
) -> tuple[int, list[str]]:
    data = files.file(content)
    result = files.run("check", files.file(schema, "schema.json"), data, *options)
    return result.exit_code, [line.removeprefix(f"{data}: ") for line in result.output.splitlines()]


def test_a_valid_schema_file_is_reported_as_valid(files: CsvFolder) -> None:
    result = files.run("check", files.file(_SCHEMA, "schema.json"))

    assert result.exit_code == 0
    assert "a valid schema file of 3 columns" in result.output


def test_every_fault_of_a_schema_file_is_reported(files: CsvFolder) -> None:
    result = files.run(
        "check",
        files.file(b'{"columns": [{"name": "a", "type": "INTT"}], "x": 1}', "schema.json"),
    )

    assert result.exit_code == 1
    assert "$.columns[0].type" in result.output
    assert "$.x: is not a known property" in result.output


def test_every_invalid_value_is_reported_with_its_place(files: CsvFolder) -> None:
    result = _check(
        files, 'ID,price,name\n1,2.50,ok\n\n,x,toolong\n2,1,"a\nb"\n3\n4,9999.9,"x"y\n5,1000,z\n'
    )

    assert result == (
        1,
        [
            "line 4, column 'id', value '': is NULL, but the column is not nullable",
            "line 4, column 'price', value 'x': is not a number",
            "line 4, column 'name', value 'toolong': has 7 bytes; the column holds 5 bytes. "
            "Lengths are in bytes: make the column VARCHAR(8) in the schema file, or shorten the value",
            "line 7: has 1 fields; the header has 3. "
            "Add the missing fields, or remove the line if it is no data",
            "line 8: has a quote inside a field: write a quote inside a quoted field twice, and quote the whole field",
            "line 9, column 'price', value '1000': is out of range: at most 3 digits before the decimal point",
            "6 faults",
        ],
    )


def test_the_report_stops_after_the_given_number_of_faults(files: CsvFolder) -> None:
    code, lines = _check(files, "id,price,name\n" + "x,1,a\n" * 9, "--most", "2")

    assert (code, len(lines)) == (1, 3)
    assert lines[-1] == "2 faults (stopped after 2; a larger --most shows more)"


def test_a_value_that_copy_cuts_is_a_note(files: CsvFolder) -> None:
    code, lines = _check(files, "id,price,name\n1,20.259,a\n")

    assert code == 0
    assert lines[0].startswith(
        "warning: line 2, column 'price', value '20.259': has more than 2 decimals; COPY cuts off "
        "the rest (values of the column like this: 1). To keep them"
    )


def test_the_header_is_checked_as_for_an_upload(files: CsvFolder) -> None:
    code, lines = _check(files, "id,prize,name\n1,2,3\n")

    assert code == 1
    assert lines == [
        "column 'prize' is not in the table (did you mean 'price'?)",
        "column 'price' is missing",
    ]


def test_other_encodings_delimiters_and_quotes_are_read(files: CsvFolder) -> None:
    schema = a_schema_file(
        a_column(), a_column("name"), csv={"encoding": "UTF16", "delimiter": "\t", "quote": "'"}
    )

    assert _check(files, "id\tname\r\n1\t'2'\r\n".encode("utf-16"), schema=schema)[0] == 0
    assert _check(files, b"id\tname\n1\t2\n", schema=schema)[0] == 1


@pytest.mark.parametrize(
    "content", [b"", b"\0\0", b'"', b"\xff\xfe", b'id,price,name\n"\n', b"id,price,name\r1,2,3\r"]
)
def test_content_that_is_not_csv_is_reported(files: CsvFolder, content: bytes) -> None:
    code, lines = _check(files, content)

    assert code == 1
    assert lines


def test_a_missing_file_has_its_own_exit_code(files: CsvFolder) -> None:
    assert files.run("check", "nowhere.json").exit_code == 2
    assert files.run("check", files.file(_SCHEMA, "schema.json"), "nowhere.csv").exit_code == 2


_TYPES = (
    "SMALLINT", "INTEGER", "BIGINT", "NUMERIC(5,2)", "NUMERIC(38,10)", "REAL", "DOUBLE PRECISION", "BOOLEAN", "CHAR(4)",
    "VARCHAR(4)", "DATE", "TIME", "TIMETZ", "TIMESTAMP", "TIMESTAMPTZ", "SUPER", "VARBYTE(2)",
)  # fmt: skip
_TEXTS = (
    "", " ", "\t", "\\N", "NULL", "0", "1", "-1", "+1", " 1", "1 ", "1.0", "1.", ".5", ".", "-",
    "1e2", "1E-2", "1e99", "1e400",
    "1e-400", "32767", "32768", "-32768", "-32769", "2147483647", "2147483648",
    "9223372036854775807", "9" * 19, "9" * 41,
    "999.99", "999.999", "1000", "٣", "1_000", "0x1F", "NaN", "inf", "Infinity", "t", "TRUE", "Yes",
    "on", "off", "2", "abcd",
    "abcde", "abcd  ", "ab  x", "üü", "üüü", "日", "\ud800".encode("utf-8",
    "surrogatepass").decode("utf-8", "surrogateescape"),
    "a\0b", "2024-02-29", "2023-02-29", "2024-2-9", "02/29/2024", "29/02/2024", "29.02.2024",
    "2024.060", "2024.366", "2024.367", "20240229", "240229", "J2451187", "29 Feb 2024",
    "February 29, 2024", "29-Feb-2024", "2024-Feb-29", "29.02.2024 10:00", "2024-02-29 10:00 UTC",
    "2024-02-29 10:00:00+00", "2024-02-29 10:00 -0530", "23:59 UTC", "23:59+02", "23:59 -0530",
    "2024-02-29 BC", "2024-02-29 24:00:00", "2024-02-29 23:59:60", "2024-02-29 23:59",
    "2024-02-29T23:59:59.123456789Z", "2024-02-29 11:59 PM", "2024-02-29 13:59 PM",
    "2024-02-29 00:00:00+02", "2024-02-29 00:00:00 +16", "2024-02-29 00:00:00 EST",
    "29 Feb 23:59:59 2024 UTC", "0000-01-01", "12.17.1997 07:37:16.00 PST", "13.17.1997", "24:00:00", "24:00:01",
    "24:00:00.000", "12/17/1997 07:37:16.00 US/Pacific", "2017-11-18 22:00:00 America/Chicago",
    "1709164800", "23:59", "23:59:59.5", "24:00", "23:59:59+02:30", "noon", "now", "{}",
    '{"a": [1]}', "{", "null", "ff", "fff",
    "ffff", "ffffff", "zz",
)  # fmt: skip


@pytest.mark.parametrize("kind", _TYPES)
@pytest.mark.parametrize(
    "formats", [("auto", "auto"), ("MM/DD/YYYY", "YYYY-MM-DD HH:MI:SS"), ("auto", "epochsecs")]
)
def test_values_are_accepted_if_the_emulator_accepts_them(
    kind: str, formats: tuple[str, str]
) -> None:
    options = CsvOptions(date_format=formats[0], time_format=formats[1])
    copy = CopyOptions(
        None, "t", None, "s3://b/k", Roles(()), date_format=formats[0], time_format=formats[1]
    )
    column = a_spec(a_column("a", kind)).columns[0]
    test = value_test(column, options, not_null=True)
    convert = converter_of(column_of(_info(column.type.name, column.type.arguments)), copy)

    for text in _TEXTS:
        try:
            convert(text.encode("utf-8", "surrogateescape"))
            loads = True
        except FieldError:
            loads = False
        issue = test(text)
        assert (issue is None or issue.effect is not Effect.REFUSED) == loads, (text, issue)


def _info(name: str, arguments: tuple[int, ...]) -> ColumnInfo:
    precision, scale = arguments if name == "numeric" else (None, None)
    length = arguments[0] if arguments and name != "numeric" else None
    return ColumnInfo(
        "a", 1, name, length, precision, scale, not_null=True, identity=None, has_default=False
    )


_KEYED = a_schema_file(
    a_column("id", "INTEGER"),
    a_column("day", "DATE"),
    primary_key=["id", "day"],
    allowed_operations=["append", "upsert", "schema"],
    csv={"date_format": "YYYY-MM-DD"},
)


def test_the_keys_of_an_upsert_are_checked(files: CsvFolder) -> None:
    content = "id,day\n1,2026-01-01\n1,2026-01-02\n01,2026-01-01\n"

    assert _check(files, content, schema=_KEYED)[0] == 0
    code, lines = _check(files, content, "--upsert", schema=_KEYED)

    assert code == 1
    assert lines[0].startswith(
        "lines 2 and 4 have the same primary key: id, day is '01, 2026-01-01'"
    )
    assert _check(files, "id,day\n1,2026-01-01\n", "--upsert", schema=_KEYED)[0] == 0


def test_a_file_for_upsert_needs_a_schema_file_that_allows_it(files: CsvFolder) -> None:
    code, lines = _check(files, "id,name,price\n1,a,2\n", "--upsert")

    assert code == 1
    assert lines[0].startswith("the schema file allows append, truncate, schema")


def _keeps_bad_rows(**csv: object) -> bytes:
    return a_schema_file(
        a_column("id", "INTEGER", nullable=False),
        a_column("name", "VARCHAR(5)"),
        primary_key=["id"],
        allowed_operations=["append", "upsert", "schema"],
        csv={"on_bad_rows": "quarantine", **csv},
    )


_BAD_ROWS = "id,name\n1,a\nx,b\n2,toolong\n1,c\n"


def test_bad_rows_are_a_warning_where_a_load_sets_them_aside(files: CsvFolder) -> None:
    code, lines = _check(files, _BAD_ROWS, schema=_keeps_bad_rows())

    assert code == 0
    assert lines[0].startswith(
        "warning: 2 of 4 rows do not fit the table: a load sets them aside and loads the others. "
        "First: line 3, column 'id', value 'x': is not a whole number"
    )
    assert lines[-1].startswith("2 rows fit")


def test_the_limits_of_the_quarantine_refuse_the_file(files: CsvFolder) -> None:
    code, lines = _check(files, _BAD_ROWS, schema=_keeps_bad_rows(max_bad_rows=1))
    assert (code, "csv.max_bad_rows is 1" in lines[0]) == (1, True)

    code, lines = _check(files, "id,name\nx,b\n", schema=_keeps_bad_rows())
    assert (code, lines[0].startswith("none of the 1 rows fits")) == (1, True), lines


def test_keys_of_rows_that_are_set_aside_do_not_matter(files: CsvFolder) -> None:
    repeated = "id,name\n1,a\n1,toolong\n"
    assert _check(files, repeated, "--upsert", schema=_keeps_bad_rows())[0] == 0

    code, lines = _check(files, _BAD_ROWS, "--upsert", schema=_keeps_bad_rows())
    assert code == 1
    assert any(line.startswith("lines 2 and 5 have the same primary key") for line in lines), lines
