"""Column types: every spelling is parsed to one canonical form, which is the catalog's."""

from __future__ import annotations

import re
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from etl_core.schema_files.column_types import (
    DIALECT,
    ColumnType,
    describe_type,
    known_types,
    parse_column_type,
    type_names,
)

SPELLINGS = {
    "SMALLINT": "smallint", "int2": "smallint", "INTEGER": "integer", "Int": "integer", "INT4": "integer",
    "BIGINT": "bigint", "INT8": "bigint", "DECIMAL": "numeric(18,0)", "numeric": "numeric(18,0)",
    "DEC(5)": "numeric(5,0)",
    "NUMERIC(38, 37)": "numeric(38,37)", "decimal ( 10 , 2 )": "numeric(10,2)", "REAL": "real", "float4": "real",
    "FLOAT": "double precision", "FLOAT8": "double precision", "double  precision": "double precision",
    "BOOL": "boolean", "boolean": "boolean", "CHAR": "character(1)", "NCHAR(3)": "character(3)",
    "character(4096)": "character(4096)",
    "BPCHAR": "character(256)", "VARCHAR": "character varying(256)", "varchar(max)": "character varying(65535)",
    "NVARCHAR(7)": "character varying(7)", "CHARACTER VARYING(65535)": "character varying(65535)",
    "TEXT": "character varying(256)", "DATE": "date", "TIME": "time without time zone", "TIMETZ": "time with time zone",
    "time with time zone": "time with time zone", "TIMESTAMP": "timestamp without time zone",
    "timestamp without  time zone": "timestamp without time zone", "TIMESTAMPTZ": "timestamp with time zone",
    "Timestamp With Time Zone": "timestamp with time zone", "SUPER": "super",
    "GEOMETRY": "geometry", "Geography": "geography", "HLLSKETCH": "hllsketch",
    "VARBYTE": "binary varying(64000)", "VARBINARY(10)": "binary varying(10)",
    "binary varying(16777216)": "binary varying(16777216)",
    "  integer\t": "integer",
}  # fmt: skip


@pytest.mark.parametrize(("written", "catalog"), SPELLINGS.items())
def test_a_spelling_is_parsed_to_the_canonical_form(written: str, catalog: str) -> None:
    assert str(parse_column_type(written)) == catalog


@pytest.mark.parametrize("catalog", sorted(set(SPELLINGS.values())))
def test_a_type_comes_back_from_sqlalchemy_unchanged(catalog: str) -> None:
    parsed = parse_column_type(catalog)
    kind = parsed.to_sqlalchemy()

    assert describe_type(kind) == parsed
    assert parse_column_type(kind.compile(dialect=DIALECT)) == parsed


@pytest.mark.parametrize(
    ("kind", "canonical"),
    [
        (sa.TIMESTAMP(timezone=True), "timestamp with time zone"),
        (sa.TIME(timezone=True), "time with time zone"),
        (sa.String(9), "character varying(9)"),
        (sa.VARCHAR(), "character varying(256)"),
        (sa.NUMERIC(), "numeric(18,0)"),
        (sa.NUMERIC(5), "numeric(5,0)"),
        (sa.DECIMAL(5, 2), "numeric(5,2)"),
        (sa.Integer(), "integer"),
    ],
    ids=repr,
)
def test_any_sqlalchemy_type_has_a_canonical_form(
    kind: sa.types.TypeEngine[Any], canonical: str
) -> None:
    assert str(describe_type(kind)) == canonical


@pytest.mark.parametrize("canonical", sorted({*SPELLINGS.values(), "interval", "money(3,4)"}))
def test_a_stored_type_is_read_without_any_rule(canonical: str) -> None:
    assert str(ColumnType.from_canonical(canonical)) == canonical


def test_a_stored_type_that_redshift_no_longer_has_cannot_become_a_column() -> None:
    with pytest.raises(ValueError, match="'interval' is not a column type of Redshift"):
        ColumnType.from_canonical("interval").to_sqlalchemy()


@pytest.mark.parametrize(
    ("family", "members"),
    [
        ("is_integer", {"smallint", "integer", "bigint"}),
        (
            "is_number",
            {"smallint", "integer", "bigint", "numeric", "real", "double precision"},
        ),
        ("is_text", {"character", "character varying"}),
        ("is_datetime", {"date", "timestamp without time zone", "timestamp with time zone"}),
        ("is_time", {"time without time zone", "time with time zone"}),
    ],
)
def test_a_family_has_its_types(family: str, members: set[str]) -> None:
    assert {name for name in type_names() if getattr(ColumnType(name), family)} == members


