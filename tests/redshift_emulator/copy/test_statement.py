"""Parsing a COPY: every parameter in both spellings, contradictions rejected, no crash on any text."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from redshift_emulator.copy.authorization import AccessKeys, DefaultRole, Roles
from redshift_emulator.copy.options import Compression, CompUpdate, CopyOptions
from redshift_emulator.copy.statement import parse_copy
from redshift_emulator.errors import SqlError

ROLE = "arn:aws:iam::123456789012:role/x"


def parse(parameters: str, target: str = "s.t") -> CopyOptions:
    return parse_copy(f"COPY {target} FROM 's3://b/k' IAM_ROLE '{ROLE}' {parameters}")


def test_a_statement_with_many_parameters_is_parsed() -> None:
    options = parse_copy(
        """COPY "S"."t" ("c1","C 2") FROM 's3://bucket/run/load.manifest' IAM_ROLE 'arn:aws:iam::123456789012:role/x'
        FORMAT AS CSV QUOTE AS '"' DELIMITER ',' IGNOREHEADER 1 MANIFEST REGION 'eu-west-1' DATEFORMAT 'auto'
        TIMEFORMAT 'auto' ENCODING UTF8 COMPUPDATE OFF STATUPDATE OFF MAXERROR 0"""
    )
    assert options == CopyOptions(
        schema="s",
        table="t",
        columns=("c1", "c 2"),
        source="s3://bucket/run/load.manifest",
        authorization=Roles((ROLE,)),
        ignore_header=1,
        manifest=True,
        region="eu-west-1",
        date_format="auto",
        time_format="auto",
        comp_update=CompUpdate.OFF,
    )


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ("CSV", {"delimiter": ",", "quote": '"'}),
        ("FORMAT CSV", {"delimiter": ",", "quote": '"'}),
        ("format as csv quote as '|'", {"quote": "|"}),
        ("", {"delimiter": "|", "quote": None}),
        ("CSV DELIMITER '\\t'", {"delimiter": "\t"}),
        ("CSV DELIMITER AS '\\\\t'", {"delimiter": "\t"}),
        ("CSV DELIMITER '\\073'", {"delimiter": ";"}),
        ("CSV IGNOREHEADER AS 2", {"ignore_header": 2}),
        ("CSV NULL AS ''", {"null_as": ""}),
        ("CSV NULL 'NA'", {"null_as": "NA"}),
        ("CSV NULL AS '\\N'", {"null_as": "\\N"}),
        ("CSV NULL AS '\\\\N'", {"null_as": "\\N"}),
        ("CSV NULL AS '\\0'", {"null_as": "\0"}),
        ("CSV NULL AS 'it''s'", {"null_as": "it's"}),
        ("CSV GZIP", {"compression": Compression.GZIP}),
        ("CSV BZIP2", {"compression": Compression.BZIP2}),
        ("CSV ZSTD", {"compression": Compression.ZSTD}),
        ("CSV ACCEPTINVCHARS", {"accept_inv_chars": "?"}),
        ("CSV ACCEPTINVCHARS AS '^'", {"accept_inv_chars": "^"}),
        ("CSV ACCEPTINVCHARS '^' ROUNDEC", {"accept_inv_chars": "^", "round_decimals": True}),
        (
            "CSV ACCEPTANYDATE DATEFORMAT AS 'DD/MM/YYYY'",
            {"accept_any_date": True, "date_format": "DD/MM/YYYY"},
        ),
        ("CSV TIMEFORMAT 'epochmillisecs'", {"time_format": "epochmillisecs"}),
        ("CSV ENCODING AS UTF16LE", {"encoding": "utf-16-le"}),
        ("CSV ENCODING 'utf16'", {"encoding": "utf-16"}),
        ("CSV MAXERROR AS 5", {"max_error": 5}),
        ("CSV IGNOREALLERRORS", {"ignore_all_errors": True}),
        ("CSV NOLOAD 3 COMPROWS 100000 COMPUPDATE PRESET STATUPDATE", {"no_load": True}),
        (
            "CSV FILLRECORD IGNOREBLANKLINES TRUNCATECOLUMNS",
            {"fill_record": True, "truncate_columns": True},
        ),
        (
            "CSV EMPTYASNULL BLANKSASNULL TRIMBLANKS EXPLICIT_IDS",
            {"empty_as_null": True, "explicit_ids": True},
        ),
    ],
)
def test_each_parameter_is_parsed_in_both_spellings(
    parameters: str, expected: dict[str, Any]
) -> None:
    options = parse(parameters)
    assert {name: getattr(options, name) for name in expected} == expected


@pytest.mark.parametrize(
    ("authorization", "expected"),
    [
        (f"IAM_ROLE '{ROLE},{ROLE}2'", Roles((ROLE, ROLE + "2"))),
        ("IAM_ROLE default", DefaultRole()),
        (f"CREDENTIALS 'aws_iam_role={ROLE}'", Roles((ROLE,))),
        (f"WITH CREDENTIALS AS 'aws_iam_role={ROLE}'", Roles((ROLE,))),
        (
            "CREDENTIALS 'aws_access_key_id=a;aws_secret_access_key=b=;token=c'",
            AccessKeys("a", "b=", "c"),
        ),
        ("ACCESS_KEY_ID 'a' SECRET_ACCESS_KEY 'b'", AccessKeys("a", "b")),
    ],
)
def test_each_form_of_authorization_is_parsed(authorization: str, expected: object) -> None:
    assert parse_copy(f"copy t from 's3://b/k' {authorization} csv").authorization == expected


def test_the_repr_of_the_options_hides_secrets() -> None:
    options = parse_copy(
        "copy t from 's3://b/k' ACCESS_KEY_ID 'a' SECRET_ACCESS_KEY 'hidden' SESSION_TOKEN 'hidden' csv"
    )
    assert "hidden" not in repr(options)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ("CSV CSV", "given twice"),
        ("CSV FORMAT CSV", "given twice"),
        ("CSV MANIFEST MANIFEST", "MANIFEST is given twice"),
        ("CSV GZIP ZSTD", "conflicting or redundant options: ZSTD"),
        ("CSV ESCAPE", "ESCAPE is not supported by this emulator"),
        ("CSV REMOVEQUOTES", "REMOVEQUOTES is not supported by this emulator"),
        ("AVRO 'auto'", "AVRO is not supported by this emulator"),
        ("FORMAT AS ORC", "FORMAT ORC is not supported by this emulator"),
        ("FIXEDWIDTH '3,4'", "write 'label:width,label:width'"),
        ("CSV LZOP", "LZOP is not supported by this emulator"),
        ("QUOTE '|'", "COPY quote available only in CSV mode"),
        ("CSV QUOTE '##'", "COPY quote must be a single ASCII character"),
        ("CSV DELIMITER ''", "COPY delimiter must be a single ASCII character"),
        ("CSV DELIMITER 'é'", "COPY delimiter must be a single ASCII character"),
        ("CSV DELIMITER '\"'", "COPY delimiter and quote must be different"),
        ("CSV NULL AS 'a,b'", "delimiter must not appear in the NULL specification"),
        ("CSV NULL AS '\\n'", "a line feed always ends a row"),
        ("CSV MAXERROR 100001", "MAXERROR 100001 is out of range"),
        ("CSV MAXERROR -1", "out of range"),
        ("CSV MAXERROR 2 IGNOREALLERRORS", "exclude each other"),
        ("CSV CREDENTIALS 'aws_iam_role=x'", "Invalid IAM_ROLE"),
        ("CSV ACCESS_KEY_ID 'a' SECRET_ACCESS_KEY 'b'", "Invalid credentials"),
        ("CSV ENCODING latin1", "ENCODING LATIN1 is not supported"),
        ("CSV ACCEPTINVCHARS 'ab'", "single ASCII character"),
        ("CSV TIMEFORMAT ''", "TIMEFORMAT is empty"),
        ("CSV HEADER", 'syntax error at or near "HEADER"'),
        ("CSV IGNOREHEADER", "syntax error at end of input"),
        ("CSV IGNOREHEADER 'x'", "syntax error"),
        ("FORMAT", "syntax error at end of input"),
    ],
)
def test_invalid_and_contradictory_parameters_are_rejected(parameters: str, message: str) -> None:
    with pytest.raises(SqlError) as refused:
        parse(parameters)
    assert message.lower() in refused.value.message.lower()


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("copy t from 's3://b/k' csv", "Invalid credentials"),
        ("copy t from 'emr://j-1/x' iam_role default", "is not supported: use s3://bucket/key"),
        ("copy t from 's3://' iam_role default", "is not supported: use s3://bucket/key"),
        (
            "copy t (a,b,a) from 's3://b/k' iam_role default csv",
            'column "a" specified more than once',
        ),
        ("copy t from stdin", "syntax error"),
        ("copy t from 's3://b/k' iam_role 'me' csv", "Invalid IAM_ROLE 'me'"),
        ("copy t", "syntax error at end of input"),
    ],
)
def test_an_invalid_statement_is_rejected(sql: str, message: str) -> None:
    with pytest.raises(SqlError) as refused:
        parse_copy(sql)
    assert message in refused.value.message


WORDS = st.sampled_from(
    [
        *(
            "copy",
            "t",
            "(",
            "a",
            ",",
            "b",
            ")",
            "from",
            "'s3://b/k'",
            "iam_role",
            "default",
            "'x'",
            "csv",
            "format",
            "as",
        ),
        *(
            "delimiter",
            "quote",
            "null",
            "'NA'",
            "gzip",
            "manifest",
            "1",
            "-1",
            "ignoreheader",
            "maxerror",
            "dateformat",
        ),
        *(
            "timeformat",
            "encoding",
            "utf8",
            "acceptinvchars",
            "region",
            "noload",
            "access_key_id",
            ".",
            ";",
            '"',
            "'",
        ),
        *(
            "$$",
            "\\",
            "/*",
            "*/",
            "--",
            "with",
            "credentials",
            "'aws_iam_role='",
            "compupdate",
            "off",
            "json",
            "\0",
        ),
    ]
)


@settings(max_examples=400, deadline=None)
@given(st.lists(WORDS, max_size=25).map(" ".join) | st.text(max_size=80))
def test_any_text_gives_options_or_an_sql_error(tail: str) -> None:
    for sql in (tail, f"copy t from 's3://b/k' iam_role default csv {tail}"):
        with contextlib.suppress(SqlError):
            assert isinstance(parse_copy(sql), CopyOptions)
