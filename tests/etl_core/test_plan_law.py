"""The law of plans: applying plan(diff(a, b)) to a live table a makes it b, with the rows it had, or nothing was changed.

ETL_PLAN_PAIRS sets the number of random pairs of schema files.
"""

from __future__ import annotations

import os
from typing import Any

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from etl_core.diff import diff
from etl_core.plan import make_plan
from etl_core.schema_rules import ENCODINGS
from etl_core.tables import table_of_schema_file
from tests.builders import a_spec
from tests.etl_core.live import LiveTable

PAIRS = int(os.environ.get("ETL_PLAN_PAIRS", "250"))

VALUES: dict[str, tuple[str, list[Any]]] = {
    "SMALLINT": ("smallint", [0, 1, -7, 32767]),
    "INTEGER": ("integer", [0, 1, 40000, 2147483647]),
    "BIGINT": ("bigint", [1, 2**40, -5]),
    "NUMERIC(10,2)": ("numeric", ["1.50", "-12345678.25", "7"]),
    "NUMERIC(20,4)": ("numeric", ["1.5001", "123456789012.25"]),
    "REAL": ("real", [1.5, -2]),
    "FLOAT": ("double precision", [1.25, 1e10]),
    "BOOLEAN": ("boolean", [True, False]),
    "CHAR(4)": ("character", ["abcd", "12", "x"]),
    "VARCHAR(5)": ("character varying", ["abcde", "12", "", "é"]),
    "VARCHAR(12)": ("character varying", ["abcdefghijkl", "2026-01-02", "7"]),
    "VARCHAR(30)": ("character varying", ["2026-01-02 03:04:05", "it's \\ 5%"]),
    "DATE": ("date", ["2026-01-02"]),
    "TIMESTAMP": ("timestamp without time zone", ["2026-01-02 03:04:05", "1999-12-31 00:00:00"]),
    "TIMESTAMPTZ": ("timestamp with time zone", ["2026-01-02 03:04:05+00"]),
    "TIME": ("time without time zone", ["03:04:05"]),
    "SUPER": ("super", []),
}
NAMES = ["a", "b", "Order", "é x"]
CHANGES = ["retype", "nullability", "default", "drop", "narrow"]


@st.composite
def columns(draw: st.DrawFn, name: str) -> dict[str, Any]:
    """A column; its default is one of its type's values."""
    kind, (plain, values) = draw(st.sampled_from(sorted(VALUES.items())))
    made: dict[str, Any] = {"name": name, "type": kind}
    chance = draw(st.integers(0, 11))
    if plain in ("integer", "bigint") and chance == 0:
        return made | {"identity": [1, 1]}
    if values and chance % 3 == 0:
        made["default"] = draw(st.sampled_from(values))
    if plain.startswith(("date", "timestamp")) and chance == 1:
        made["default"] = {"function": draw(st.sampled_from(["SYSDATE", "GETDATE", "CURRENT_DATE"]))}
    made["nullable"] = kind == "SUPER" or draw(st.integers(0, 5)) > 0
    if chance > 8:
        made["encode"] = draw(
            st.sampled_from(["raw", *sorted(name for name, kinds in ENCODINGS.items() if plain in kinds)])
        )
    if chance in (2, 5):
        made["description"] = draw(st.sampled_from(["x", "it's \\ 5%", ""]))
    return made


