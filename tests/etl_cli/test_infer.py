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
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from etl_cli.demo_uploads import FLIGHT_TABLES, DemoData
from etl_cli.inferred_names import infer_names
from etl_cli.main import main
from etl_cli.type_inference import Inference, render_schema_file
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
        (["29.02.2024", "01.03.2024"], "VARCHAR(16)"),
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
        (["24:00"], "TIME"),
        (["12:30", "2024-02-29"], "VARCHAR(16)"),
        (["TRUE", "false", "True"], "BOOLEAN"),
        (["t", "F"], "BOOLEAN"),
        (["Yes", "NO"], "BOOLEAN"),
        (["on", "off"], "VARCHAR(8)"),
        (["ü" * 10], "VARCHAR(32)"),
        (["x" * 50000], "VARCHAR(65535)"),
    ],
)
def test_the_smallest_type_keeps_every_value_as_written(
    files: CsvFolder, values: list[str], kind: str
) -> None:
    assert files.types(column_a(values), "--tight")["a"] == kind


def column_a(values: list[str]) -> str:
    """Return a file with these values in the first of its two columns."""
    return "a,b\n" + "".join(f"{value},x\n" for value in values)


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (["0", "1"], "BIGINT"),
        (["9223372036854775808"], "NUMERIC(21,0)"),
        (["12.50", "3.99"], "NUMERIC(18,2)"),
        (["2", "0.001", "300.5"], "NUMERIC(18,3)"),
        (["1.00", "2"], "NUMERIC(18,2)"),
        (["123456789012345678.12"], "NUMERIC(22,2)"),
        (["1.1", "1.10", "1.2"], "VARCHAR(32)"),
        (["Y", "N"], "VARCHAR(32)"),
        (["T", "F"], "VARCHAR(32)"),
        (["yes", "No"], "VARCHAR(32)"),
        (["TRUE", "FALSE"], "BOOLEAN"),
        (["2024-02-29", "2024-03-01"], "DATE"),
        (["2024-02-29 10:00", "2024-03-01"], "TIMESTAMP"),
        (["007"], "VARCHAR(32)"),
        (["ü" * 10], "VARCHAR(64)"),
        (["x" * 33], "VARCHAR(128)"),
        (["x" * 50000], "VARCHAR(65535)"),
    ],
)
def test_by_default_a_column_has_room_and_values_keep_their_spelling(
    files: CsvFolder, values: list[str], kind: str
) -> None:
    schema = files.infer(column_a(values))

    assert schema["columns"][0] == {"name": "a", "type": kind}


@pytest.mark.parametrize(
    ("values", "says"),
    [
        (["Y", "N"], "keeps its spelling as a text; --tight makes it BOOLEAN"),
        (["1.1", "1.10"], "keeps its spelling as a text; --tight makes it NUMERIC(5,2)"),
        (
            ["2012/01/01", "2012/1/31"],
            "looks like dates such as '2012/01/01'; COPY reads them as DATE",
        ),
        (
            ["01/02/2012", "31/01/2012"],
            "which can be one of two days; to load dates, make it DATE and set csv.date",
        ),
        (["1.2.24"], "which can be one of two days"),
        (["29.02.2024", "01.03.2024"], "make it DATE and set csv.date_format"),
        ([".5", "-.25", "1"], "looks like numbers such as '.5'; COPY reads them: make it NUMERIC"),
        (
            ["1 234", "12"],
            "looks like numbers such as '1 234'; COPY reads only numbers such as 1234.5",
        ),
        (["$5.00"], "looks like numbers such as '$5.00'"),
        (["12%", "7.5 %"], "looks like numbers such as '12%'"),
        ([""], "has no values; its type is a guess"),
    ],
)
def test_a_column_that_nearly_has_another_type_has_a_note(
    files: CsvFolder, values: list[str], says: str
) -> None:
    result = files.run("infer", files.file(column_a(values)))

    assert result.stderr.startswith("note: column 'a' ")
    assert says in result.stderr


