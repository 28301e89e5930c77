"""`etl check` and a load say the same about a file: the same verdict, the same place, the same warnings."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from etl_cli.main import main
from tests.e2e.conftest import Lake, columns

SPEC = columns(
    ("id", "INTEGER"), ("name", "VARCHAR(10)"), ("price", "NUMERIC(6,2)"), ("day", "DATE"), ("at", "TIMESTAMP"),
)  # fmt: skip
HEADER = "id,name,price,day,at\n"
GOOD = "1,a,1.50,2024-01-02,2024-01-02 03:04:05\n"
FILES: dict[str, str | bytes] = {
    "good": HEADER + GOOD,
    "surplus decimals": HEADER + GOOD + "2,b,0.125,,\n3,c,0.005,,\n",
    "time of day in a date": HEADER + "1,a,,2018-12-05 23:59:59,\n2,a,,2018-12-05T00:00:00Z,\n",
    "offset in a timestamp": HEADER
    + "1,a,,,2019-11-03T01:30:00-07:00\n2,a,,,2019-11-03T01:30:00Z\n",
    "nanoseconds": HEADER + "1,a,,,2024-01-02 03:04:05.123456789\n",
    "ambiguous dates": HEADER + "1,a,,01/02/2024,\n2,a,,13/02/2024,\n",
    "ambiguous timestamps": HEADER + "1,a,,,03/02/2018 10:21:42\n",
    "emptied rows": HEADER + GOOD + ",,,,\n,,,,\n",
    "a second header": HEADER + GOOD + HEADER,
    "NULL in numbers": HEADER + "NULL,a,,,\n",
    "a long text": HEADER + "1,Größenwahn,,,\n",
    "milliseconds since 1970": HEADER + "1,a,,,1593891864000\n",
    "a field too few": HEADER + GOOD + "1,a\n",
    "a delimiter at the end": HEADER + "1,a,,,,\n",
    "a quote within a field": HEADER + '1,"a"b,,,\n',
    "a quote never closed": HEADER + GOOD + '1,"a,,,\n2,b,,,\n',
    "semicolons": HEADER.replace(",", ";") + "1;a;;;\n",
    "no header": GOOD,
    "CR CR LF": (HEADER + GOOD).replace("\n", "\r\r\n"),
    "Latin-1": (HEADER + "1,größe,,,\n").encode("latin-1"),
    "JSON": '{"id": 1}\n',
}


def test_check_and_load_agree(lake: Lake, tmp_path: Path) -> None:
    table = lake.table("agree")
    lake.drop(f"dev/schema/{table}/s.json", SPEC)
    versions = {
        name: lake.put(f"dev/append/{table}/{number}.csv", content)
        for number, (name, content) in enumerate(FILES.items())
    }

    loaded = {
        name: _of_entry(lake.entry(table, version, 120)) for name, version in versions.items()
    }

    assert loaded == {name: _of_check(tmp_path, content) for name, content in FILES.items()}


def _of_entry(entry: dict[str, Any]) -> tuple[bool, int | None, list[tuple[Any, ...]]]:
    """Return whether the file loads, the line of its first fault, and its warnings."""
    warnings = [
        (each["kind"], each["count"], each["line"], each.get("column"))
        for each in entry.get("warnings", ())
    ]
    return entry["status"] == "loaded", entry.get("error", {}).get("line"), warnings


def _of_check(folder: Path, content: str | bytes) -> tuple[bool, int | None, list[tuple[Any, ...]]]:
    data, schema = folder / "data.csv", folder / "schema.json"
    data.write_bytes(content.encode() if isinstance(content, str) else content)
    schema.write_text(json.dumps(SPEC))
    report = json.loads(
        CliRunner().invoke(main, ["check", str(schema), str(data), "--json"]).stdout
    )
    warnings = [
        (each["kind"], each["count"], each["line"], each["column"]) for each in report["warnings"]
    ]
    line = report["faults"][0]["line"] if report["faults"] else None
    return report["valid"], line, [] if report["faults"] else warnings
