"""`check`: check schema files and CSV files, without a warehouse."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click

from etl_cli.csv_sources import file_chunks
from etl_cli.options import json_option
from etl_cli.terminal import echo, echo_lines, to_json
from etl_core.csv_files.bad_rows import BadRows
from etl_core.csv_files.compression import compression_of, decompressed
from etl_core.csv_files.findings import CountedFinding, Findings
from etl_core.csv_files.keys import find_key_fault
from etl_core.csv_files.opening import open_csv
from etl_core.csv_files.row_check import Finding, RowCheck
from etl_core.csv_files.rows import CsvRow, read_rows
from etl_core.csv_files.scan import as_utf8
from etl_core.loading.file_scan import as_utf8_spec
from etl_core.loading.key_columns import check_key_columns, error_of_keys
from etl_core.loading.messages import (
    ROWS_QUARANTINED,
    ROWS_WILL_BE_QUARANTINED,
    UPSERT_NOT_LISTED,
)
from etl_core.loading.quarantine import bad_rows_of, check_limits
from etl_core.model.errors import ActionNotAllowedError, EtlError
from etl_core.model.lake_key import Action
from etl_core.schema_files.schema_file import MAX_FILE_BYTES, SchemaFile
from etl_core.schema_files.schema_warnings import warnings_of_schema_file

VALID, FAULTY, UNUSABLE = 0, 1, 2
FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@dataclass
class _Report:
    """The result of `check`: lines as they are found, or one JSON object at the end."""

    as_json: bool
    faults: list[dict[str, Any]] = field(default_factory=list)
    warnings: list[dict[str, Any]] = field(default_factory=list)

    def add_fault(self, file: Path, reason: str, **place: Any) -> None:
        self.faults.append(_EMPTY_PLACE | {"file": str(file)} | place | {"reason": reason})

    def add_warning(self, file: Path, reason: str, **place: Any) -> None:
        self.warnings.append(_EMPTY_PLACE | {"file": str(file)} | place | {"reason": reason})

    def echo(self, text: str, *, err: bool = False) -> None:
        """Print a line for people."""
        if not self.as_json:
            echo(text, err=err)

    def end(self, context: click.Context, **counts: Any) -> None:
        """Print the JSON object, if it was requested, and exit."""
        if self.as_json:
            content = {"valid": not self.faults, **counts}
            echo_lines(to_json(content | {"faults": self.faults, "warnings": self.warnings}))
        context.exit(FAULTY if self.faults else VALID)


_EMPTY_PLACE: dict[str, Any] = {"file": None, "line": None, "column": None, "value": None}


@click.command()
@click.argument("schema", type=FILE)
@click.argument("data", type=FILE, required=False)
@click.option(
    "--most",
    metavar="N",
    type=click.IntRange(min=1),
    default=20,
    show_default=True,
    help="Stop after N faults.",
)
@click.option("--upsert", is_flag=True, help="DATA is for upsert: check its keys too.")
@json_option
@click.pass_context
def check(
    context: click.Context,
    schema: Path,
    data: Path | None,
    most: int,
    upsert: bool,  # noqa: FBT001 - click passes flags as booleans
    as_json: bool,  # noqa: FBT001
) -> None:
    """Check the schema file SCHEMA and, optionally, the CSV file DATA against it.

    In DATA the header and every value are checked.

    Exit code: 0 no faults, 1 faults, 2 a file or an option cannot be used.
    """
    report = _Report(as_json)
    counts: dict[str, Any] = {"columns": None, "rows": None}
    with report_errors(context, schema, report):
        spec = read_schema_file(schema)
        counts["columns"] = len(spec.columns)
    if not report.faults:
        _warn_of_schema(report, schema)
        if data is None:
            report.echo(f"{schema}: a valid schema file of {counts['columns']} columns")
        else:
            with report_errors(context, data, report):
                bad = None
                if spec.csv.on_bad_rows == "quarantine":
                    bad = _check_bad_rows(report, data, spec)
                    counts["rows"] = bad.good
                else:
                    counts["rows"] = _check_data(report, data, spec, most)
                if upsert and not report.faults:
                    _check_keys(report, data, spec, bad)
                _summarize(report, schema, data, counts["rows"], most)
    report.end(context, **counts)


def _warn_of_schema(report: _Report, schema: Path) -> None:
    for warning in warnings_of_schema_file(_read_text(schema)):
        report.add_warning(schema, warning.reason)
        report.echo(f"{schema}: warning: {warning.reason}", err=True)


def _summarize(report: _Report, schema: Path, data: Path, rows: int, most: int) -> None:
    faults = len(report.faults)
    if faults:
        stopped = f" (stopped after {most}; a larger --most shows more)" if faults >= most else ""
        report.echo(f"{data}: {faults} {'fault' if faults == 1 else 'faults'}{stopped}", err=True)
    else:
        report.echo(f"{data}: {'1 row fits' if rows == 1 else f'{rows:,} rows fit'} {schema}")


def read_schema_file(path: Path) -> SchemaFile:
    """Read and parse a schema file. Raises InvalidSchemaFileError, OSError."""
    return SchemaFile.parse(_read_text(path))


def _read_text(path: Path) -> bytes:
    with path.open("rb") as file:  # one byte over the limit shows that it is too long
        return file.read(MAX_FILE_BYTES + 1)


def _check_data(report: _Report, data: Path, spec: SchemaFile, most: int) -> int:
    """Report the faults of the data file, `most` at most.

    Return the number of rows read. Raises EtlError.
    """
    rows = 0

    def counted() -> Iterator[CsvRow]:
        nonlocal rows
        for row in read_rows(decompressed(read(), compression), spec.csv):
            rows += row.fields != [""]
            yield row

    with file_chunks(data, f"checking {data.name}") as read:
        compression = compression_of(data.name)
        opened = open_csv(read(), compression, spec)
        findings = Findings(spec)
        for each in RowCheck(opened.columns, spec, opened.header).findings(counted()):
            if not findings.is_fault(each):
                findings.note(each)
                continue
            _report_fault(report, data, each)
            if len(report.faults) >= most:
                break
    _report_warnings(report, data, findings.warnings())
    return rows


def _check_bad_rows(report: _Report, data: Path, spec: SchemaFile) -> BadRows:
    """Report the rows that a load sets aside, as warnings. Return them.

    Raises EtlError if the load refuses the whole file for them.
    """
    with file_chunks(data, f"checking {data.name}") as read:
        compression = compression_of(data.name)
        opened = open_csv(read(), compression, spec)
        pieces = decompressed(read(), compression)
        bad = bad_rows_of(pieces, opened.columns, opened.header, spec)
    check_limits(bad, spec.csv)
    if bad.first is not None:
        total = bad.count + bad.good
        text = ROWS_WILL_BE_QUARANTINED(count=bad.count, total=total, first=bad.first)
        # The kind of the load's own warning
        report.add_warning(
            data, text, **_place_of(bad.first), kind=ROWS_QUARANTINED.id, count=bad.count
        )
        report.echo(f"{data}: warning: {text}", err=True)
    _report_warnings(report, data, bad.warnings)
    return bad


def _report_warnings(report: _Report, data: Path, warnings: Iterable[CountedFinding]) -> None:
    for warning in warnings:
        first = warning.first
        reason = _with_hint(str(warning), first)
        report.add_warning(data, reason, **_place_of(first), kind=warning.kind, count=warning.count)
        report.echo(f"{data}: warning: {reason}", err=True)


def _check_keys(report: _Report, data: Path, spec: SchemaFile, bad: BadRows | None) -> None:
    """Report what an upsert refuses: a key that is repeated or empty. Raises EtlError.

    `bad`: the rows that are set aside. Their keys do not matter.
    """
    if Action.UPSERT not in spec.allowed_operations:
        allowed = ", ".join(spec.allowed_operations)
        raise ActionNotAllowedError(UPSERT_NOT_LISTED(allowed=allowed or "no action"))
    with file_chunks(data, f"checking the keys of {data.name}") as read:
        compression = compression_of(data.name)
        columns = open_csv(read(), compression, spec).columns
        check_key_columns(spec.primary_key, columns)
        pieces = decompressed(read(), compression)
        if bad is not None:
            pieces = bad.removed_from(as_utf8(pieces, spec.csv), keeps_lines=len(columns) > 1)
            spec = as_utf8_spec(spec)
        fault = find_key_fault(read_rows(pieces, spec.csv), columns, spec.primary_key, spec)
    if fault is None:
        return
    error = error_of_keys(fault, spec.primary_key)
    line, column, value = error.place.line, error.place.column, error.place.value
    report.add_fault(data, error.message, line=line, column=column, value=value)
    report.echo(f"{data}: {error.message}")


def _report_fault(report: _Report, data: Path, finding: Finding) -> None:
    report.add_fault(data, _with_hint(str(finding.issue.reason), finding), **_place_of(finding))
    report.echo(f"{data}: {_with_hint(str(finding), finding)}")


def _place_of(finding: Finding) -> dict[str, Any]:
    return {"line": finding.line, "column": finding.column, "value": finding.value}


def _with_hint(text: str, finding: Finding) -> str:
    hint = finding.issue.hint
    return f"{text}. {hint}" if hint else text


@contextmanager
def report_errors(
    context: click.Context, path: Path, report: _Report | None = None
) -> Iterator[None]:
    """Print what is wrong with the file, one fault per line.

    Exit unless a report collects the faults.
    """
    try:
        yield
    except EtlError as error:
        for line in getattr(error, "details", ()) or (error.message,):
            if report is not None:
                report.add_fault(path, line)
                report.echo(f"{path}: {line}")
            else:
                echo(f"{path}: {line}")
        if report is None:
            context.exit(FAULTY)
    except OSError as error:
        echo(f"{path}: cannot be read: {error.strerror}", err=True)
        context.exit(UNUSABLE)