@pytest.mark.parametrize("values", [["Anna"], ["007"], ["SAT", ".5"], ["1e3"], ["2012/01/01", "x"]])
def test_a_column_that_clearly_is_a_text_has_no_note(files: CsvFolder, values: list[str]) -> None:
    assert files.run("infer", files.file(column_a(values))).stderr == ""


def test_a_decimal_comma_is_noted(files: CsvFolder) -> None:
    result = files.run("infer", files.file("id;price\n1;3,50\n2;1,25\n"))

    assert result.stderr.splitlines() == [
        "note: the delimiter is ';'",
        "note: column 'price' looks like numbers such as '3,50'; COPY reads only numbers such as 1234.5: write "
        "them so",
    ]


def test_empty_fields_and_the_null_text_make_a_column_nullable(files: CsvFolder) -> None:
    schema = files.infer("a,b,c,D d\n1,,x,2\nNA,2,y,2\n", "--null-as", "NA", "--tight")

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
    result = files.run("infer", files.file("a,b,c,d\n1,2,x,\nNA,3,NA,\\N\nNA,-,y,5\n"))

    assert result.stderr.splitlines() == [
        "note: 1 column would not be a text with --null-as NA: 'a' (BIGINT)",
        "note: 1 column would not be a text with --null-as -: 'b' (BIGINT)",
    ]


def test_a_note_on_null_lists_five_columns(files: CsvFolder) -> None:
    names = [f"c{number}" for number in range(7)]
    result = files.run("infer", files.file(f"{','.join(names)}\n{'1,' * 6}1\n{'NA,' * 6}NA\n"))

    assert result.stderr == (
        "note: 7 columns would not be a text with --null-as NA: 'c0' (BIGINT), 'c1' (BIGINT), 'c2' (BIGINT), "
        "'c3' (BIGINT), 'c4' (BIGINT) and 2 more\n"
    )


def test_several_texts_for_null_in_one_column_are_named(files: CsvFolder) -> None:
    result = files.run("infer", files.file("a,b\n1,x\nNA,x\n-,x\n"))

    assert (
        "1 column would not be a text without '-', 'NA' (--null-as accepts one text): 'a'"
        in result.stderr
    )


@pytest.mark.parametrize(
    ("suffix", "pack"), [(".gz", gzip.compress), (".bz2", bz2.compress), (".zst", zstd.compress)]
)
def test_compressed_files_are_read(files: CsvFolder, suffix: str, pack: object) -> None:
    assert callable(pack)
    schema = files.infer(pack(b"a;b\n1;2\n"), "--delimiter", ";", name=f"data.csv{suffix}")

    assert [column["name"] for column in schema["columns"]] == ["a", "b"]
    assert schema["csv"] == {"delimiter": ";"}


@pytest.mark.parametrize(
    ("content", "names", "delimiter"),
    [
        ("id;name\n1;Anna\n", ["id", "name"], ";"),
        ("id\tname\n1\tAnna, B.\n", ["id", "name"], "\t"),
        ("id|name|x\n1|a|b\n\n2|c|d\n", ["id", "name", "x"], "|"),
        ("id\x01name\n1\x01Anna\n", ["id", "name"], "\x01"),
        ('"id";"na;me"\n1;Anna\n', ["id", "na;me"], ";"),
        ("a;b\n1;2;3\n", ["a;b"], None),
        ("a;b\nx\n", ["a;b"], None),
        ("id, name;x\n1,2\n", ["id", "name;x"], None),
        ("id\n1\n", ["id"], None),
        ("a;b\n" + "1;2\n" * 70_000, ["a", "b"], ";"),
    ],
)
def test_another_delimiter_is_found_in_the_first_rows(
    files: CsvFolder, content: str, names: list[str], delimiter: str | None
) -> None:
    schema = files.infer(content)

    assert [column["name"] for column in schema["columns"]] == names
    assert schema.get("csv") == (delimiter and {"delimiter": delimiter})


