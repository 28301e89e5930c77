"""What findings mean for a file: which of them refuse it, and the counted warnings of the others. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from etl_core.csv_files.messages import (
    FINDINGS_OF_KIND,
    FINDINGS_OF_ROWS,
    ROW_ALL_EMPTY,
)
from etl_core.csv_files.row_check import Finding
from etl_core.csv_files.values import Effect
from etl_core.schema_files.schema_file import CsvOptions, SchemaFile

_CUT_TYPES = ("numeric", "real", "double precision", "character varying")


@dataclass(frozen=True)
class CountedFinding:
    """All findings of one kind in one column: the first, and how many there are."""

    first: Finding
    count: int

    @property
    def kind(self) -> str:
        """The id of the message."""
        return self.first.issue.reason.id

    def __str__(self) -> str:
        if self.first.column is None:
            return FINDINGS_OF_ROWS(count=self.count, first=self.first)
        return FINDINGS_OF_KIND(count=self.count, first=self.first)


class Findings:
    """Sorts the findings of one file into faults and warnings, by the schema file's options."""

    def __init__(self, spec: SchemaFile) -> None:
        self._options = spec.csv
        self._days = {column.name for column in spec.columns if column.type.name == "date"}
        self._counts: dict[tuple[str, str | None], int] = {}
        self._firsts: dict[tuple[str, str | None], Finding] = {}

    def is_fault(self, finding: Finding) -> bool:
        """Return whether the finding refuses the file."""
        match finding.issue.effect:
            case Effect.REFUSED:
                return True
            case Effect.CHANGED:
                return self._options.on_lossy == "reject"
            case Effect.AMBIGUOUS:
                return self._has_no_format(finding.column)
            case Effect.NOTED:
                is_empty = finding.issue.reason.id == ROW_ALL_EMPTY.id
                return is_empty and self._options.empty_rows == "reject"

    def _has_no_format(self, column: str | None) -> bool:
        options = self._options
        return (options.date_format if column in self._days else options.time_format) is None

    def note(self, finding: Finding) -> None:
        """Count a finding that is no fault."""
        if finding.issue.effect is Effect.CHANGED and self._options.on_lossy == "ignore":
            return
        key = finding.issue.reason.id, finding.column
        self._firsts.setdefault(key, finding)
        self._counts[key] = self._counts.get(key, 0) + 1

    def warnings(self) -> Iterator[CountedFinding]:
        """Yield the counted findings, in the order of their first lines."""
        for key, first in sorted(self._firsts.items(), key=lambda item: item[1].line):
            yield CountedFinding(first, self._counts[key])


def needs_scan(spec_columns: tuple[str, ...], spec: SchemaFile) -> bool:
    """Return whether the whole file must be read beside its COPY.

    COPY can cut off a part of a value of these columns or read it in one of two ways, or the
    schema file does not load rows without values.
    """
    if spec.csv.empty_rows != "load" and len(spec_columns) > 1:
        return True
    types = [column.type for column in spec.columns if column.name in spec_columns]
    options: CsvOptions = spec.csv
    counts_losses = options.on_lossy != "ignore"
    for kind in types:
        format_text = options.date_format if kind.name == "date" else options.time_format
        if kind.is_datetime and format_text in (None, "auto"):
            return True
        is_cut = kind.name in _CUT_TYPES or kind.is_time
        if counts_losses and (is_cut or (kind.is_datetime and _has_clock(format_text))):
            return True
    return False


def _has_clock(format_text: str | None) -> bool:
    """Return whether values in this format may have more than the type stores: seconds with decimals, or an offset."""
    return format_text is not None and any(
        part in format_text.upper() for part in ("SS", "OF", "HH")
    )
