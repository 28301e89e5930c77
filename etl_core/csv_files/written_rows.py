"""Rows written so that COPY, and our own reader, read the same fields. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

from etl_core.schema_files.schema_file import CsvOptions


class RowWriter:
    """Writes rows in the dialect of the options. Lines end in LF."""

    def __init__(self, options: CsvOptions) -> None:
        self._delimiter, self._quote = options.delimiter, options.quote
        special = re.escape(f"{options.delimiter}{options.quote}\r\n")
        self._needs_quotes = re.compile(f"[{special}]").search

    def line(self, fields: Sequence[str]) -> str:
        """Return the line of the fields, with its line end."""
        return self._delimiter.join(map(self._field, fields)) + "\n"

    def _field(self, field: str) -> str:
        if self._needs_quotes(field) is None:
            return field
        return f"{self._quote}{field.replace(self._quote, self._quote * 2)}{self._quote}"