def test_a_delimiter_that_is_given_is_not_guessed(files: CsvFolder) -> None:
    assert [*files.types("a;b\n1;2\n", "--delimiter", ",")] == ["a;b"]


def test_quoted_names_with_blanks_are_understood(files: CsvFolder) -> None:
    assert [*files.types('"id" , "name"\n1, "Anna"\n')] == ["id", "name"]


def test_columns_without_a_name_are_numbered_and_keep_their_empty_header(files: CsvFolder) -> None:
    content = ",column_1,b,,\n1,2,3,,\n4,5,6,,\n"
    schema = files.infer(content)

    assert [(column["name"], column.get("header")) for column in schema["columns"]] == [
        ("column_1_2", ""), ("column_1", None), ("b", None), ("column_4", ""), ("column_5", ""),
    ]  # fmt: skip
    checked = files.run("check", files.file(json.dumps(schema), "schema.json"), files.file(content))
    assert checked.exit_code == 0, checked.output


@pytest.mark.parametrize("options", [[], ["--clean-names"]])
def test_names_that_differ_only_in_case_are_told_apart_by_their_spelling(
    files: CsvFolder, options: list[str]
) -> None:
    content = "P95,x,p95,\u00c9a,\u00e9a\n1,2,a,3,b\n"
    schema = files.infer(content, *options)

    assert [column.get("header") for column in schema["columns"]] == [
        "P95",
        None,
        "p95",
        "Éa",
        "éa",
    ]
    assert [column["name"] for column in schema["columns"][:3]] == ["p95", "x", "p95_2"]
    checked = files.run("check", files.file(json.dumps(schema), "schema.json"), files.file(content))
    assert checked.exit_code == 0, checked.output


def test_clean_names_keep_the_names_of_the_header(files: CsvFolder) -> None:
    content = "Größe (m²),ID,oid,2nd,a b,A-B,%\n1,2,3,4,5,6,7\n"
    schema = files.infer(content, "--clean-names")

    assert [(column["name"], column.get("header")) for column in schema["columns"]] == [
        ("grosse_m2", "Größe (m²)"), ("id", None), ("_oid", "oid"), ("_2nd", "2nd"), ("a_b", "a b"),
        ("a_b_2", "A-B"), ("column_7", "%"),
    ]  # fmt: skip
    checked = files.run("check", files.file(json.dumps(schema), "schema.json"), files.file(content))
    assert checked.exit_code == 0, checked.output


@pytest.mark.parametrize(
    ("content", "is_noted"),
    [
        ("1,Anna\n2,Ben\n", True),
        ("2024-01-02;x\n2024-01-03;y\n", True),
        ("id,y\n1,true\n2,false\n", False),
        ("name,y\nAnna,true\n", False),
        ("a,b\nx,y\n", False),
        ("1,name\nx,y\n", False),
    ],
)
def test_a_header_that_could_be_a_row_is_noted(
    files: CsvFolder, content: str, is_noted: bool
) -> None:
    result = files.run("infer", files.file(content))

    assert result.exit_code == 0
    assert ("use --no-header" in result.stderr) == is_noted


def test_a_file_without_a_header_has_numbered_columns(files: CsvFolder) -> None:
    schema = files.infer("1,Anna\n2,Ben\n", "--no-header")

    assert schema["csv"] == {"header": "none"}
    assert [column["name"] for column in schema["columns"]] == ["column_1", "column_2"]
    path = files.file(json.dumps(schema), "schema.json")
    assert "2 rows fit" in files.run("check", path, files.file("1,Anna\n2,Ben\n")).stdout


def test_several_files_have_one_schema_file(files: CsvFolder) -> None:
    first = files.file("id,name,\n1,a,1\n", "a.csv")
    second = files.file(f"NAME,,id\n{'x' * 40},2,1.5\n", "b.csv")
    result = files.run("infer", first, second)

    assert json.loads(result.stdout)["columns"] == [
        {"name": "id", "type": "NUMERIC(18,1)"},
        {"name": "name", "type": "VARCHAR(128)"},
        {"name": "column_3", "header": "", "type": "BIGINT"},
    ]