@st.composite
def files(draw: st.DrawFn, base: dict[str, Any] | None = None) -> dict[str, Any]:
    """A schema file; with a base one that keeps most of its columns, and may rename them."""
    kept = {column["name"]: column for column in base["columns"]} if base else {}
    names = draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=4, unique=True))
    made = [kept[name] if name in kept and draw(st.integers(0, 2)) else draw(columns(name)) for name in names]
    free = [name for name in kept if name not in names]
    for column in made if free else []:
        if column["name"] not in kept and draw(st.booleans()):
            column["renamed_from"] = draw(st.sampled_from(free))
            if draw(st.booleans()):
                like, own = kept[column["renamed_from"]], {key: column[key] for key in ("name", "renamed_from")}
                column.clear()
                column.update(like | own)
    file: dict[str, Any] = {"columns": made}
    keys = [column["name"] for column in made if column["type"] != "SUPER"]
    primary = [column["name"] for column in made if not column.get("nullable", "identity" not in column)]
    for part, candidates in (("primary_key", primary), ("sortkey", keys)):
        if candidates and draw(st.integers(0, 3)) == 0:
            file[part] = draw(st.lists(st.sampled_from(candidates), min_size=1, max_size=2, unique=True))
    if draw(st.integers(0, 2)) == 0:
        file["diststyle"] = draw(st.sampled_from(["EVEN", "ALL", *(["KEY"] if keys else [])]))
        if file["diststyle"] == "KEY":
            file["distkey"] = draw(st.sampled_from(keys))
    if draw(st.booleans()):
        file["description"] = "the table"
    return file


@st.composite
def pairs(draw: st.DrawFn) -> tuple[dict[str, Any], dict[str, Any], list[dict[str, Any]]]:
    """What there is, what is wanted with the changes it allows, and two rows."""
    actual = draw(files())
    desired = draw(files(actual))
    desired["allowed_changes"] = draw(
        st.sampled_from([CHANGES, CHANGES, draw(st.lists(st.sampled_from(CHANGES), unique=True))])
    )
    return actual, desired, [draw(rows(actual)) for _ in range(2)]


@st.composite
def rows(draw: st.DrawFn, file: dict[str, Any]) -> dict[str, Any]:
    """Values that the table takes; identities are the warehouse's, NULL where that is allowed."""
    made: dict[str, Any] = {}
    for column in file["columns"]:
        values = VALUES[column["type"]][1]
        nullable = column.get("nullable", True) and column["name"] not in file.get("primary_key", [])
        if values and "identity" not in column:
            made[column["name"].lower()] = draw(st.sampled_from([*values, None] if nullable else values))
    return made


@settings(max_examples=PAIRS, suppress_health_check=list(HealthCheck))
@given(pairs())
@pytest.mark.timeout(60 + PAIRS)
def test_a_plan_makes_the_live_table_what_the_file_says_or_changes_nothing(live: LiveTable, pair: Any) -> None:
    raw_actual, raw_desired, values = pair
    actual = live.create(table_of_schema_file(a_spec_of(raw_actual), "public", "t"), values)
    spec = a_spec_of(raw_desired)
    desired = table_of_schema_file(spec, "public", "t")
    before = live.rows()

    plan = make_plan(actual, desired, spec.allowed_changes)
    if plan.refusals:
        event("refused")
        assert plan.statements == ()
        return
    event(f"applied {len(plan.changes)} changes" if plan.changes else "no change")
    kept = untouched(plan, actual, desired)
    values_kept = live.rows(kept)
    error = live.apply(plan)
    if error is not None:
        # Only a value that does not convert may stop a plan that was not refused; the table is as it was.
        event("a value stopped it")
        assert any(statement.column for statement in plan.together), error
        assert str(getattr(error.orig, "pgcode", "")).startswith(("22", "23")), error
        assert live.rows() == before
        return
    left = diff(live.read(), desired)
    assert [str(change) for change in left] == []
    assert make_plan(live.read(), desired, ()).statements == ()
    assert live.rows(kept) == values_kept
    assert len(live.rows()) == len(before)


def untouched(plan: Any, actual: Any, desired: Any) -> list[str]:
    """The columns that both have under one name and that the plan does not make anew."""
    touched = {
        *plan.touched,
        *(str(change.desired) for change in plan.changes if type(change).__name__ == "RenameColumn"),
    }
    return [name for name in actual.columns.keys() if name in desired.columns and name not in touched]  # noqa: SIM118


def a_spec_of(raw: dict[str, Any]) -> Any:
    return a_spec(*raw["columns"], **{key: value for key, value in raw.items() if key != "columns"})
