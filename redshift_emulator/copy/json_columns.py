"""Which part of a JSON object goes to which column: by name, by a JSONPaths file, or as a whole. Pure.

Source: copy-parameters-data-format, copy-usage_notes-copy-from-json.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from redshift_emulator.copy.columns import Column, Kind
from redshift_emulator.copy.json_records import Shred
from redshift_emulator.copy.json_text import check, elements, members, plain
from redshift_emulator.copy.load_errors import RowError
from redshift_emulator.copy.service_errors import service_error
from redshift_emulator.errors import SqlError

Path = tuple[str | int, ...]

_BRACKETS = re.compile(r"\$(?:\['[^']+'\]|\[\d+\])+")
_DOTS = re.compile(r"\$(?:\[\d+\])*(?:\.[^.\[\]']+(?:\[\d+\])*)+")
_STEP = re.compile(r"\['([^']+)'\]|\[(\d+)\]|\.([^.\[\]']+)")


def shred_by_name(columns: Sequence[Column], *, ignore_case: bool) -> Shred:
    """Return the values of the members that are named like the columns. Other members are ignored."""
    places = {column.name: place for place, column in enumerate(columns)}

    def shred(text: str) -> list[bytes | None]:
        if not text.startswith("{"):
            raise ValueError("an array needs a JSONPaths file")
        values: list[bytes | None] = [None] * len(columns)
        for name, value in members(text):
            place = places.get(name.lower() if ignore_case else name)
            if place is not None:
                values[place] = _value(value, columns[place])
        return values

    return shred


def shred_whole(columns: Sequence[Column]) -> Shred:
    """Return the whole object for a table that has one SUPER column (noshred)."""
    if len(columns) != 1 or columns[0].kind is not Kind.SUPER:
        raise SqlError(
            "0A000", "COPY ... JSON 'noshred' needs a table with one column of type SUPER"
        )

    def shred(text: str) -> list[bytes | None]:
        check(text)
        return [text.encode(errors="surrogateescape")]

    return shred


def shred_by_path(columns: Sequence[Column], paths: Sequence[Path]) -> Shred:
    """Return the values at these paths, one for each column. SqlError unless there are as many."""
    if len(paths) != len(columns):
        raise service_error(
            "Number of jsonpaths and the number of columns should match. "
            f"JSONPath size: {len(paths)}, Number of columns in table or column list: {len(columns)}"
        )

    def shred(text: str) -> list[bytes | None]:
        check(text)
        return [
            _value(_follow(text, path, column), column)
            for path, column in zip(paths, columns, strict=True)
        ]

    return shred


def parse_paths(text: bytes) -> list[Path] | None:
    """Return the paths of a JSONPaths file; None if its object has no member `jsonpaths`, which means 'auto'.

    SqlError for a file or a path that is not valid.
    """
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise service_error(
            "Invalid JSONPath format: the file is not valid JSON", str(error)
        ) from error
    if not isinstance(document, dict):
        raise service_error("Invalid JSONPath format: the file must contain one JSON object")
    if "jsonpaths" not in document:
        return None
    listed = document["jsonpaths"]
    if not isinstance(listed, list) or not all(isinstance(path, str) and path for path in listed):
        raise service_error("Invalid JSONPath format: jsonpaths must be an array of strings")
    notations = {
        _DOTS if _DOTS.fullmatch(path) else _BRACKETS
        for path in listed
        if "." in path or "'" in path
    }
    if len(notations) > 1:
        raise service_error("Invalid JSONPath format: bracket and dot notation cannot be mixed")
    return [_parse_path(path) for path in listed]


def _parse_path(text: str) -> Path:
    if not _BRACKETS.fullmatch(text) and not _DOTS.fullmatch(text):
        raise service_error(f"Invalid JSONPath format: {text}")
    return tuple(
        int(step[2]) if step[2] is not None else step[1] or step[3] for step in _STEP.finditer(text)
    )


def _follow(text: str, path: Path, column: Column) -> str:
    """Return the value at a path; null if an object has no such member."""
    for step in path:
        if isinstance(step, int):
            items = list(elements(text)) if text.startswith("[") else []
            if step >= len(items):
                reason = "Invalid JSONPath format: Not an array or index out of range."
                raise RowError(1216, reason, column, value=text.encode(errors="surrogateescape"))
            text = items[step]
        else:
            text = dict(members(text)).get(step, "null") if text.startswith("{") else "null"
    return text


def _value(text: str, column: Column) -> bytes | None:
    value = text if column.kind is Kind.SUPER and text != "null" else plain(text)
    return None if value is None else value.encode(errors="surrogateescape")