@given(st.integers(1, 38), st.data())
def test_every_numeric_comes_back_unchanged(precision: int, data: st.DataObject) -> None:
    scale = data.draw(st.integers(0, min(37, precision)))
    parsed = parse_column_type(f"NUMERIC({precision},{scale})")

    assert describe_type(parsed.to_sqlalchemy()) == parsed


@pytest.mark.parametrize(
    ("written", "says"),
    [
        ("", "write one such as"),
        ("VARCHAR(", "is not a column type"),
        ("VARCHAR(10", "is not a column type"),
        ("INTEGER; DROP TABLE t", "is not a column type"),
        ("WIDGET", "known are"),
        ("UUID", "write VARCHAR(36)"),
        ("JSON", "write SUPER"),
        ("SERIAL", "write INTEGER"),
        ("STRING", "write VARCHAR(n)"),
        ("string(50)", "write VARCHAR(50)"),
        ("Varchar2( 50 )", "write VARCHAR(50)"),
        ("NUMBER(10, 2)", "write NUMERIC(10,2)"),
        ("NUMBER", "write NUMERIC(p,s)"),
        ("INT64", "write BIGINT"),
        ("DATETIME", "write TIMESTAMP"),
        ("datetime64[ns]", "write TIMESTAMP"),
        ("ARRAY<STRING>", "write SUPER"),
        ("TINYINT(1)", "write SMALLINT"),
        ("DOUBLE", "write DOUBLE PRECISION"),
        ("BYTES", "write VARBYTE(n)"),
        ("INT UNSIGNED", "write BIGINT"),
        ("BIGINT(20) UNSIGNED", "write NUMERIC(20,0)"),
        ("INTERGER", "did you mean INTEGER?"),
        ("VARCHR(10)", "did you mean VARCHAR?"),
        ("TIMESTMP", "did you mean TIMESTAMP?"),
        ("varchar with time zone", "known are"),
        ("INTEGER(4)", "takes no arguments"),
        ("TIMESTAMP(6)", "takes no arguments"),
        ("SUPER(1)", "takes no arguments"),
        ("TEXT(10)", "takes no length"),
        ("BPCHAR(10)", "takes no length"),
        ("VARCHAR(0)", "from 1 to 65535"),
        ("VARCHAR(65536)", "from 1 to 65535"),
        ("VARCHAR(1,2)", "from 1 to 65535"),
        ("CHAR(4097)", "from 1 to 4096"),
        ("CHAR(MAX)", "whole numbers"),
        ("VARBYTE(16777217)", "from 1 to 16777216"),
        ("NUMERIC(39)", "precision of 1 to 38"),
        ("NUMERIC(0)", "precision of 1 to 38"),
        ("NUMERIC(38,38)", "scale of 0 to 37"),
        ("NUMERIC(5,6)", "not above the precision"),
        ("NUMERIC(5,2,1)", "precision of 1 to 38"),
        ("NUMERIC(5,-1)", "whole numbers"),
        ("NUMERIC()", "whole numbers"),
        ("VARCHAR(١٠)", "whole numbers"),
        ("VARCHAR(99999999999)", "whole numbers"),
    ],
)
def test_an_invalid_type_is_refused_with_the_rule(written: str, says: str) -> None:
    with pytest.raises(ValueError, match=re.escape(says)) as caught:
        parse_column_type(written)

    assert repr(written) in str(caught.value)


@given(st.text(max_size=100) | st.text("ab varchtimestozne(),0123459 ", max_size=100))
def test_any_text_is_a_type_or_raises_value_error(text: str) -> None:
    try:
        parsed = parse_column_type(text)
    except ValueError:
        return
    assert parse_column_type(str(parsed)) == parsed


@pytest.mark.parametrize(
    "written", ["a" + " " * 98 + "!", "a " * 49 + "!", "a(" + " " * 97 + "!", "a" * 99 + "!"]
)
def test_a_text_made_to_be_slow_is_refused_at_once(written: str) -> None:
    for _ in range(20):
        with pytest.raises(ValueError, match="is not a column type"):
            parse_column_type(written)


def test_every_offered_type_is_valid() -> None:
    for name in known_types():
        assert str(parse_column_type(name))


@pytest.mark.parametrize("written", ["SUPER", "GEOMETRY", "GEOGRAPHY", "HLLSKETCH", "VARBYTE(3)"])
def test_semi_structured_columns_cannot_be_keys(written: str) -> None:
    assert not parse_column_type(written).can_be_key
    assert parse_column_type("DATE").can_be_key
