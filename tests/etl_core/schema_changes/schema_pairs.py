"""Hypothesis strategies for two schema files of one table, the actual and the desired one, and for
rows of the actual table.

Most desired files are edits that people make, with the permissions that they need, so that there is
a plan. The others are any files.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from hypothesis import strategies as st

from etl_core.schema_changes.conversions import Conversion, conversion
from etl_core.schema_files.column_types import parse_column_type
from etl_core.schema_files.schema_rules import ENCODINGS

Json = dict[str, Any]

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
    "VARBYTE(3)": ("binary varying", [b"", b"abc"]),
    "VARBYTE(8)": ("binary varying", [b"\\x", b"abcdefgh"]),
    "SUPER": ("super", []),
}
NAMES = ["a", "b", "Order", "é x"]
_NEW_NAMES = ["n1", "N 2"]
CHANGES = ["retype", "nullability", "default", "drop", "narrow"]
_DESCRIPTIONS = st.sampled_from(["x", "it's \\ 5%", ""])


def _often(draw: st.DrawFn, percent: int) -> bool:
    return draw(st.integers(1, 100)) <= percent


@st.composite
def pairs(draw: st.DrawFn) -> tuple[Json, Json, list[Json]]:
    """The actual file, the desired file with its allowed_changes, and two rows."""
    actual = draw(files())
    desired = draw(edited(actual) if _often(draw, 90) else files(actual))
    some = st.lists(st.sampled_from(CHANGES), unique=True)
    desired["allowed_changes"] = draw(some) if _often(draw, 12) else CHANGES
    not_null = {
        column.get("renamed_from", column["name"])
        for column in desired["columns"]
        if not column.get("nullable", True)
    }
    without_null = not_null if _often(draw, 80) else set()
    return actual, desired, [draw(rows(actual, without_null)) for _ in range(2)]


@st.composite
def rows(draw: st.DrawFn, file: Json, without_null: Collection[str]) -> Json:
    """A row that the table accepts: NULL only if the column is nullable, no value for an identity."""
    row: Json = {}
    without_null = {*without_null, *file.get("primary_key", [])}
    for column in file["columns"]:
        values = VALUES[column["type"]][1]
        nullable = column.get("nullable", True) and column["name"] not in without_null
        if values and "identity" not in column:
            row[column["name"].lower()] = draw(
                st.sampled_from([*values, None] if nullable else values)
            )
    return row


@st.composite
def columns(draw: st.DrawFn, name: str) -> Json:
    """A column. Its default is one of the values of its type."""
    kind, (plain, values) = draw(st.sampled_from(sorted(VALUES.items())))
    column: Json = {"name": name, "type": kind}
    chance = draw(st.integers(0, 11))
    if plain in ("integer", "bigint") and chance == 0:
        return column | {"identity": [1, 1]}
    if values and chance % 3 == 0 and not kind.startswith("VARBYTE"):
        column["default"] = draw(st.sampled_from(values))
    if plain.startswith(("date", "timestamp")) and chance == 1:
        function = draw(st.sampled_from(["SYSDATE", "GETDATE", "CURRENT_DATE"]))
        column["default"] = {"function": function}
    column["nullable"] = kind == "SUPER" or draw(st.integers(0, 5)) > 0
    if chance > 8:
        column["encode"] = draw(_encodings(kind))
    if chance in (2, 5):
        column["description"] = draw(_DESCRIPTIONS)
    return column


def _encodings(kind: str) -> st.SearchStrategy[str]:
    return st.sampled_from(
        ["raw", *sorted(name for name, kinds in ENCODINGS.items() if VALUES[kind][0] in kinds)]
    )


@st.composite
def files(draw: st.DrawFn, base: Json | None = None) -> Json:
    """A schema file. With a base, it keeps most columns of the base and may rename them."""
    kept = {column["name"]: column for column in base["columns"]} if base else {}
    names = draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=4, unique=True))
    chosen = [
        dict(kept[name]) if name in kept and draw(st.integers(0, 2)) else draw(columns(name))
        for name in names
    ]
    free = [name for name in kept if name not in names]
    for column in chosen if free else []:
        if column["name"] not in kept and draw(st.booleans()):
            column["renamed_from"] = draw(st.sampled_from(free))
            if draw(st.booleans()):
                old = kept[column["renamed_from"]]
                names_only = {key: column[key] for key in ("name", "renamed_from")}
                column.clear()
                column.update(old | names_only)
    file: Json = {"columns": chosen}
    _draw_keys(draw, file, chosen)
    if draw(st.booleans()):
        file["description"] = "the table"
    return file


def _draw_keys(draw: st.DrawFn, file: Json, candidates: list[Json]) -> None:
    keys = [
        column["name"]
        for column in candidates
        if VALUES[column["type"]][0] not in ("super", "binary varying")
    ]
    primary = [
        column["name"]
        for column in candidates
        if not column.get("nullable", "identity" not in column)
    ]
    for part, names in (("primary_key", primary), ("sortkey", keys)):
        if names and draw(st.integers(0, 3)) == 0:
            file[part] = draw(st.lists(st.sampled_from(names), min_size=1, max_size=2, unique=True))
    if draw(st.integers(0, 2)) == 0:
        file["diststyle"] = draw(st.sampled_from(["EVEN", "ALL", *(["KEY"] if keys else [])]))
        if file["diststyle"] == "KEY":
            file["distkey"] = draw(st.sampled_from(keys))


@st.composite
def edited(draw: st.DrawFn, base: Json) -> Json:
    """The file after edits: columns dropped, renamed, changed and added; other keys."""
    edits = [(column, draw(_edited_column(base, column))) for column in base["columns"]]
    kept = [(column, copy) for column, copy in edits if copy is not None]
    if not kept:
        return {**base}
    dropped = [column["type"] for column, copy in edits if copy is None]
    added = draw(_added(dropped)) if _often(draw, 40) else []
    file: Json = {"columns": draw(st.permutations([*(copy for _, copy in kept), *added]))}
    not_rebuilt = [copy for column, copy in kept if not _is_rebuilt(column, copy)]
    if not_rebuilt and _often(draw, 15):
        _draw_keys(draw, file, not_rebuilt)
    else:
        _keep_keys(file, base, {column["name"]: copy["name"] for column, copy in kept})
    return file


@st.composite
def _edited_column(draw: st.DrawFn, base: Json, column: Json) -> Json | None:
    """The column, perhaps changed or renamed; None if it is dropped."""
    is_fixed = "identity" in column or column["name"] in (
        *base.get("sortkey", []),
        base.get("distkey"),
    )
    in_primary_key = column["name"] in base.get("primary_key", [])
    can_be_dropped = not is_fixed and not in_primary_key and len(base["columns"]) > 1
    if can_be_dropped and _often(draw, 12):
        return None
    copy = dict(column) if is_fixed or _often(draw, 35) else draw(_changed(column, in_primary_key))
    if _often(draw, 15):
        copy |= {"name": draw(_new_name(column["name"])), "renamed_from": column["name"]}
    return copy


def _is_rebuilt(column: Json, copy: Json) -> bool:
    return any(copy.get(facet) != column.get(facet) for facet in ("type", "nullable", "default"))


def _keep_keys(file: Json, base: Json, names: dict[str, str]) -> None:
    for part in ("primary_key", "sortkey"):
        if part in base:
            file[part] = [names[name] for name in base[part]]
    if "distkey" in base:
        file["distkey"] = names[base["distkey"]]


def _new_name(name: str) -> st.SearchStrategy[str]:
    return st.sampled_from([f"{name}_2", f"New {name}"])


@st.composite
def _changed(draw: st.DrawFn, column: Json, in_primary_key: bool) -> Json:
    copy = dict(column)
    facets = st.sampled_from(["type", "nullable", "default", "encode", "description"])
    for facet in draw(st.lists(facets, min_size=1, unique=True)):
        match facet:
            case "type":
                for option in ("encode", "default"):
                    copy.pop(option, None)
                types = _castable(column["type"], keeps_values=_often(draw, 80))
                copy["type"] = draw(st.sampled_from(types))
            case "nullable" if not in_primary_key and copy["type"] != "SUPER":
                copy["nullable"] = not copy.get("nullable", True)
            case "default":
                copy.pop("default", None)
            case "encode":
                copy["encode"] = draw(_encodings(copy["type"]))
            case "description":
                copy["description"] = draw(_DESCRIPTIONS)
    is_null = copy.get("nullable", True) and not in_primary_key
    plain = VALUES[copy["type"]][0]
    if (
        copy != column
        and "default" not in copy
        and VALUES[copy["type"]][1]
        and plain != "binary varying"
        and (not is_null or _often(draw, 30))
    ):
        copy["default"] = draw(st.sampled_from(VALUES[copy["type"]][1]))
    return copy


def _castable(kind: str, *, keeps_values: bool) -> list[str]:
    """The types to which there is a cast.

    `keeps_values`: only types that hold every value of this one.
    """
    actual = parse_column_type(kind)
    casts = {other: conversion(actual, parse_column_type(other)) for other in VALUES}
    if keeps_values:
        keeping = [
            other for other, effect in casts.items() if effect is Conversion.KEEPS or other == kind
        ]
        return [other for other in keeping if actual.is_text == parse_column_type(other).is_text]
    return [other for other, effect in casts.items() if effect is not Conversion.NONE]


@st.composite
def _added(draw: st.DrawFn, dropped: list[str]) -> list[Json]:
    """New columns. None has the type of a dropped column, because that looks like a rename."""
    added = [
        draw(columns(name))
        for name in draw(st.lists(st.sampled_from(_NEW_NAMES), min_size=1, unique=True))
    ]
    for column in added:
        column.pop("identity", None)
        if "default" not in column:
            column["nullable"] = True
    return [column for column in added if column["type"] not in dropped]
