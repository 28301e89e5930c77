"""Schema files: valid ones, every fault with its path, and hostile bytes."""

from __future__ import annotations

import json
import time
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl_core.model.errors import InvalidSchemaFileError
from etl_core.schema_files.schema_file import DefaultFunction, SchemaFile
from tests.builders import SEED, a_column, a_schema_file, a_spec
from tests.etl_core.schema_files.schema_files import good_files


def refusal(text: bytes) -> InvalidSchemaFileError:
    with pytest.raises(InvalidSchemaFileError) as caught:
        SchemaFile.parse(text)
    return caught.value


def test_the_example_of_the_guide_is_parsed() -> None:
    spec = SchemaFile.parse(json.dumps(SEED).encode())

    assert [(column.name, str(column.type), column.nullable) for column in spec.columns] == [
        ("username", "character varying(50)", False),
        ("identifier", "integer", True),
        ("first name", "character varying(100)", True),
        ("last name", "character varying(100)", True),
    ]
    assert spec.allowed_operations == ("append", "truncate")


def test_properties_that_are_left_out_have_the_documented_default() -> None:
    spec = a_spec()

    assert spec.schema_version == "1"
    assert spec.allowed_operations == ("append", "truncate", "schema")
    assert (spec.diststyle, spec.distkey, spec.sortkey, spec.primary_key) == ("AUTO", None, (), ())
    assert (spec.csv.delimiter, spec.csv.quote, spec.csv.null_as, spec.csv.encoding) == (
        ",",
        '"',
        None,
        "UTF8",
    )


def test_allowed_actions_is_an_alias_of_allowed_operations() -> None:
    assert a_spec(allowed_actions=["append"]) == a_spec(allowed_operations=["append"])


def test_both_names_at_once_are_one_fault() -> None:
    text = a_schema_file(allowed_operations=["append"], allowed_actions=["append"])

    assert refusal(text).details == (
        "$.allowed_actions: is the same as allowed_operations; give only one of the two",
    )


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        (
            {"allowed_operations": ["APPEND", "Truncate"]},
            {"allowed_operations": ["append", "truncate"]},
        ),
        ({"allowed_changes": ["Drop"]}, {"allowed_changes": ["drop"]}),
        ({"diststyle": "all"}, {"diststyle": "ALL"}),
        ({"csv": {"encoding": "utf16"}}, {"csv": {"encoding": "UTF16"}}),
        ({"csv": {"missing_columns": "DEFAULT"}}, {"csv": {"missing_columns": "default"}}),
        ({"sortkey": "ID"}, {"sortkey": ["id"]}),
        ({"$schema": "schema-file.schema.json"}, {}),
        ({"csv": {"header": "None"}}, {"csv": {"header": "none"}}),
        ({"csv": {"ignore_columns": ""}}, {"csv": {"ignore_columns": [""]}}),
        ({"schema_version": 2}, {"schema_version": "2"}),
        ({"schema_version": 1.1}, {"schema_version": "1.1"}),
    ],
)
def test_keywords_are_accepted_in_any_case_and_shorthands_are_expanded(
    written: dict[str, Any], meant: dict[str, Any]
) -> None:
    assert a_spec(**written) == a_spec(**meant)


@pytest.mark.parametrize(
    ("raw", "paths"),
    [
        ({"allowed_actions": ["merge"]}, ["$.allowed_actions[0]"]),
        ({"allowed_actions": ["upsert"]}, ["$.allowed_actions"]),
        ({"sortkey": "z"}, ["$.sortkey"]),
        ({"sortkey": ["", "z"]}, ["$.sortkey[0]", "$.sortkey[1]"]),
        ({"distkey": "", "diststyle": "key"}, ["$.distkey"]),
        ({"distkey": "", "diststyle": "even"}, ["$.distkey", "$.diststyle"]),
        ({"csv": {"delimiter": ";;", "quote": ","}}, ["$.csv.delimiter"]),
    ],
)
def test_a_fault_has_the_path_in_the_file_as_written_and_causes_no_other_fault(
    raw: dict[str, Any], paths: list[str]
) -> None:
    assert [line.split(": ")[0] for line in refusal(a_schema_file(**raw)).details] == paths


