"""The page `redshift_emulator/docs/conformance.md`: what the emulator makes of all that the Developer Guide lists.

`python -m tests.redshift_emulator.conformance.page` starts an emulator, runs the statements of probes.txt
and writes the page.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from unittest.mock import patch

import psycopg2
from psycopg2.extensions import connection as Connection  # noqa: N812

from tests.redshift_emulator.conftest import place, running

PROBES = Path(__file__).with_name("probes.txt")
ROOT = Path(__file__).parents[3]
PAGE = ROOT / "redshift_emulator" / "docs" / "conformance.md"
EMPTY_VIEWS = ROOT / "redshift_emulator" / "catalog" / "system_views.txt"
DATABASE = "conformance"
REFUSED = "PostgreSQL features that Redshift does not have"
LIMIT = "by this emulator"

SETUP = (
    "CREATE TABLE conf (a integer, b varchar(20), c date)",
    "INSERT INTO conf VALUES (1, 'one', '2026-01-01'), (2, 'two', '2026-01-02'), (3, 'three', '2026-01-03')",
)
HEAD = """# Conformance

What the emulator makes of every SQL command, function and system view of the Developer Guide's index, and of
PostgreSQL's features that Redshift does not have. One statement was run for each: a row says what it did, not that the
whole command works. [behaviour.md](behaviour.md) lists the differences in detail.

- **works**: it succeeds, with the documented result if it has one.
- **refused as on Redshift**: Redshift does not have it either.
- **differs**: it succeeds with another result, or although Redshift refuses it.
- **missing**: Redshift has it. The message names the emulator, so that nobody takes it for a refusal of Redshift.

`python -m tests.redshift_emulator.conformance.page` writes this page; a test compares it with what the emulator does.
"""


@dataclass(frozen=True)
class Probe:
    """A name of the guide's index, statements for it and the documented result of the last one ("" for any)."""

    section: str
    name: str
    statements: tuple[str, ...]
    documented: str


@dataclass(frozen=True)
class Outcome:
    """What the last statement did: its first value as text, or its error."""

    value: str = ""
    error: str = ""
    sqlstate: str = ""


@dataclass(frozen=True)
class Row:
    """A row of the page."""

    probe: Probe
    status: str
    detail: str = ""


Run = Callable[[Probe], Outcome]


def read_probes(text: str) -> Iterator[Probe]:
    """Yield the probes of a file. A section with a template has only names."""
    section = template = ""
    for line in text.splitlines():
        if line.startswith("## "):
            section, _, template = line[3:].partition(": ")
        elif line.startswith("#") or not line:
            continue
        elif template:
            for name in line.split():
                yield Probe(section, name, (template.format(name=name),), "")
        else:
            name, _, rest = line.partition(": ")
            statements, _, documented = rest.partition(" => ")
            yield Probe(section, name, tuple(statements.split(";; ")), documented)


def empty_views(text: str) -> frozenset[str]:
    """Return the names of the views that are always empty."""
    return frozenset(line.partition(":")[0] for line in text.splitlines() if line[:1].isalpha())


def judge(probe: Probe, outcome: Outcome, empty: frozenset[str]) -> Row:
    """Say what an outcome means."""
    if probe.section == REFUSED:
        if LIMIT in outcome.error:
            return Row(
                probe, "missing", "its message names the emulator, but Redshift refuses it, too"
            )
        if outcome.error:
            return Row(probe, "refused as on Redshift")
        return Row(probe, "differs", "Redshift refuses it")
    expected_error = probe.documented.removeprefix("error: ")
    if outcome.error:
        if expected_error != probe.documented and expected_error in outcome.error:
            return Row(probe, "works", "up to S3, which the probe does not reach")
        return Row(probe, "missing", "" if LIMIT in outcome.error else outcome.error)
    if probe.documented and not _equal(outcome.value, probe.documented):
        return Row(probe, "differs", f"gives `{outcome.value}` instead of `{probe.documented}`")
    if probe.name in empty:
        return Row(probe, "differs", "always empty")
    return Row(probe, "works")


def _equal(value: str, documented: str) -> bool:
    """Whether two texts are the same value; 2 is 2.0."""
    try:
        return Decimal(value) == Decimal(documented)
    except InvalidOperation:
        return value == documented


def render(rows: list[Row]) -> str:
    """Return the page."""
    sections: dict[str, list[Row]] = {}
    for row in rows:
        sections.setdefault(row.probe.section, []).append(row)
    lines = [HEAD, "| | " + " | ".join(_STATUSES) + " |", "|---" * (len(_STATUSES) + 1) + "|"]
    for section, members in sections.items():
        counts = Counter(row.status for row in members)
        lines.append(
            f"| {section} | " + " | ".join(str(counts[each] or "") for each in _STATUSES) + " |"
        )
    for section, members in sections.items():
        lines += ["", f"## {section}", "", "| | |", "|---|---|"]
        lines += [f"| {_escaped(row.probe.name)} | {_escaped(_shown(row))} |" for row in members]
    return "\n".join(lines) + "\n"


_STATUSES = ("works", "refused as on Redshift", "differs", "missing")


def _shown(row: Row) -> str:
    return f"{row.status}: {row.detail}" if row.detail else row.status


def _escaped(text: str) -> str:
    return text.replace("|", "\\|")


def runner(session: Connection) -> Run:
    """Return what runs a probe on a connection in autocommit. Afterwards no block is open."""

    def run(probe: Probe) -> Outcome:
        with session.cursor() as cursor:
            try:
                for statement in probe.statements:
                    cursor.execute(statement)
                row = cursor.fetchone() if cursor.description else None
            except psycopg2.Error as error:
                message = re.sub(r"\s+", " ", str(error)).strip()
                return Outcome(error=message or type(error).__name__, sqlstate=error.pgcode or "")
            finally:
                cursor.execute("ROLLBACK")
        value = row[0] if row else ""
        return Outcome(
            value=f"bytes {value.hex()}" if isinstance(value, memoryview) else str(value)
        )

    return run


def measure() -> list[Row]:
    """Start an emulator without AWS credentials and run all probes in an empty database."""
    kept = {name: text for name, text in os.environ.items() if not name.startswith("AWS_")}
    nowhere = {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
    environment = kept | nowhere | {"AWS_EC2_METADATA_DISABLED": "true"}
    with (
        tempfile.TemporaryDirectory() as folder,
        patch.dict(os.environ, environment, clear=True),
        running(Path(folder), "--databases", DATABASE) as process,
    ):
        host, port = place(process)
        session = psycopg2.connect(
            host=host, port=port, user="awsuser", dbname=DATABASE, sslmode="disable"
        )
        session.autocommit = True
        with closing(session):
            return _rows(session)


def _rows(session: Connection) -> list[Row]:
    with session.cursor() as cursor:
        for statement in SETUP:
            cursor.execute(statement)
    run = runner(session)
    empty = empty_views(EMPTY_VIEWS.read_text("utf-8"))
    probes = read_probes(PROBES.read_text("utf-8"))
    return [judge(probe, run(probe), empty) for probe in probes]


def unclear(rows: list[Row]) -> list[str]:
    """Return what is missing and refused with a message that does not name the emulator."""
    return [
        f"{row.probe.name}: {row.detail}" for row in rows if row.status == "missing" and row.detail
    ]


def main() -> int:
    """Write the page. Fail if a message does not name the emulator."""
    rows = measure()
    PAGE.write_text(render(rows), "utf-8")
    for line in unclear(rows):
        print(line, file=sys.stderr)  # noqa: T201
    return 1 if unclear(rows) else 0


if __name__ == "__main__":
    sys.exit(main())
