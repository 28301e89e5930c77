"""Golden files of plans: what the table is, what the schema file says, and the plan or why there is none.

    -- A title in plain words
    -- actual:  id bigint not null, name varchar(32)
    -- desired: id bigint not null, name varchar(64)
    -- with:    sortkey=["id"] allowed_changes=["drop"]          (of the desired table; `actual with:` is of the actual one)
    -- plan
    ALTER TABLE ...;  -- alone, widen: why
    -- refused: why

A column is `name type [not null] [default JSON] [encode e] [identity(seed,step)] [renamed from x] [described "text"]`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from etl_core.schema_changes.live_table import parse_table
from etl_core.schema_changes.plan import Plan, make_plan
from etl_core.schema_files.schema_file import SchemaFile
from etl_core.schema_files.tables import table_of_schema_file
from tests.builders import TABLE, a_spec
from tests.fakes import catalog_rows

FOLDER = Path(__file__).parent / "plans"
NO_TABLE = "no table"
_COLUMN = re.compile(
    r'\s*(?P<name>"[^"]+"|\w+) (?P<type>double precision|\w+(?:\([\d, ]+\))?)(?P<not_null> not null)?'
    r'(?: default (?P<default>\{[^}]*\}|"[^"]*"|\S+?))?(?: encode (?P<encode>\w+))?(?: identity\((?P<identity>\d+,\d+)\))?'
    r'(?: renamed from (?P<renamed_from>\w+))?(?: described "(?P<description>[^"]*)")?\s*(?:,|$)'
)


@dataclass(frozen=True)
class Story:
    """One golden file, read."""

    path: Path
    head: str
    expected: str
    actual: sa.Table | None
    spec: SchemaFile

    @property
    def desired(self) -> sa.Table:
        """The table of its schema file."""
        return table_of_schema_file(self.spec, TABLE)

    def plan(self) -> Plan:
        """The plan from the one to the other."""
        return make_plan(self.actual, self.desired, self.spec.allowed_changes)

    def told(self) -> str:
        """The whole file as it should be."""
        return self.head + "".join(f"{line}\n" for line in describe(self.plan()))


def stories() -> list[Story]:
    """All golden files."""
    return [read(path) for path in sorted(FOLDER.glob("*.sql"))]


def read(path: Path) -> Story:
    """A golden file. The part behind `-- plan` is what is expected."""
    text = path.read_text()
    head, mark, expected = text.partition("-- plan\n")
    parts = dict(re.findall(r"^-- (actual|desired|with|actual with):\s+(.*)$", head, re.MULTILINE))
    actual = None
    if parts["actual"] != NO_TABLE:
        made = table_of_schema_file(_spec(parts["actual"], parts.get("actual with", "")), TABLE)
        actual = parse_table(TABLE, catalog_rows(made))
    return Story(
        path, head + mark, expected, actual, _spec(parts["desired"], parts.get("with", ""))
    )


def describe(plan: Plan) -> Iterator[str]:
    """The lines behind `-- plan`."""
    for refusal in dict.fromkeys(map(str, plan.refusals)):
        yield f"-- refused: {refusal}"
    for statement in plan.statements:
        alone = "" if statement.transactional else "alone, "
        yield f"{statement.sql};  -- {alone}{statement.change_class}: {statement.why}"
    if not plan.refusals and not plan.statements:
        yield "-- nothing to do"


def _spec(columns: str, more: str) -> SchemaFile:
    options = {
        name: json.loads(value) for name, value in re.findall(r"(\w+)=(\[[^]]*\]|\"[^\"]*\")", more)
    }
    return a_spec(*_columns(columns), **options)


def _columns(text: str) -> Iterator[dict[str, Any]]:
    place = 0
    while place < len(text):
        match = _COLUMN.match(text, place)
        if match is None:
            raise ValueError(f"not a column: {text[place:]!r}")
        found = match.groupdict()
        made: dict[str, Any] = {
            "name": found["name"].strip('"'),
            "type": found["type"],
            "nullable": found["not_null"] is None,
        }
        if found["default"] is not None:
            made["default"] = json.loads(found["default"])
        if found["identity"] is not None:
            made |= {
                "identity": [int(part) for part in found["identity"].split(",")],
                "nullable": False,
            }
        made |= {
            part: found[part]
            for part in ("encode", "renamed_from", "description")
            if found[part] is not None
        }
        yield made
        place = match.end()