@pytest.mark.parametrize(
    ("columns", "csv", "faults"),
    [
        ([a_column("a", header="Id"), a_column("b", header=["x", "Id "])], {},
         ["$.columns[1].header[1]: the header name 'Id ' already means columns[0] ('a')"]),
        ([a_column("a", header="Id"), a_column("b", header="ID")], {}, []),
        ([a_column("a", header="B"), a_column("b")], {},
         ["$.columns[0].header: the header name 'B' already means columns[1] ('b')"]),
        ([a_column("a", header="b"), a_column("b", header="a")], {}, []),
        ([a_column("a", header=""), a_column("b", header=" ")], {}, []),
        ([a_column("a", header=["a", "A"])], {}, []),
        ([a_column("a", header="x")], {"ignore_columns": ["a", "x"]},
         ["$.csv.ignore_columns[1]: the header name 'x' already means columns[0] ('a')"]),
        ([a_column("a", header="")], {"ignore_columns": ""},
         ["$.csv.ignore_columns: the header name '' already means a column"]),
        ([a_column("a", "INT", identity=[1, 1], header="b")], {},
         ["$.columns[0].header: an identity column is not in the data files"]),
        ([a_column("a", header="b")], {"header": "none", "missing_columns": "default", "ignore_columns": "c"},
         [f"$.{path}: needs a header" for path in ("csv.ignore_columns", "csv.missing_columns", "columns[0].header")]),
    ],
)  # fmt: skip
def test_a_name_of_a_header_means_one_column(
    columns: list[dict[str, Any]], csv: dict[str, Any], faults: list[str]
) -> None:
    text = a_schema_file(*columns, csv=csv)
    details = refusal(text).details if faults else (SchemaFile.parse(text), ())[1]

    assert len(details) == len(faults)
    assert all(line.startswith(fault) for line, fault in zip(details, faults, strict=True)), details


def test_column_names_that_look_the_same_are_refused() -> None:
    error = refusal(a_schema_file(a_column("größe"), a_column("gro\u0308ße")))

    assert [line.split(": ")[0] for line in error.details] == ["$.columns[1].name"]


def test_a_column_with_a_fault_is_still_checked_as_a_key() -> None:
    columns = a_column("a", "UUID", nullable=True), a_column("b", "SUPER", encode="gzip")
    error = refusal(a_schema_file(*columns, primary_key=["a"], sortkey=["b", "a"]))

    assert [line.split(": ")[0] for line in error.details] == [
        "$.columns[0].type",
        "$.columns[1].encode",
        "$.primary_key[0]",
        "$.sortkey[0]",
    ]


def test_an_identity_column_is_checked_although_its_properties_are_faulty() -> None:
    error = refusal(a_schema_file(a_column(kind="DATE", identity=[1], default=[1])))

    assert sorted(line.split(": ")[0] for line in error.details) == [
        "$.columns[0].default",
        "$.columns[0].identity",
        "$.columns[0].identity",
        "$.columns[0].identity[1]",
    ]


def test_a_type_is_stored_as_its_canonical_text() -> None:
    spec = a_spec(a_column("a", "Varchar(9)"), a_column("b", "dec(5,2)"))

    assert json.loads(spec.to_json())["columns"] == [
        {"name": "a", "type": "character varying(9)"},
        {"name": "b", "type": "numeric(5,2)"},
    ]


def test_a_byte_order_mark_is_ignored() -> None:
    assert SchemaFile.parse(b"\xef\xbb\xbf" + a_schema_file()) == a_spec()


