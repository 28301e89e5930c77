"""Scenarios of uploads, and the expected tables: accepted uploads applied once each, in arrival order."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from hypothesis import strategies as st

TABLES = 2
MAX_STEPS = 56
"""A few more than the steps of an append, from `received` to its final status."""

Action = Literal["schema", "append", "truncate", "upsert"]
Row = tuple[tuple[str, Any], ...]


@dataclass(frozen=True)
class ScenarioUpload:
    """One upload.

    `version` counts the accepted schema files of its table until then, including itself. `slot`
    names its file and chooses its ids: uploads of one slot have ids in common.
    """

    number: int
    table: int
    action: Action
    version: int
    slot: int = 0
    lines: int = 1
    fault: Literal["", "value", "header", "key"] = ""

    @property
    def file(self) -> str:
        return f"{self.slot}.{'json' if self.action == 'schema' else 'csv'}"

    @property
    def rows(self) -> list[Row]:
        """Return the rows that it adds to its table, without nulls."""
        extras = [
            (name, str(self.number))
            for name in columns_of(self.version)
            if name.startswith("extra")
        ]
        ids = range(self.slot, self.slot + self.lines)
        return [(("id", str(each)), ("file", f"u{self.number}"), *extras) for each in ids]

    @property
    def content(self) -> str:
        if self.action == "schema":
            return "{" if self.fault else json.dumps(schema_file(self.version))
        header = "id,flie" if self.fault == "header" else ",".join(columns_of(self.version))
        lines = [",".join(value for _, value in row) for row in self.rows]
        if self.fault == "key":
            lines += [",".join(["9", *["1"] * (len(columns_of(self.version)) - 1)])] * 2
        if self.fault == "value":
            lines.append(",".join(["x", *["1"] * (len(columns_of(self.version)) - 1)]))
        return "\n".join([header, *lines, ""])


@dataclass(frozen=True)
class Delivery:
    """One delivery of an event.

    `kills`: see StateMachineInterpreter.run. `waits`: it starts after a pause.
    """

    number: int
    kills: tuple[int, ...] = ()
    waits: bool = False


@dataclass(frozen=True)
class Scenario:
    """Uploads in arrival order, and their deliveries in another order."""

    uploads: tuple[ScenarioUpload, ...]
    deliveries: tuple[Delivery, ...]

    def of_table(self, table: int) -> list[ScenarioUpload]:
        return [each for each in self.uploads if each.table == table]


def columns_of(version: int) -> list[str]:
    """Return the columns of a schema version.

    Every second version adds a column; the others widen one.
    """
    return ["id", "file", *[f"extra{number}" for number in range(2, version + 1, 2)]]


def schema_file(version: int) -> dict[str, Any]:
    """Return the schema file of a version."""
    kinds = {"id": "INTEGER", "file": f"VARCHAR({10 + 5 * (version // 2)})"}
    columns = [{"name": name, "type": kinds.get(name, "INTEGER")} for name in columns_of(version)]
    return {
        "schema_version": str(version),
        "columns": columns,
        "primary_key": ["id"],
        "allowed_operations": ["append", "truncate", "upsert", "schema"],
    }


def rows_of(uploads: Sequence[ScenarioUpload]) -> Counter[Row]:
    """Return the table after its uploads were applied one after another, as a multiset."""
    rows: Counter[Row] = Counter()
    for upload in uploads:
        if upload.fault or upload.action == "schema":
            continue
        if upload.action == "truncate":
            rows.clear()
        if upload.action == "upsert":
            keys = {dict(row)["id"] for row in upload.rows}
            rows = Counter({row: n for row, n in rows.items() if dict(row)["id"] not in keys})
        rows.update(upload.rows)
    return rows


def statuses_of(upload: ScenarioUpload, uploads: Sequence[ScenarioUpload]) -> set[str]:
    """Return the correct final statuses of an upload, given all uploads of its table."""
    superseding = "schema" if upload.action == "schema" else "truncate"
    later = [
        each
        for each in uploads
        if each.action == superseding and not each.fault and each.number > upload.number
    ]
    if upload.action == "schema" and upload.fault:
        return {"rejected"}
    without_later = {"applied", "unchanged"} if upload.action == "schema" else {"loaded"}
    if upload.fault:
        without_later = {"rejected"}
    return without_later | ({"superseded"} if later else set())


@st.composite
def drawn_uploads(draw: st.DrawFn, most: int) -> list[ScenarioUpload]:
    """Draw uploads.

    The first upload of a table is its schema file; later ones add a nullable column, widen one, or
    repeat it.
    """
    versions, drawn = [0] * TABLES, list[ScenarioUpload]()
    for number in range(draw(st.integers(4, most))):
        table = draw(st.integers(0, TABLES - 1)) if number else 0
        action, fault = draw(st.sampled_from(_KINDS)) if versions[table] else ("schema", "")
        if action == "schema" and not fault and (not versions[table] or draw(st.booleans())):
            versions[table] += 1
        slot = draw(st.integers(0, 3))
        drawn.append(
            ScenarioUpload(
                number, table, action, versions[table], slot, draw(st.integers(0, 3)), fault
            )
        )
    return drawn


_KINDS: list[tuple[Action, Any]] = [
    *[("append", "")] * 8,
    *[("upsert", "")] * 8,
    *[("truncate", "")] * 4,
    *[("schema", "")] * 3,
    ("append", "value"),
    ("append", "header"),
    ("truncate", "value"),
    ("upsert", "value"),
    ("upsert", "key"),
    ("schema", "value"),
]


@st.composite
def scenarios(draw: st.DrawFn, most: int = 10) -> Scenario:
    """Draw a scenario.

    Every upload is delivered, some repeatedly, in any order, with up to two kills per delivery.
    """
    uploads = draw(drawn_uploads(most))
    repeated = draw(st.lists(st.sampled_from(uploads), max_size=4))
    kills = st.lists(st.integers(1, MAX_STEPS), max_size=2).map(tuple)
    order = draw(st.permutations([*uploads, *repeated]))
    pauses = draw(st.sets(st.integers(1, len(order)), max_size=4))
    deliveries = [
        Delivery(each.number, draw(kills), index in pauses) for index, each in enumerate(order)
    ]
    return Scenario(tuple(uploads), tuple(deliveries))


def a_scenario(uploads: Sequence[ScenarioUpload], *deliveries: int | tuple[int, ...]) -> Scenario:
    """Return a scenario of these uploads.

    A delivery is a number, or a number and its kills. Each waits for the one before it.
    """
    pairs = [each if isinstance(each, tuple) else (each,) for each in deliveries]
    return Scenario(
        tuple(uploads),
        tuple(Delivery(number, tuple(kills), waits=True) for number, *kills in pairs),
    )
