"""Stories of uploads, and what the sequential run makes of them: each once, in landed order, those with a fault as nothing."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from hypothesis import strategies as st

TABLES = 2
MOST_STEPS = 44
"""A few more than an append has, from `received` to its answer."""

Action = Literal["schema", "append", "truncate"]
Row = tuple[tuple[str, Any], ...]


@dataclass(frozen=True)
class Landed:
    """One upload. `version` counts the accepted schema files of its table, itself included; `slot` is its name in the lake."""

    number: int
    table: int
    action: Action
    version: int
    slot: int = 0
    lines: int = 1
    fault: Literal["", "value", "header"] = ""

    @property
    def file(self) -> str:
        return f"{self.slot}.{'json' if self.action == 'schema' else 'csv'}"

    @property
    def rows(self) -> list[Row]:
        """What it puts into its table, nulls left out."""
        extras = [
            (name, str(self.number))
            for name in columns_of(self.version)
            if name.startswith("extra")
        ]
        ids = range(self.number * 100, self.number * 100 + self.lines)
        return [(("id", str(each)), ("file", f"u{self.number}"), *extras) for each in ids]

    @property
    def content(self) -> str:
        if self.action == "schema":
            return "{" if self.fault else json.dumps(schema_file(self.version))
        header = "id,flie" if self.fault == "header" else ",".join(columns_of(self.version))
        lines = [",".join(value for _, value in row) for row in self.rows]
        if self.fault == "value":
            lines.append(",".join(["x", *["1"] * (len(columns_of(self.version)) - 1)]))
        return "\n".join([header, *lines, ""])


@dataclass(frozen=True)
class Delivery:
    """One event, delivered; `kills` as the machine takes them. `waits`: those before it have ended or wait for something."""

    number: int
    kills: tuple[int, ...] = ()
    waits: bool = False


@dataclass(frozen=True)
class Story:
    """Uploads in landed order, deliveries in the order in which they come."""

    landed: tuple[Landed, ...]
    deliveries: tuple[Delivery, ...]

    def of_table(self, table: int) -> list[Landed]:
        return [each for each in self.landed if each.table == table]


def columns_of(version: int) -> list[str]:
    """Every second version adds a column, the others widen one."""
    return ["id", "file", *[f"extra{number}" for number in range(2, version + 1, 2)]]


def schema_file(version: int) -> dict[str, Any]:
    kinds = {"id": "INTEGER", "file": f"VARCHAR({10 + 5 * (version // 2)})"}
    columns = [{"name": name, "type": kinds.get(name, "INTEGER")} for name in columns_of(version)]
    return {"schema_version": str(version), "columns": columns}


def rows_of(uploads: Sequence[Landed]) -> Counter[Row]:
    """A table after the sequential run of its uploads, as a multiset."""
    rows: Counter[Row] = Counter()
    for upload in uploads:
        if upload.fault or upload.action == "schema":
            continue
        if upload.action == "truncate":
            rows.clear()
        rows.update(upload.rows)
    return rows


def statuses_of(upload: Landed, uploads: Sequence[Landed]) -> set[str]:
    """The final statuses that are right for an upload among those of its table."""
    voids = "schema" if upload.action == "schema" else "truncate"
    later = [
        each
        for each in uploads
        if each.action == voids and not each.fault and each.number > upload.number
    ]
    if upload.action == "schema" and upload.fault:
        return {"rejected"}
    own = {"applied", "unchanged"} if upload.action == "schema" else {"loaded"}
    if upload.fault:
        own = {"failed"} if upload.fault == "value" else {"rejected"}
    return own | ({"superseded"} if later else set())


@st.composite
def uploads(draw: st.DrawFn, most: int) -> list[Landed]:
    """A table's first upload is its schema file; later ones add a nullable column or widen one, or say the same again."""
    versions, made = [0] * TABLES, list[Landed]()
    for number in range(draw(st.integers(4, most))):
        table = draw(st.integers(0, TABLES - 1)) if number else 0
        action, fault = draw(st.sampled_from(_KINDS)) if versions[table] else ("schema", "")
        if action == "schema" and not fault and (not versions[table] or draw(st.booleans())):
            versions[table] += 1
        slot = draw(st.integers(0, 3))
        made.append(
            Landed(number, table, action, versions[table], slot, draw(st.integers(0, 3)), fault)
        )
    return made


_KINDS: list[tuple[Action, Any]] = [
    *[("append", "")] * 8,
    *[("truncate", "")] * 5,
    *[("schema", "")] * 3,
    ("append", "value"),
    ("append", "header"),
    ("truncate", "value"),
    ("schema", "value"),
]


@st.composite
def stories(draw: st.DrawFn, most: int = 10) -> Story:
    """Every upload is delivered, some of them again; in any order; with up to two deaths on the way of each."""
    landed = draw(uploads(most))
    again = draw(st.lists(st.sampled_from(landed), max_size=4))
    kills = st.lists(st.integers(1, MOST_STEPS), max_size=2).map(tuple)
    order = draw(st.permutations([*landed, *again]))
    pauses = draw(st.sets(st.integers(1, len(order)), max_size=4))
    deliveries = [
        Delivery(each.number, draw(kills), index in pauses) for index, each in enumerate(order)
    ]
    return Story(tuple(landed), tuple(deliveries))


def a_story(uploads: Sequence[Landed], *deliveries: int | tuple[int, ...]) -> Story:
    """A story of these uploads; a delivery is a number, or a number and its kills; each waits for the one before."""
    pairs = [each if isinstance(each, tuple) else (each,) for each in deliveries]
    return Story(
        tuple(uploads),
        tuple(Delivery(number, tuple(kills), waits=True) for number, *kills in pairs),
    )