@pytest.mark.parametrize(
    ("kind", "given_default", "kept"),
    [
        ("INTEGER", 5, 5),
        ("INTEGER", "5", "5"),
        ("NUMERIC(5,2)", 1.25, "1.25"),
        ("FLOAT", 1e300, "1E+300"),
        ("BOOLEAN", False, False),
        ("VARCHAR(9)", "it's", "it's"),
        ("VARCHAR(9)", "", ""),
        ("DATE", "2026-01-01", "2026-01-01"),
        ("TIMESTAMP", {"function": "sysdate"}, DefaultFunction(function="SYSDATE")),
        ("DATE", {"function": "Current_Date"}, DefaultFunction(function="CURRENT_DATE")),
        ("INTEGER", None, None),
    ],
)
def test_a_default_keeps_all_its_digits(kind: str, given_default: Any, kept: Any) -> None:
    assert a_spec(a_column("c", kind, default=given_default)).columns[0].default == kept


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (a_schema_file(a_column("a", "UUID")), "$.columns[0].type: 'UUID' is not a column type"),
        (a_schema_file(a_column("")), "$.columns[0].name: a column name must not be empty"),
        (a_schema_file(a_column(" id")), "$.columns[0].name: the column name ' id' begins or ends with a blank"),
        (a_schema_file(a_column("x" * 128)), "128 bytes; Redshift cuts names at 127"),
        (a_schema_file(a_column("ä" * 64)), "128 bytes"),
        (a_schema_file(a_column("a\tb")), "control or unprintable"),
        (a_schema_file(a_column("OID")), "system column"),
        (a_schema_file({"name": "a"}), "$.columns[0].type: is missing"),
        (a_schema_file({"type": "INT"}), "$.columns[0].name: is missing"),
        (a_schema_file(a_column(nulable=True)), "$.columns[0].nulable: is not a known property (column 'id');"),
        (a_schema_file(a_column("x", dataType="INT")), "is not a known property (column 'x'); did you mean 'type'?"),
        (a_schema_file(a_column("x", data_type="INT")), "is not a known property (column 'x'); did you mean 'type'?"),
        (a_schema_file({"name": "a", "Type": "INT"}), "$.columns[0].Type: is not a known property (column 'a');"),
        (a_schema_file(csv={"sep": ";"}), "$.csv.sep: is not a known property; did you mean 'delimiter'?"),
        (a_schema_file(a_column(nullable="no")), '$.columns[0].nullable: "no" was given; true or false is needed'),
        (a_schema_file(a_column("id"), a_column("ID")),
        "$.columns[1].name: 'id' is the same name as columns[0] ('id')"),
        (a_schema_file(a_column("É"), a_column("é")), "is the same name"),
        (a_schema_file(distkey="z"), "$.distkey: 'z' is not one of the columns"),
        (a_schema_file(sortkey=["id", "z"]), "$.sortkey[1]: 'z' is not one of the columns"),
        (a_schema_file(primary_key=["id", "ID"]), "$.primary_key: names a column twice"),
        (a_schema_file(a_column(nullable=True), primary_key=["id"]), "a primary key's columns are not"),
        (a_schema_file(a_column(kind="SUPER"), sortkey=["id"]), "cannot be a sortkey"),
        (a_schema_file(diststyle="KEY"), "$.diststyle: KEY needs a distkey"),
        (a_schema_file(diststyle="EVEN", distkey="id"), "EVEN cannot be combined with a distkey"),
        (a_schema_file(diststyle="SOME"), "$.diststyle: \"SOME\" was given; it must be 'AUTO', 'EVEN', 'ALL' or 'KEY'"),
        (a_schema_file(a_column(encode="text255")), "$.columns[0].encode: the encoding 'text255' cannot store integer"),
        (a_schema_file(a_column(encode="gzip")), "$.columns[0].encode"),
        (a_schema_file(a_column(kind="DATE", identity=[1, 1])),
        "an identity column must be INTEGER or BIGINT, not date"),
        (a_schema_file(a_column(identity=[1, 1], default=1)),
        "an identity column cannot be nullable or have a default"),
        (a_schema_file(a_column(identity=[1])), "$.columns[0].identity"),
        (a_schema_file(a_column(identity=[1, 0])), "$.columns[0].identity[1]: the step is 0"),
        (a_schema_file(a_column(identity=[2**31, 1])), "2147483648 is not a number that fits integer"),
        (a_schema_file(a_column(kind="DATE", default="x")), '"x" is not a date or time written as 2026-11-22 or'),
        (a_schema_file(a_column(kind="DATE", default="2026-02-30")), "is not a date or time"),
        (a_schema_file(a_column(kind="TIMESTAMP", default="2026-11-22 25:00")), "is not a date or time"),
        (a_schema_file(a_column(kind="TIMESTAMPTZ", default="11/22/2026")), "is not a date or time"),
        (a_schema_file(a_column(kind="TIME", default="2026-11-22")),
        "is not a date or time written as 09:30:00, which time"),
        (
            a_schema_file(a_column("a", "INT", renamed_from="b"), a_column("b", "INT", renamed_from="A")),
            "$.columns[1].renamed_from: the renames of 'a', 'b' go in a circle",
        ),
        (a_schema_file(a_column(default="x")), '$.columns[0].default: "x" is not a number that fits integer'),
        (a_schema_file(a_column(default=1.5)), "1.5 is not a number that fits integer"),
        (a_schema_file(a_column(default=True)), "is not a number that fits integer"),
        (a_schema_file(a_column(kind="SMALLINT", default=40000)), "40000 is not a number that fits smallint"),
        (a_schema_file(a_column(kind="NUMERIC(4,2)", default=100)), "100 is not a number that fits numeric(4,2)"),
        (a_schema_file(a_column(kind="FLOAT", default="nan")), '"nan" is not a number'),
        (a_schema_file(a_column(kind="BOOLEAN", default="true")), '"true" is not true or false'),
        (a_schema_file(a_column(kind="VARCHAR(9)", default=1.5)),
        "1.5 is not a text, which character varying(9) needs"),
        (a_schema_file(a_column(kind="VARCHAR(3)", default="ää")), "has 4 bytes; character varying(3) holds 3 bytes"),
        (a_schema_file(a_column(kind="VARCHAR(9)", default="a\0")), "NUL"),
        (a_schema_file(a_column(description="a\0")), "NUL"),
        (a_schema_file(a_column(default={"function": "SYSDATE"})),
        "a function gives a date or a time and does not fit integer"),
        (a_schema_file(a_column(kind="DATE", default={"function": "NOW"})), "(SYSDATE, GETDATE, CURRENT_DATE)"),
        (a_schema_file(a_column(default=[1])), "[1] is not a text, a number, true, false"),
        (a_schema_file(allowed_operations=["merge"]),
        "$.allowed_operations[0]: \"merge\" was given; it must be 'append',"),
        (a_schema_file(allowed_operations="append"), '"append" was given; a list in [ ] is needed'),
        (a_schema_file(allowed_operations=[], allowed_actions=[]), "give only one of the two"),
        (a_schema_file(allowed_operation=["append"]),
        "$.allowed_operation: is not a known property; did you mean 'allowed_operations'?"),
        (a_schema_file(table="x"), "$.table: is not a known property; known are $schema, allowed_actions,"),
        (a_schema_file(csv={"delimiter": ";;"}), "$.csv.delimiter: ';;' cannot be the delimiter"),
        (a_schema_file(csv={"delimiter": "\\"}), "$.csv.delimiter"),
        (a_schema_file(csv={"quote": ","}), "$.csv.quote: is the same character as the delimiter"),
        (a_schema_file(csv={"null_as": "\\N"}), "$.csv.null_as"),
        (a_schema_file(csv={"encoding": "LATIN1"}), "$.csv.encoding"),
        (a_schema_file(csv={"head": False}), "$.csv.head: is not a known property; did you mean 'header'?"),
        (a_schema_file(csv={"rows": 1}), "$.csv.rows: is not a known property; known are blank_as_null,"),
        (a_schema_file(csv={"header": False}), "$.csv.header: false was given; it must be 'first_row' or 'none'"),
        (a_schema_file(csv={"delimiter": "\n"}), "$.csv.delimiter"),
        (a_schema_file(csv={"delimiter": "\0"}), "$.csv.delimiter"),
        (a_schema_file(csv={"null_as": ""}), "$.csv.null_as: an empty text was given; to load empty texts as NULL"),
        (a_schema_file(csv={"empty_rows": "drop"}), "it must be 'load', 'skip' or 'reject'"),
        (a_schema_file(csv={"on_lossy": True}), "it must be 'warn', 'reject' or 'ignore'"),
        (a_schema_file(csv={"on_repeat": "reject"}), "it must be 'load' or 'skip'"),
        (a_schema_file(csv={"empty_as_null": "yes"}), '$.csv.empty_as_null: "yes" was given; true or false is needed'),
        (a_schema_file(csv={"ignore_columns": ["a", 1]}), "$.csv.ignore_columns[1]: 1 was given; a text in quotes"),
        (a_schema_file(csv={"ignore_columns": "a\nb"}), "$.csv.ignore_columns: 'a\\nb' has a line break"),
        (a_schema_file(a_column(header="a\rb")), "$.columns[0].header: 'a\\rb' has a line break"),
        (a_schema_file(a_column(header={})), "$.columns[0].header: {} was given; a list in [ ] is needed"),
        (a_schema_file(csv={"on_bad_rows": "skip"}), "it must be 'reject' or 'quarantine'"),
        (a_schema_file(csv={"max_bad_rows": -1}), "$.csv.max_bad_rows"),
        (a_schema_file(csv={"max_bad_rows": 100_001}), "$.csv.max_bad_rows"),
        (a_schema_file(csv={"max_bad_rows": True}), "$.csv.max_bad_rows"),
        (a_schema_file(csv={"max_bad_percent": 100.5}), "$.csv.max_bad_percent"),
        (a_schema_file(csv={"max_bad_percent": True}), "$.csv.max_bad_percent"),
        (a_schema_file(csv={"max_bad_percent": "5"}), "$.csv.max_bad_percent"),
        (b'{"columns": []}', "$.columns: no columns were given; a table has 1 to 1600"),
        (b'{"columns": {}}', "$.columns: {} was given; a list in [ ] is needed"),
        (b'{"columns": [1]}', "$.columns[0]: 1 was given; an object in { } is needed"),
        (b"{}", "$.columns: is missing"),
        (a_schema_file(*[a_column(f"c{number}") for number in range(1601)]), "1601 columns were given"),
    ],
)  # fmt: skip
def test_a_fault_has_its_path_the_value_and_the_rule(text: bytes, says: str) -> None:
    error = refusal(text)

    assert any(says in line for line in error.details), error.details
    assert says in error.message


