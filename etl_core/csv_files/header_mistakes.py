"""The likely mistake behind a header that does not match. Guesses: they only word the refusal. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

from etl_core.csv_files.content import other_text_format
from etl_core.csv_files.header import match_columns
from etl_core.csv_files.messages import (
    COLUMN_MISSING,
    DELIMITER_LINE,
    HEADER_BELOW,
    HEADER_NOT_UTF8,
    MISSING_COLUMNS_OPTION,
    NO_HEADER,
    SAVE_AS_UTF8,
    WRONG_DELIMITER,
)
from etl_core.csv_files.row_check import RowCheck
from etl_core.csv_files.rows import CsvRow, split_fields
from etl_core.csv_files.values import Effect
from etl_core.model.errors import HeaderMismatchError
from etl_core.model.messages import MessageText
from etl_core.model.texts import listed
from etl_core.schema_files.schema_file import CsvOptions, SchemaFile

_DELIMITERS = (";", "\t", ",", "|", ":", "\x01")
_DELIMITER_LINE = re.compile(r"sep=(.)", re.IGNORECASE)
_MAX_LINES = 30


def likely_mistake(
    first_bytes: bytes, header: Sequence[str], spec: SchemaFile
) -> MessageText | None:
    """Return the message of the likely mistake of a header that does not match; None if none is likely."""
    lines = _lines(first_bytes)
    return (
        other_text_format(first_bytes)
        or _delimiter_line(lines)
        or _wrong_delimiter(lines[0], spec)
        or _header_below(lines, spec)
        or (_no_header(header, spec) if header else None)
        or (_missing_columns(header, spec) if header else None)
    )


def wrong_encoding(first_bytes: bytes) -> MessageText | None:
    """Return the message of a header that is no UTF-8, with the text that it probably is."""
    line = first_bytes.partition(b"\n")[0].rstrip(b"\r")
    try:
        text = line.decode("cp1252")
    except UnicodeDecodeError:
        text = line.decode("latin-1")
    return HEADER_NOT_UTF8(text=text[:100], fix=SAVE_AS_UTF8()) if text.isprintable() else None


def _lines(first_bytes: bytes) -> list[str]:
    text = first_bytes.decode("utf-8-sig", "replace")
    return [line.rstrip("\r") for line in text.split("\n")[:_MAX_LINES]]


def _delimiter_line(lines: Sequence[str]) -> MessageText | None:
    match = _DELIMITER_LINE.fullmatch(lines[0].strip().strip('"'))
    return None if match is None else DELIMITER_LINE(line=lines[0][:20], delimiter=match[1])


def _wrong_delimiter(line: str, spec: SchemaFile) -> MessageText | None:
    for delimiter in _DELIMITERS:
        if delimiter == spec.csv.delimiter or delimiter not in line:
            continue
        options = spec.csv.model_copy(update={"delimiter": delimiter})
        if _known_names(line, options, spec) * 2 > len(spec.columns):
            given = "\\t" if delimiter == "\t" else delimiter
            return WRONG_DELIMITER(delimiter=given, expected=spec.csv.delimiter)
    return None


def _known_names(line: str, options: CsvOptions, spec: SchemaFile) -> int:
    """Return how many columns of the schema file a line names, at most as many as it has fields."""
    fields = split_fields(line, options) or []
    by_itself = spec.model_copy(
        update={"csv": options.model_copy(update={"missing_columns": "reject"})}
    )
    return sum(_is_known(field, by_itself) for field in fields[: 2 * len(spec.columns)])


def _is_known(field: str, spec: SchemaFile) -> bool:
    try:
        match_columns([field], spec)
    except HeaderMismatchError as error:
        return not any(
            f"{field!r}" in detail and "is missing" not in detail for detail in error.details
        )
    return True


def _header_below(lines: Sequence[str], spec: SchemaFile) -> MessageText | None:
    for number, line in enumerate(lines[1:], 2):
        if _matches(split_fields(line, spec.csv) or [], spec):
            return HEADER_BELOW(line=number, count=number - 1)
    return None


def _matches(fields: Sequence[str], spec: SchemaFile) -> bool:
    try:
        match_columns(fields, spec)
    except HeaderMismatchError:
        return False
    return True


def _no_header(header: Sequence[str], spec: SchemaFile) -> MessageText | None:
    """Return the message of a file whose first row is data: it has as many fields as columns, and their types."""
    columns = [column.name for column in spec.columns if column.identity is None]
    if len(header) != len(columns) or any(_is_known(name, spec) for name in header):
        return None
    typed = [column for column in spec.columns if not column.type.is_text]
    findings = RowCheck(columns, spec).of_row(CsvRow(1, list(header)))
    if not typed or any(each.issue.effect is Effect.REFUSED for each in findings):
        return None
    return NO_HEADER(row=spec.csv.delimiter.join(header)[:100])


def _missing_columns(header: Sequence[str], spec: SchemaFile) -> MessageText | None:
    filled = spec.model_copy(
        update={"csv": spec.csv.model_copy(update={"missing_columns": "default"})}
    )
    if not _matches(header, filled):
        return None
    names = set(match_columns(header, filled))
    missing = [
        COLUMN_MISSING(name=each.name)
        for each in spec.columns
        if each.name not in names and each.identity is None
    ]
    return MISSING_COLUMNS_OPTION(columns=listed(missing))
