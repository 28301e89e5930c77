"""`infer`: a schema file from data. The schema file accepts the data that it was made from."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import json
from pathlib import Path

import pytest
from backports import zstd
from hypothesis import given, settings
from hypothesis import strategies as st

from etl_cli.demo_uploads import FLIGHT_TABLES, DemoData
from etl_cli.type_inference import infer_columns, render_schema_file
from etl_core.csv_files.row_check import RowCheck
from etl_core.csv_files.rows import read_rows
from etl_core.csv_files.values import Effect
from etl_core.model.errors import InvalidDataFileError
from etl_core.schema_files.schema_file import CsvOptions, SchemaFile
from tests.etl_cli.csv_folder import CsvFolder


@pytest.fixture
def files(tmp_path: Path) -> CsvFolder:
    return CsvFolder(tmp_path)


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (["0", "1"], "SMALLINT"),
        (["16383"], "SMALLINT"),
        (["16384"], "INTEGER"),
        (["-2000000000"], "BIGINT"),
        (["9223372036854775807"], "BIGINT"),
        (["9223372036854775808"], "NUMERIC(21,0)"),
        (["9" * 39], "VARCHAR(64)"),
        (["007"], "VARCHAR(8)"),
        (["+49"], "VARCHAR(8)"),
        (["1 000"], "VARCHAR(8)"),
        (["12.50", "3.99"], "NUMERIC(6,2)"),
        (["12.5", "3"], "NUMERIC(5,1)"),
        (["10.357019999999999", "1.1"], "DOUBLE PRECISION"),
        (["0.10000000000000001", "1.5"], "DOUBLE PRECISION"),
        (["0.12345678901234567890123"], "NUMERIC(26,23)"),
        (["1.5e-05"], "DOUBLE PRECISION"),
        (["1012.3", "1e3"], "DOUBLE PRECISION"),
        (["1e3", "2e5"], "VARCHAR(8)"),
        (["NaN"], "VARCHAR(8)"),
        (["true", "False"], "BOOLEAN"),
        (["true"], "BOOLEAN"),
        (["Y", "n"], "BOOLEAN"),
        (["Y"], "VARCHAR(4)"),
        (["yes", "f"], "VARCHAR(8)"),
        (["2024-02-29"], "DATE"),
        (["2023-02-29"], "VARCHAR(16)"),
        (["01/02/2003"], "VARCHAR(16)"),
        (["2024-02-29", "2024-02-29 23:59:59.5"], "TIMESTAMP"),
        (["2024-02-29T23:59Z"], "TIMESTAMPTZ"),
        (["2024-02-29T23:59Z", "2024-02-29T23:59"], "VARCHAR(32)"),
        (
            ["2024-02-29 23:59:59+00", "2024-02-29 23:59:59 +02:30", "2024-02-29 23:59 UTC"],
            "TIMESTAMPTZ",
        ),
        (["2024-02-29 23:59:59 CEST"], "VARCHAR(64)"),
        (["29.02.2024", "01.03.2024"], "DATE"),
        (["29.02.2024 10:00", "01.03.2024"], "TIMESTAMP"),
        (["29-Feb-2024", "1 March 2024"], "DATE"),
        (["2024-Feb-29"], "DATE"),
        (["29 Foo 2024"], "VARCHAR(32)"),
        (["30.02.2024"], "VARCHAR(16)"),
        (["29.02.2024", "2024-03-01"], "VARCHAR(16)"),
        (["20240229"], "INTEGER"),
        (["23:59", "00:00:59.5"], "TIME"),
        (["23:59+02", "00:00:59.5 UTC"], "TIMETZ"),
        (["23:59", "23:59Z"], "VARCHAR(16)"),
        (["9:30"], "VARCHAR(8)"),
        (["24:00"], "VARCHAR(8)"),
        (["12:30", "2024-02-29"], "VARCHAR(16)"),
        (["TRUE", "false", "True"], "BOOLEAN"),
        (["t", "F"], "BOOLEAN"),
        (["Yes", "NO"], "BOOLEAN"),
        (["on", "off"], "VARCHAR(8)"),
        (["ü" * 10], "VARCHAR(32)"),
        (["x" * 50000], "VARCHAR(65535)"),
    ],
)
def test_the_type_keeps_every_value_as_written(
    files: CsvFolder, values: list[str], kind: str
) -> None:
    assert files.types("a,b\n" + "".join(f"{value},x\n" for value in values))["a"] == kind


def test_empty_fields_and_the_null_text_make_a_column_nullable(files: CsvFolder) -> None:
    schema = files.infer("a,b,c,D d\n1,,x,2\nNA,2,y,2\n", "--null-as", "NA")

    assert schema == {
        "schema_version": "1",
        "columns": [
            {"name": "a", "type": "SMALLINT"},
            {"name": "b", "type": "SMALLINT"},
            {"name": "c", "type": "VARCHAR(4)", "nullable": False},
            {"name": "d d", "type": "SMALLINT", "nullable": False},
        ],
        "csv": {"null_as": "NA"},
    }


def test_words_that_may_mean_null_are_noted(files: CsvFolder) -> None:
    result = files.run("infer", files.file("a,b\n1,2\nNA,3\n"))

    assert (
        result.stderr
        == "note: column 'a' would be SMALLINT without 'NA'; if that means NULL, use --null-as\n"
    )


@pytest.mark.parametrize(
    ("suffix", "pack"), [(".gz", gzip.compress), (".bz2", bz2.compress), (".zst", zstd.compress)]
)
def test_compressed_files_are_read(files: CsvFolder, suffix: str, pack: object) -> None:
    assert callable(pack)
    schema = files.infer(pack(b"a;b\n1;2\n"), "--delimiter", ";", name=f"data.csv{suffix}")

    assert [column["name"] for column in schema["columns"]] == ["a", "b"]
    assert schema["csv"] == {"delimiter": ";"}


def test_all_columns_of_a_sample_are_nullable(files: CsvFolder) -> None:
    schema = files.infer("a,b\n1,2\nx,y\n", "--sample", "1")

    assert schema["columns"] == [
        {"name": "a", "type": "SMALLINT"},
        {"name": "b", "type": "SMALLINT"},
    ]


def test_the_schema_file_is_written_to_the_output_path(files: CsvFolder) -> None:
    path = files.folder / "output.json"

    result = files.run("infer", files.file("a,b\n1,2\n"), "--output", str(path))

    assert (result.exit_code, result.stdout) == (0, "")
    assert SchemaFile.parse(path.read_bytes()).columns[0].name == "a"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "the file is empty"),
        (b"\n1\n", "the file is empty, or its first row is"),
        (b"a,A,,ctid\n1,2,3,4\n", "column 2: the name 'a' is used twice"),
        (b"a,A,,ctid\n1,2,3,4\n", "column 3: a column name must not be empty"),
        (b"a,A,,ctid\n1,2,3,4\n", "column 4: the column name 'ctid' is a system column"),
        (b"a,b\n1\n", "line 2 has 1 fields; the header has 2"),
        (b'a,b\n1,5"\n', "line 2: has a quote inside a field"),
        (b'a,b\n1,"x\n2,y\n', "line 2: has a quote that is never closed"),
        (b"a,b\n1,\xff\n", "line 2, column 'b' holds bytes that are not valid UTF-8"),
        (b"a,b\n1,\0\n", "line 2, column 'b' holds a NUL character"),
        (b"a,b\n" + b"x" * (5 << 20), "line 2 is longer than 4 MB"),
        (b'a,b\n"' + b"x\n" * (3 << 20), "line 2 is longer than 4 MB"),
        (b",".join(b"c%d" % n for n in range(1601)) + b"\n", "1601"),
        (b"\x1f\x8b" + b"junk" * 9, "not UTF8 text"),
    ],
)
def test_a_file_that_cannot_be_loaded_is_refused_with_the_reason(
    files: CsvFolder, content: bytes, says: str
) -> None:
    result = files.run("infer", files.file(content))

    assert result.exit_code == 1
    assert says in result.output


@pytest.mark.parametrize(
    "arguments",
    [
        ["nowhere.csv"],
        ["--delimiter", "ab"],
        ["--delimiter", '"'],
        ["--null-as", ""],
        ["--encoding", "latin1"],
    ],
)
def test_an_invalid_file_or_option_has_its_own_exit_code(
    files: CsvFolder, arguments: list[str]
) -> None:
    data = [] if arguments == ["nowhere.csv"] else [files.file("a,b\n1,2\n")]

    result = files.run("infer", *data, *arguments)

    assert result.exit_code == 2
    assert "Error:" in result.output


def test_a_file_with_another_extension_is_refused(files: CsvFolder) -> None:
    result = files.run("infer", files.file("a,b\n", "data.xlsx"))

    assert result.exit_code == 1
    assert "data files end in .csv, .csv.gz, .csv.bz2 or .csv.zst" in result.output


_TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
_VALUES = st.one_of(
    _TEXT,
    st.integers(-(10**20), 10**20).map(str),
    st.decimals(allow_nan=False, allow_infinity=False, places=3).map(str),
    st.floats().map(str),
    st.dates().map(str),
    st.datetimes().map(str),
    st.sampled_from(["", " ", "NA", "\\N", "true", "f", "0", "1e3", "007"]),
)
_ZONES = st.sampled_from(["", "Z", "+02", " -0530", " UTC", "+15:59", "+16"])
_MONTHS = st.sampled_from(["Feb", "march", "SEPTEMBER", "Sept", "Foo"])
_KINDS = (
    _VALUES,
    st.integers(-(2**70), 2**70).map(str),
    st.integers(-40000, 40000).map(str),
    st.decimals(-(10**20), 10**20, allow_nan=False, places=2).map(str)
    | st.integers(-9, 9).map(str),
    st.floats().map(repr) | st.floats(width=32).map(str),
    st.tuples(st.datetimes().map(str), _ZONES).map("".join),
    st.dates().map(str),
    st.dates().map(lambda day: f"{day:%d.%m.}{day.year:04}"),
    st.tuples(st.integers(0, 32).map(str), _MONTHS, st.integers(0, 9999).map(str)).map(" ".join),
    st.tuples(st.times().map(str) | st.times().map(lambda time: f"{time:%H:%M}"), _ZONES).map(
        "".join
    ),
    st.sampled_from(["true", "FALSE", "t", "f"]),
    st.sampled_from(["yes", "No", "y", "N", "on", "1"]),
)


@st.composite
def _tables(draw: st.DrawFn) -> list[list[str]]:
    """Return rows whose columns mostly have values of one kind."""
    kinds = draw(st.lists(st.sampled_from(_KINDS), min_size=1, max_size=3))
    row = st.tuples(*(kind | st.just("") if draw(st.booleans()) else kind for kind in kinds))
    return [list(values) for values in draw(st.lists(row, min_size=1, max_size=8))]


@settings(max_examples=300, deadline=None)
@given(_tables(), st.sampled_from([",", ";", "\t", "|"]), st.sampled_from(["NA", None]))
def test_a_file_passes_the_schema_file_inferred_from_it(
    rows: list[list[str]], delimiter: str, null_as: str | None
) -> None:
    text, header = io.StringIO(newline=""), [f"c{number}" for number in range(len(rows[0]))]
    csv.writer(text, lineterminator="\n", delimiter=delimiter).writerows([header, *rows])
    content = text.getvalue().encode()
    options = CsvOptions(null_as=null_as, delimiter=delimiter)

    guesses = infer_columns(read_rows([content], options), header, null_as, sampled=False)

    spec = SchemaFile.parse(render_schema_file(guesses, options).encode())
    findings = RowCheck(header, spec).findings(read_rows([content], spec.csv))
    assert [each for each in findings if each.issue.effect is not Effect.NOTED] == []


@pytest.mark.parametrize("table", [name for name in FLIGHT_TABLES if name != "flights"])
def test_real_tables_pass_the_schema_files_inferred_from_them(files: CsvFolder, table: str) -> None:
    data = files.file(DemoData.find().tables[table])
    schema = files.file(files.run("infer", data, "--null-as", "NA").stdout, "schema.json")

    result = files.run("check", schema, data)

    assert (result.exit_code, result.stderr) == (0, "")


def test_rows_are_streamed() -> None:
    """Reading one row reads one piece of the file."""
    read: list[int] = []

    def pieces() -> object:
        for number in range(1000):
            read.append(number)
            yield b"a,b\n" * 10

    rows = read_rows(pieces(), CsvOptions())  # type: ignore[arg-type]
    assert next(rows).line == 2
    assert read == [0]


def test_a_row_with_the_wrong_number_of_fields_is_reported_with_its_line() -> None:
    rows = read_rows([b'a,b\n"x\n\ny",1\n1,2,3\n'], CsvOptions())

    with pytest.raises(InvalidDataFileError, match="line 5 has 3 fields"):
        infer_columns(rows, ["a", "b"], None, sampled=False)


def test_the_output_has_one_column_in_each_line(files: CsvFolder) -> None:
    text = files.run("infer", files.file("a,Größe\n1,2\n")).stdout

    assert '    {"name": "größe", "type": "SMALLINT", "nullable": false}\n  ]\n}\n' in text
    assert json.loads(text)