def test_all_faults_are_reported_at_once() -> None:
    columns = (
        a_column("a", "UUID"),
        a_column("A", "INT", nul=1),
        a_column("b", "INT", default="x", encode="text255"),
    )
    error = refusal(a_schema_file(*columns, distkey="z", diststyle="even", more=1))

    paths = {line.split(": ")[0] for line in error.details}
    assert paths == {
        "$.columns[0].type", "$.columns[1].name", "$.columns[1].nul", "$.columns[2].default", "$.columns[2].encode",
        "$.distkey", "$.diststyle", "$.more",
    }  # fmt: skip
    assert "8 faults" in error.message


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (b"", "is empty"),
        (b"{", "not valid JSON"),
        (b"\xff\xfe{\x00}\x00", "save it as UTF-8"),
        (
            b"[]",
            'is a list, not a JSON object; it must be an object that lists the columns, such as {"columns": [{"name"',
        ),
        (
            b'{\n "columns": [1, ],\n "a": 1}',
            "has a comma in line 2, column 15, that nothing follows",
        ),
        (b'{"columns": [],\n}', "has a comma in line 1, column 15, that nothing follows"),
        (
            b'{\n  // the columns\n "columns": []}',
            "has a comment in line 2, column 3; JSON has no comments",
        ),
        (b'{"columns": [] /* none */}', "has a comment in line 1, column 16"),
        (b'{"columns": [],\n # none\n "a": 1}', "has a comment in line 2, column 2"),
        (b"{'columns': []}", "has a single quote in line 1, column 2"),
        (b'{"columns": [,]}', "has a comma in line 1, column 14, that nothing follows"),
        (b'{"columns": [1 2]}', "not valid JSON"),
        (b'"text"', "is a text, not a JSON object"),
        (b"null", "is null, not a JSON object"),
        (b"12", "is a number, not a JSON object"),
        (b"NaN", "NaN is not JSON"),
        (b'{"columns": [-Infinity]}', "-Infinity is not JSON"),
        (b'{"columns": [], "columns": []}', "'columns' is written twice"),
        (b'{"a": "\\ud800"}', "surrogate"),
        (b'{"a": 1e9999999999999999999999}', "out of range"),
        (b'{"a": ' + b"9" * 5000 + b"}", "not valid JSON"),
        (b"[" * 100000, "nested too deeply"),
        (b'{"columns": ' + b"[" * 985 + b"]" * 985 + b"}", "nested too deeply"),
        (b" " * 1_000_001, "1000001 bytes; at most 1000000"),
    ],
)
def test_a_file_that_is_not_valid_json_is_refused_with_the_reason(text: bytes, says: str) -> None:
    assert says in refusal(text).message


