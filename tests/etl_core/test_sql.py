"""SQL that SQLAlchemy does not provide: text literals, LOCK, COPY."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from etl_core.csv_files.compression import COMPRESSIONS
from etl_core.schema_files.column_types import DIALECT
from etl_core.sql import CopyCsv, CopySource, LockTable, Text, describe_sql, identifier, render_sql

TABLE = sa.Table(identifier("t"), sa.MetaData(), schema=identifier("public"))
SOURCE = CopySource(
    "s3://pipeline/m.json", "arn:role", None, ",", '"', None, "auto", "auto", "UTF8"
)
PLAIN = (
    'COPY "public"."t" ("id", "name") FROM \'s3://pipeline/m.json\' IAM_ROLE \'arn:role\' MANIFEST '
    "FORMAT AS CSV QUOTE AS '\"' DELIMITER AS ',' IGNOREHEADER AS 1 "
    "ENCODING AS UTF8 DATEFORMAT AS 'auto' TIMEFORMAT AS 'auto' IGNOREBLANKLINES COMPUPDATE OFF"
)


def copy_sql(columns: tuple[str, ...] = ("id", "name"), **fields: Any) -> str:
    return describe_sql(CopyCsv(TABLE, columns, replace(SOURCE, **fields)))


@pytest.mark.parametrize(
    ("delimiter", "written"),
    [("\x01", "'\\001'"), ("\x7f", "'\\177'"), ("\t", "'\t'"), ("%", "'%'"), ("'", "''''")],
)
def test_a_control_character_is_written_in_octal(delimiter: str, written: str) -> None:
    text = render_sql(CopyCsv(TABLE, ("id",), replace(SOURCE, delimiter=delimiter)))

    assert f"DELIMITER AS {written} IGNOREHEADER" in text


def test_a_file_without_a_header_has_no_row_to_skip() -> None:
    assert copy_sql(header_rows=0) == PLAIN.replace("IGNOREHEADER AS 1", "IGNOREHEADER AS 0")


def test_copy_names_the_columns_the_manifest_and_the_role() -> None:
    assert copy_sql() == PLAIN


def test_empty_lines_are_rows_in_a_file_of_one_column() -> None:
    assert "IGNOREBLANKLINES" not in copy_sql(("id",))


@pytest.mark.parametrize("compression", [keyword for keyword in COMPRESSIONS.values() if keyword])
def test_copy_has_the_compression_of_its_file(compression: str) -> None:
    assert copy_sql(compression=compression) == PLAIN.replace(
        "IGNOREBLANKLINES", f"{compression} IGNOREBLANKLINES"
    )


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("delimiter", "\t", "DELIMITER AS '\t'"),
        ("quote", "'", "QUOTE AS ''''"),
        ("null_as", "NA", "NULL AS 'NA'"),
        ("null_as", "it's", "NULL AS 'it''s'"),
        ("date_format", "DD.MM.YYYY", "DATEFORMAT AS 'DD.MM.YYYY'"),
        ("time_format", "epochsecs", "TIMEFORMAT AS 'epochsecs'"),
        ("encoding", "UTF16LE", "ENCODING AS UTF16LE"),
        ("manifest_url", "s3://pipeline/a'b%.json", "FROM 's3://pipeline/a''b%.json'"),
    ],
)
def test_copy_has_the_csv_options_of_the_schema_file(field: str, value: str, expected: str) -> None:
    assert expected in copy_sql(**{field: value})


def test_copy_quotes_every_column() -> None:
    assert '("a""b", "50%", "order", "a b") FROM' in copy_sql(('a"b', "50%", "order", "a b"))


@pytest.mark.parametrize(
    ("value", "literal"),
    [("", "''"), ("it's", "'it''s'"), ("a\\b", "'a\\\\b'"), ("100%", "'100%'"), ("a\nb", "'a\nb'")],
)
def test_a_text_literal_is_escaped_for_redshift(value: str, literal: str) -> None:
    assert (
        str(sa.select(Text(value)).compile(dialect=DIALECT))
        .replace("%%", "%")
        .startswith(f"SELECT {literal}")
    )


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20))
def test_a_text_literal_never_ends_early_and_keeps_its_value(value: str) -> None:
    literal = str(Text(value).compile(dialect=DIALECT)).replace("%%", "%")

    assert re.fullmatch(r"'(?:[^'\\]|''|\\\\)*'", literal, re.DOTALL)
    assert literal[1:-1].replace("''", "'").replace("\\\\", "\\") == value


def test_a_text_with_nul_is_refused() -> None:
    with pytest.raises(ValueError, match="NUL"):
        describe_sql(sa.select(Text("a\0b")))


def test_lock_has_no_mode() -> None:
    assert describe_sql(LockTable(TABLE)) == 'LOCK TABLE "public"."t"'


def test_a_replace_uses_delete_and_never_truncate() -> None:
    assert describe_sql(sa.delete(TABLE)) == 'DELETE FROM "public"."t"'
