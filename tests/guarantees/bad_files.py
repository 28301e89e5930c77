"""Files that are each at fault in another way, and what the answer to each must say."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from dataclasses import dataclass

COLUMNS = (("id", "INTEGER"), ("day", "DATE"), ("note", "VARCHAR(10)"))
_HEADER = "id,day,note\n"


@dataclass(frozen=True)
class BadFile:
    """A file, and a text that only the true answer to it has."""

    name: str
    content: bytes
    reason: str


def _row(row: str, reason: str, header: str = _HEADER) -> tuple[bytes, str]:
    return (header + row + "\n").encode(), reason


KINDS: dict[str, Callable[[int], tuple[bytes, str]]] = {
    "no integer": lambda n: _row(f"x{n},2026-01-01,a", f"line 2, column 'id', value 'x{n}'"),
    "text too long": lambda n: _row(f"1,2026-01-01,{n:011}", f"value '{n:011}'"),
    "no date": lambda n: _row(f"1,2026-13-{n},a", f"value '2026-13-{n}'"),
    "ambiguous date": lambda n: _row(
        f"1,0{1 + n % 9}/1{n % 3}/2024,a", f"'0{1 + n % 9}/1{n % 3}/2024'"
    ),
    "unknown column": lambda n: _row("1,2026-01-01,a", f"'more{n}'", f"id,day,more{n}\n"),
    "missing column": lambda n: _row("1,2026-01-01", "'note' is missing", "id,day\n"),
    "other delimiter": lambda n: _row("1;2026-01-01;a", "';'", "id;day;note\n"),
    "field missing": lambda n: _row(f"{n},2026-01-01", "line 2: has 2 fields"),
    "field surplus": lambda n: _row(f"{n},2026-01-01,a,b", "line 2: has 4 fields"),
    "open quote": lambda n: _row(f'{n},2026-01-01,"a', "line 2: has a quote that is never closed"),
    "NUL": lambda n: _row(f"{n},2026-01-01,a\0b", "line 2"),
    "Latin-1": lambda n: (f"{_HEADER}{n},2026-01-01,caf\xe9\n".encode("latin-1"), "line 2"),
    "UTF-16": lambda n: (f"{_HEADER}{n},2026-01-01,a\n".encode("utf-16"), "UTF-16"),
    "spreadsheet": lambda n: (b"PK\x03\x04" + bytes([n % 256]) * 40, "zip"),
    "cut gzip": lambda n: (gzip.compress(f"{_HEADER}{n},2026-01-01,a\n".encode() * 9)[:-9], "GZIP"),
    "empty": lambda n: (b"", "empty"),
}


def bad_file(number: int) -> BadFile:
    """Return the bad file with this number; the kinds take turns."""
    kind = list(KINDS)[number % len(KINDS)]
    content, reason = KINDS[kind](number)
    suffix = "csv.gz" if kind == "cut gzip" else "csv"
    return BadFile(f"{kind.replace(' ', '-')}-{number}.{suffix}", content, reason)