HOSTILE = {
    "a default with a far exponent": a_schema_file(a_column(kind="FLOAT", default="1e-999999999")),
    "a zero with a far exponent": a_schema_file(a_column(kind="FLOAT", default="0e-999999999")),
    "half a million columns": b'{"columns":[' + b"1," * 450_000 + b"1]}",
    "half a million keys": a_schema_file().replace(
        b'"columns"', b'"primary_key":[' + b"1," * 400_000 + b'1],"columns"', 1
    ),
    "forty thousand properties": b"{"
    + b",".join(b'"%d":1' % number for number in range(40_000))
    + b"}",
    "one property twice among many": b"{"
    + b",".join(b'"%d":1' % number for number in [*range(90_000), 5])
    + b"}",
    "types made to be slow": a_schema_file(
        *[a_column(f"c{number}", "a" + " " * 98 + "!") for number in range(1600)]
    ),
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_a_file_made_to_be_slow_is_refused_quickly_and_briefly(text: bytes) -> None:
    started = time.process_time()
    error = refusal(text[:1_000_000])

    assert time.process_time() - started < 5
    assert len(error.details) <= 201
    assert len(error.message) < 100_000


@given(good_files())
def test_the_canonical_form_is_parsed_to_the_same_file(raw: dict[str, Any]) -> None:
    spec = SchemaFile.parse(json.dumps(raw).encode())

    assert SchemaFile.from_json(spec.to_json()) == spec
    assert SchemaFile.from_json(spec.to_json()).to_json() == spec.to_json()


def test_a_file_at_the_size_limit_can_be_read_back_although_its_canonical_form_is_longer() -> None:
    columns = [a_column(f"c{number}", "TEXT", description="x" * 560) for number in range(1600)]
    text = json.dumps({"columns": columns}, separators=(",", ":")).encode()
    spec = SchemaFile.parse(text + b" " * (1_000_000 - len(text)))

    assert SchemaFile.from_json(spec.to_json() + " " * 100_000) == spec


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=5,
)
_PROPERTIES = [*SchemaFile.model_fields, "allowed_actions", "other"]
_COLUMN = st.dictionaries(
    st.sampled_from(["name", "type", "nullable", "default", "encode", "identity", "renamed_from"]),
    _JSON,
)


