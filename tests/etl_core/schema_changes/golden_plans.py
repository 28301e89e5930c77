"""Golden files of plans: the live table, the table of the schema file, and the plan or the refusals.

    -- A title
    -- actual:  id bigint not null, name varchar(32)
    -- desired: id bigint not null, name varchar(64)
    -- with:    sortkey=["id"] allowed_changes=["drop"]
    -- plan
    ALTER TABLE ...;  -- autocommit, widen: reason
    -- refused: message. Detail. Hint

`with` has options of the desired table, `actual with` options of the live one. A column is
`name type [not null] [default JSON] [encode e] [identity(seed,step)] [renamed from x]
[described "text"]`.
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
    r'(?: default (?P<default>\{[^}]*\}|"[^"]*"|\S+?))?(?: encode (?P<encode>\w+))?'
    r"(?: identity\((?P<identity>\d+,\d+)\))?"
    r'(?: renamed from (?P<renamed_from>\w+))?(?: described "(?P<description>[^"]*)")?\s*(?:,|$)'
)


@dataclass(frozen=True)
class GoldenPlan:
    """A golden file."""

    path: Path
    head: str
    expected: str
    actual: sa.Table | None
    spec: SchemaFile

    @property
    def desired(self) -> sa.Table:
        """The table of the schema file."""
        return table_of_schema_file(self.spec, TABLE)

    def plan(self) -> Plan:
        """Return the plan from the live table to the desired one."""
        return make_plan(self.actual, self.desired, self.spec.allowed_changes)

    def text(self) -> str:
        """Return what the file should contain."""
        return self.head + "".join(f"{line}\n" for line in describe(self.plan()))


def golden_plans() -> list[GoldenPlan]:
    """Return all golden files."""
    return [read(path) for path in sorted(FOLDER.glob("*.sql"))]


def read(path: Path) -> GoldenPlan:
    """Read a golden file. The expected plan follows the line `-- plan`."""
    text = path.read_text()
    head, mark, expected = text.partition("-- plan\n")
    parts = dict(re.findall(r"^-- (actual|desired|with|actual with):\s+(.*)$", head, re.MULTILINE))
    actual = None
    if parts["actual"] != NO_TABLE:
        table = table_of_schema_file(_spec(parts["actual"], parts.get("actual with", "")), TABLE)
        actual = parse_table(TABLE, catalog_rows(table))
    return GoldenPlan(
        path, head + mark, expected, actual, _spec(parts["desired"], parts.get("with", ""))
    )


def describe(plan: Plan) -> Iterator[str]:
    """Yield the lines after `-- plan`."""
    for refusal in dict.fromkeys(map(str, plan.refusals)):
        yield f"-- refused: {refusal}"
    for statement in plan.statements:
        mode = "" if statement.transactional else "autocommit, "
        yield f"{statement.sql};  -- {mode}{statement.change_class}: {statement.why}"
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
        parts = match.groupdict()
        column: dict[str, Any] = {
            "name": parts["name"].strip('"'),
            "type": parts["type"],
            "nullable": parts["not_null"] is None,
        }
        if parts["default"] is not None:
            column["default"] = json.loads(parts["default"])
        if parts["identity"] is not None:
            identity = [int(number) for number in parts["identity"].split(",")]
            column |= {"identity": identity, "nullable": False}
        for option in ("encode", "renamed_from", "description"):
            if parts[option] is not None:
                column[option] = parts[option]
        yield column
        place = match.end()