def test_files_with_other_columns_are_refused_by_name(files: CsvFolder) -> None:
    first, second = files.file("id,name\n1,a\n", "a.csv"), files.file("id,nmae\n1,a\n", "b.csv")
    result = files.run("infer", first, second)

    assert result.exit_code == 1
    assert f"{second}: column 'nmae' is not in the table (did you mean 'name'?)" in result.output


def test_the_standard_input_is_read() -> None:
    result = CliRunner().invoke(main, ["infer", "-"], input=b"id;name\n1;M\xc3\xbcller\n")

    assert result.exit_code == 0
    assert [column["name"] for column in json.loads(result.stdout)["columns"]] == ["id", "name"]


def test_all_columns_of_a_sample_are_nullable(files: CsvFolder) -> None:
    schema = files.infer("a,b\n1,2\nx,y\n", "--sample", "1", "--tight")

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
        (
            b"a,B,a ,ctid\n1,2,3,4\n",
            "column 3: the name 'a' is used twice (first in column 1); rename one",
        ),
        (b"a,A,,ctid\n1,2,3,4\n", "column 4: the column name 'ctid' is a system column"),
        (
            b"sep=;\nid;name\n1;a\n",
            "the first line begins with 'sep=', which only Excel understands",
        ),
        (b"a,b\n1\n", "line 2 has 1 field; the header has 2"),
        (b'a,b\n1,5"\n', "line 2: has a quote inside a field"),
        (b'a,b\n1,"x\n2,y\n', "line 2: has a quote that is never closed"),
        (b"a,b\n1,\xff\n", "line 2, column 'b' holds bytes that are not valid UTF-8"),
        (b"a,b\n1,\0\n", "line 2, column 'b' holds a NUL character"),
        (b"a,b\n" + b"x" * (5 << 20), "line 2 is longer than 4 MB"),
        (b'a,b\n"' + b"x\n" * (3 << 20), "line 2 is longer than 4 MB"),
        (b",".join(b"c%d" % n for n in range(1601)) + b"\n", "1601"),
        (b"\x1f\x8b" + b"\x00junk" * 9, "the file is compressed with gzip, by its first bytes"),
        (b"PK\x03\x04..[Content_Types].xml", "an Excel workbook"),
        ("id,größe\n1,2\n".encode("latin-1"), "UTF-8"),
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
@given(
    _tables(), st.sampled_from([",", ";", "\t", "|"]), st.sampled_from(["NA", None]), st.booleans()
)
def test_a_file_passes_the_schema_file_inferred_from_it(
    rows: list[list[str]], delimiter: str, null_as: str | None, tight: bool
) -> None:
    text, header = io.StringIO(newline=""), [f"c{number}" for number in range(len(rows[0]))]
    csv.writer(text, lineterminator="\n", delimiter=delimiter).writerows([header, *rows])
    content = text.getvalue().encode()
    options = CsvOptions(null_as=null_as, delimiter=delimiter)

    inference = Inference(infer_names(header, clean=False), null_as, tight=tight)
    inference.add_rows(read_rows([content], options), header)

    text = render_schema_file(inference.guesses(sampled=False), options)
    spec = SchemaFile.parse(text.encode())
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

    inference = Inference(infer_names(["a", "b"], clean=False), None, tight=False)
    with pytest.raises(InvalidDataFileError, match="line 5 has 3 fields"):
        inference.add_rows(rows, ["a", "b"])


def test_the_output_has_one_column_in_each_line(files: CsvFolder) -> None:
    text = files.run("infer", files.file("a,Größe\n1,2\n")).stdout

    assert '    {"name": "größe", "type": "BIGINT"}\n  ]\n}\n' in text
    assert json.loads(text)