@given(
    st.dictionaries(st.sampled_from(_PROPERTIES), _JSON, max_size=4),
    st.lists(_COLUMN | _JSON | st.just(a_column()), max_size=3),
    st.booleans(),
)
def test_any_json_is_accepted_or_refused(
    raw: dict[str, Any], columns: list[Any], with_columns: bool
) -> None:
    text = json.dumps(raw | ({"columns": columns} if with_columns else {}))
    with suppress(InvalidSchemaFileError):
        assert SchemaFile.parse(text.encode())


@given(st.binary(max_size=60) | st.text('{}[]":,\\u0d8 columns1e9-', max_size=60).map(str.encode))
def test_any_bytes_are_accepted_or_refused(text: bytes) -> None:
    with suppress(InvalidSchemaFileError):
        assert SchemaFile.parse(text)


@pytest.mark.parametrize("text", [b"", b" \n", b"\xef\xbb\xbf"])
def test_an_empty_file_is_reported_as_empty(text: bytes) -> None:
    assert refusal(text).message == (
        "the schema file is empty; it must be a JSON object that lists the columns. "
        "Nothing was changed; correct the file and upload it again"
    )


@pytest.mark.parametrize(
    "broken",
    [
        {"columns": [{"name": "xmin", "type": "integer"}]},
        {"columns": [{"name": "a", "type": "integer", "encode": "text255"}], "distkey": "b"},
        {
            "columns": [
                {"name": "a", "type": "integer", "default": "x"},
                {"name": "a", "type": "interval"},
            ]
        },
        {
            "columns": [
                {
                    "name": "a",
                    "type": "integer",
                    "identity": [1, 1],
                    "default": {"function": "SYSDATE"},
                }
            ]
        },
        {"columns": [], "csv": {"delimiter": "long"}, "allowed_operations": ["append"]},
    ],
)
def test_a_stored_file_stays_readable_when_a_rule_is_added(
    broken: dict[str, Any],
) -> None:
    with pytest.raises(InvalidSchemaFileError):
        SchemaFile.parse(json.dumps(broken).encode())

    read = SchemaFile.from_json(json.dumps(broken))

    assert json.loads(read.to_json()) == broken
    assert SchemaFile.from_json(read.to_json()) == read


