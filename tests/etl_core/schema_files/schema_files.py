"""Hypothesis strategies for valid schema files: every type, keyword and option, in every
combination that the rules allow.
"""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from etl_core.schema_files.schema_rules import ENCODINGS

_TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)
_NAME = st.one_of(
    st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,8}", fullmatch=True),
    st.text(st.characters(categories=["L", "N", "P", "S"]), min_size=1, max_size=8),
)
_TYPES = {
    "SMALLINT": "smallint", "INT": "integer", "BIGINT": "bigint", "NUMERIC(9,3)": "numeric",
    "DECIMAL": "numeric", "REAL": "real",
    "FLOAT": "double precision", "BOOL": "boolean", "CHAR(40)": "character", "VARCHAR(60)": "character varying",
    "TEXT": "character varying", "DATE": "date", "TIME": "time without time zone", "TIMETZ": "time with time zone",
    "TIMESTAMP": "timestamp without time zone", "TIMESTAMPTZ": "timestamp with time zone", "SUPER": "super",
    "GEOMETRY": "geometry", "GEOGRAPHY": "geography", "HLLSKETCH": "hllsketch", "VARBYTE(9)": "binary varying",
    "INTERVAL YEAR TO MONTH": "interval year to month", "interval day to second": "interval day to second",
}  # fmt: skip
_FUNCTION = st.sampled_from(["SYSDATE", "getdate", "Current_Date"]).map(
    lambda name: {"function": name}
)
_WHOLE = st.integers(-32768, 32767)
_FRACTION = st.decimals(-99999, 99999, places=3).map(str) | _WHOLE
_DEFAULTS: dict[str, st.SearchStrategy[Any]] = {
    "smallint": _WHOLE,
    "integer": _WHOLE | _WHOLE.map(str),
    "bigint": st.integers(-(2**63), 2**63 - 1),
    "numeric": _FRACTION | st.sampled_from(["0.000", "-0.0", "1e3", "00012"]),
    "real": _FRACTION,
    "double precision": st.floats(allow_nan=False, allow_infinity=False),
    "boolean": st.booleans(),
    "character": _TEXT,
    "character varying": _TEXT,
    "date": _FUNCTION,
    "timestamp without time zone": _FUNCTION,
    "timestamp with time zone": _FUNCTION | st.just("2026-01-01 00:00:00+00"),
    "super": st.just("null"),
}


@st.composite
def _columns(draw: st.DrawFn) -> list[dict[str, Any]]:
    names = draw(st.lists(_NAME.filter(_is_free), min_size=1, max_size=5, unique_by=str.casefold))
    return [draw(_column(name)) for name in names]


def _is_free(name: str) -> bool:
    system = {"oid", "xmin", "xmax", "cmin", "cmax", "ctid", "tableoid"}
    return (
        name.isprintable()
        and bool(name.strip())
        and name.lower() not in system
        and len(name.encode()) < 120
    )


@st.composite
def _column(draw: st.DrawFn, name: str) -> dict[str, Any]:
    written, kind = draw(st.sampled_from(sorted(_TYPES.items())))
    column: dict[str, Any] = {
        "name": name,
        "type": draw(st.sampled_from([written, written.lower()])),
    }
    if kind in ("integer", "bigint") and draw(st.integers(0, 4)) == 0:
        column["identity"] = [draw(st.integers(-5, 5)), draw(st.integers(1, 5))]
    else:
        if kind in _DEFAULTS and draw(st.booleans()):
            column["default"] = draw(_DEFAULTS[kind])
        if draw(st.booleans()):
            column["nullable"] = draw(st.booleans())
    if draw(st.booleans()):
        allowed = sorted(name for name, kinds in ENCODINGS.items() if kind in kinds)
        column["encode"] = draw(st.sampled_from(["raw", *allowed])).upper()
    if draw(st.booleans()):
        column["description"] = draw(_TEXT)
    if "identity" not in column and draw(st.booleans()):
        column["header"] = draw(st.sampled_from([f"the {name}", [name, f"the {name}"], []]))
    return column


@st.composite
def good_files(draw: st.DrawFn) -> dict[str, Any]:
    """Return the JSON of a valid schema file."""
    columns = draw(_columns())
    keys = [
        column["name"]
        for column in columns
        if not set(column["type"].upper().split("(")) & _NOT_KEYS
    ]
    not_null = [column["name"] for column in columns if column.get("nullable") is not True]
    file: dict[str, Any] = {"columns": columns}
    optional = {
        "schema_version": _TEXT.filter(bool) | st.integers(0, 99),
        "allowed_operations": st.lists(
            st.sampled_from(["append", "Truncate", "SCHEMA"]), unique=True
        ),
        "allowed_changes": st.lists(st.sampled_from(["retype", "Drop"]), unique=True),
        "description": _TEXT,
        "primary_key": _some(not_null),
        "sortkey": _some(keys),
        "csv": st.fixed_dictionaries({}, optional=_CSV),
    }
    for name, values in optional.items():
        if draw(st.booleans()):
            file[name] = draw(values)
    distribution = draw(st.sampled_from(["", "auto", "EVEN", "all", "KEY"]))
    if distribution:
        file["diststyle"] = distribution
    if distribution == "KEY" and not keys:
        del file["diststyle"]
    elif distribution == "KEY":
        file["distkey"] = draw(st.sampled_from(keys))
    return file


_NOT_KEYS = {
    "SUPER",
    "GEOMETRY",
    "GEOGRAPHY",
    "HLLSKETCH",
    "VARBYTE",
    "INTERVAL YEAR TO MONTH",
    "INTERVAL DAY TO SECOND",
}
_CSV = {
    "delimiter": st.sampled_from([",", ";", "|", "\t", "\x01", "\x7f"]),
    "quote": st.sampled_from(['"', "'", "~"]),
    "null_as": st.sampled_from(["NA", "null", "-"]),
    "date_format": st.just("YYYY-MM-DD"),
    "time_format": st.just("epochsecs"),
    "encoding": st.sampled_from(["UTF8", "utf16", "Utf16le"]),
    "missing_columns": st.sampled_from(["reject", "Default"]),
    "ignore_columns": st.sampled_from(["", [], ["ignored "], ["", "\x01 ignored"]]),
    "empty_as_null": st.booleans(),
    "blank_as_null": st.booleans(),
    "empty_rows": st.sampled_from(["load", "SKIP", "reject"]),
    "on_lossy": st.sampled_from(["warn", "reject", "Ignore"]),
    "on_bad_rows": st.sampled_from(["reject", "Quarantine"]),
    "max_bad_rows": st.integers(0, 100_000),
    "max_bad_percent": st.integers(0, 1000).map(lambda number: number / 10),
    "on_repeat": st.sampled_from(["load", "skip"]),
}


def _some(names: list[str]) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(names), unique=True, max_size=3) if names else st.just([])
