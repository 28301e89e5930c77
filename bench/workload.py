"""The files that are loaded: the same bytes for the same number of rows, on every machine."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

COLUMNS = (
    ("id", "BIGINT"),
    ("small", "INTEGER"),
    ("amount", "NUMERIC(12,2)"),
    ("day", "DATE"),
    ("seen", "TIMESTAMP"),
    ("flag", "BOOLEAN"),
    ("ratio", "DOUBLE PRECISION"),
    ("name", "VARCHAR(64)"),
    ("note", "VARCHAR(256)"),
    ("code", "VARCHAR(2)"),
)
HEADER = (",".join(name for name, _ in COLUMNS) + "\n").encode()
DDL_COLUMNS = ", ".join(f"{name} {kind}" for name, kind in COLUMNS)
_CHUNK = 50_000


def schema_file() -> bytes:
    """Return the schema file of the table."""
    columns = [{"name": name, "type": kind} for name, kind in COLUMNS]
    return json.dumps({"schema_version": "1", "columns": columns}).encode()


def row(number: int) -> bytes:
    """Return one row of about 95 bytes: ten columns of mixed types, one of them quoted."""
    return (
        b'%d,%d,%d.%02d,20%02d-%02d-%02d,2023-05-06 07:08:%02d,%s,%.4f,name %d,"text, with %d",ab\n'
        % (
            number * 1003,
            number % 1000,
            number,
            number % 100,
            number % 24,
            number % 12 + 1,
            number % 28 + 1,
            number % 60,
            b"f" if number % 2 else b"t",
            number / 7,
            number,
            number % 999,
        )
    )


def chunks(rows: int, first: int = 0) -> Iterator[bytes]:
    """Yield a CSV file with a header in parts."""
    yield HEADER
    for start in range(first, first + rows, _CHUNK):
        yield b"".join(map(row, range(start, min(start + _CHUNK, first + rows))))


def content(rows: int, first: int = 0) -> bytes:
    """Return a CSV file with a header and these rows, counted from `first`."""
    return b"".join(chunks(rows, first))


def write_file(path: Path, rows: int) -> None:
    with path.open("wb") as file:
        file.writelines(chunks(rows))


def write_large_file(path: Path, megabytes: int) -> int:
    """Write a valid file of about this size by repeating a block of rows. Return its rows."""
    block = b"".join(map(row, range(_CHUNK)))
    repetitions = max(1, megabytes * 1_000_000 // len(block))
    with path.open("wb") as file:
        file.write(HEADER)
        for _ in range(repetitions):
            file.write(block)
    return repetitions * _CHUNK


def size_name(rows: int) -> str:
    """Return a number of rows for people: `1 M rows`, `100 k rows`."""
    for unit, suffix in ((1_000_000, " M"), (1_000, " k")):
        if rows >= unit and rows % unit == 0:
            return f"{rows // unit}{suffix} rows"
    return f"{rows} rows"