def csv_faults(**csv: str) -> tuple[str, ...]:
    try:
        SchemaFile.parse(a_schema_file(a_column(), csv=csv))
    except InvalidSchemaFileError as error:
        return error.details
    return ()


@pytest.mark.parametrize("name", ["date_format", "time_format"])
@pytest.mark.parametrize(
    ("pattern", "says"),
    [
        ("%Y-%m-%d", "'Y', 'm', 'd'"),
        ("yyyy-MMM-dd", "'M'"),
        ("DD/MM/YYYY HH:MM", "names the month 2 times"),
        ("DD.MM.", "does not name: year"),
        ("HH:MI:SS", "does not name: year, month, day"),
        ("AUTO", "'AUTO'"),
        ("nonsense", "which COPY does not know"),
        ("YYYY-MM-DD a b c d e f g", "'e', and 2 more"),
    ],
)
def test_a_format_that_copy_cannot_read_is_a_fault_of_the_schema_file(
    name: str, pattern: str, says: str
) -> None:
    [fault] = csv_faults(**{name: pattern})
    assert fault.startswith(f"$.csv.{name}: ")
    assert says in fault


@pytest.mark.parametrize(
    "pattern",
    [
        "auto",
        "YYYY-MM-DD",
        "DD.MM.YYYY",
        "mon dd, yyyy",
        "YYYYMMDD",
        "MONTH-DD-YY",
        "YYYY-MM-DDTHH24:MI:SSZ",
    ],
)
def test_a_format_that_copy_reads_is_accepted(pattern: str) -> None:
    assert csv_faults(date_format=pattern) == csv_faults(time_format=pattern) == ()


def test_epochs_are_formats_of_timestamps_only() -> None:
    assert csv_faults(time_format="epochsecs") == csv_faults(time_format="epochmillisecs") == ()
    assert csv_faults(date_format="epochsecs") != ()


@pytest.mark.parametrize("identity", [[10**20, 1], [1, 10**20], [1, -(10**19)]])
def test_an_identity_that_no_bigint_can_count_is_a_fault(identity: list[int]) -> None:
    with pytest.raises(InvalidSchemaFileError, match=r"identity\[[01]\].*not a number that fits"):
        SchemaFile.parse(a_schema_file(a_column("id", "BIGINT", identity=identity)))


@pytest.mark.parametrize("kind", ["BIGINT", "NUMERIC(38,0)", "DOUBLE PRECISION", "VARCHAR(9)"])
def test_a_number_of_thousands_of_digits_is_out_of_range_without_advice_about_python(
    kind: str,
) -> None:
    text = a_schema_file(a_column("id", kind, default=7)).replace(b": 7", b": " + b"7" * 5000)
    with pytest.raises(InvalidSchemaFileError, match="out of range") as caught:
        SchemaFile.parse(text)
    assert "sys." not in caught.value.message
    assert len(caught.value.message) < 400


def test_the_message_ends_after_five_faults_and_the_details_have_all() -> None:
    columns = [a_column(f"c{number}", "UUID") for number in range(12)]
    with pytest.raises(InvalidSchemaFileError, match="and 7 more") as caught:
        SchemaFile.parse(a_schema_file(*columns))
    assert len(caught.value.details) == 12


UPSERTS = {"allowed_operations": ["append", "Upsert"]}


@pytest.mark.parametrize(
    ("columns", "more", "reason"),
    [
        (
            [a_column()],
            {},
            "$.allowed_operations: upsert replaces the rows with the same primary key",
        ),
        ([a_column()], {"primary_key": []}, "$.allowed_operations: upsert replaces"),
        (
            [a_column(type="DOUBLE PRECISION")],
            {"primary_key": ["id"]},
            "$.primary_key[0]: the column 'id' is double precision, by which an upsert cannot",
        ),
        (
            [a_column(type="SUPER")],
            {"primary_key": ["id"]},
            "$.primary_key[0]: the column 'id' is super",
        ),
        (
            [a_column(identity=[1, 1]), a_column("b")],
            {"primary_key": ["id"]},
            "$.primary_key[0]: the values of 'id' are made when a row is loaded",
        ),
        (
            [a_column(type="DATE", default={"function": "CURRENT_DATE"})],
            {"primary_key": ["id"]},
            "$.primary_key[0]: the values of 'id' are made",
        ),
    ],
)
def test_an_upsert_needs_a_key_whose_values_a_file_has_and_that_are_compared_exactly(
    columns: list[dict[str, Any]], more: dict[str, Any], reason: str
) -> None:
    details = refusal(a_schema_file(*columns, **UPSERTS, **more)).details
    assert [each for each in details if each.startswith(reason)], details
    others = {"allowed_operations": ["append"]}
    assert SchemaFile.parse(a_schema_file(*columns, **others, **more))


def test_an_upsert_is_allowed_only_where_it_is_listed() -> None:
    parsed = SchemaFile.parse(a_schema_file(primary_key=["id"]))
    assert parsed.allowed_operations == ("append", "truncate", "schema")
    listed = SchemaFile.parse(a_schema_file(primary_key=["id"], **UPSERTS))
    assert listed.allowed_operations == ("append", "upsert")
    assert SchemaFile.from_json(listed.to_json()) == listed


@pytest.mark.parametrize("percent", [0, 5, 0.1, 99.999])
def test_a_share_of_bad_rows_survives_the_ledger(percent: float) -> None:
    csv = {"on_bad_rows": "Quarantine", "max_bad_rows": 10, "max_bad_percent": percent}
    file = SchemaFile.parse(a_schema_file(csv=csv))
    stored = SchemaFile.from_json(file.to_json())

    assert (stored.csv.on_bad_rows, stored.csv.max_bad_rows) == ("quarantine", 10)
    assert stored.csv.max_bad_percent == percent
    assert stored.says_the_same(file)


def test_a_property_under_another_name_is_one_fault_and_is_not_also_missing() -> None:
    column = {"column_name": "a", "data_type": "INT", "not_null": True}

    error = refusal(json.dumps({"columns": [column], "primaryKey": ["a"]}).encode())

    assert [detail.partition(":")[0] for detail in error.details] == [
        "$.columns[0].column_name",
        "$.columns[0].data_type",
        "$.columns[0].not_null",
        "$.primaryKey",
    ]
    assert "did you mean 'primary_key'?" in error.message
