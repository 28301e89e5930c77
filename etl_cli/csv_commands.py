"""`infer` and `check`: create a schema file from a CSV file, and check CSV files.

Both work without a warehouse.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import click
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from etl_cli.console import make_console
from etl_cli.options import json_option
from etl_cli.terminal import echo, echo_lines, to_json, visible
from etl_cli.type_inference import infer_columns, render_schema_file
from etl_core.csv_files.compression import compression_of, decompressed
from etl_core.csv_files.findings import Findings
from etl_core.csv_files.header import read_header
from etl_core.csv_files.opening import open_csv
from etl_core.csv_files.row_check import Finding, RowCheck
from etl_core.csv_files.rows import CsvRow, read_rows
from etl_core.model.errors import EtlError, InvalidSchemaFileError
from etl_core.model.lake_key import Action
from etl_core.schema_files.schema_file import MAX_FILE_BYTES, CsvOptions, SchemaFile

VALID, FAULTY, UNUSABLE = 0, 1, 2
FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_CHUNK_BYTES = 1 << 18
_Reader = Callable[[], Iterator[bytes]]


@click.command()
@click.argument("data", type=FILE)
@click.option(
    "--delimiter", default=",", show_default=True, help="The field separator; \\t for a tab."
)
@click.option("--null-as", help="The text that means NULL, such as NA.")
@click.option(
    "--encoding", default="UTF8", show_default=True, help="UTF8, UTF16, UTF16LE or UTF16BE."
)
@click.option(
    "--sample",
    metavar="N",
    type=click.IntRange(min=1),
    help="Read only the first N rows. Default: the whole file.",
)
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the schema file to this path.",
)
@click.pass_context
def infer(
    context: click.Context,
    data: Path,
    delimiter: str,
    null_as: str | None,
    encoding: str,
    sample: int | None,
    output: Path | None,
) -> None:
    """Print a schema file for the CSV file DATA (.csv, .csv.gz, .csv.bz2 or .csv.zst).

    Its table can store every value unchanged.

    Exit code: 0 done, 1 DATA is not a CSV file that can be loaded, 2 a file or an option cannot be
    used.
    """
    options = _options(delimiter, null_as, encoding)
    with _report_errors(context, data), _chunks(data, f"reading {data.name}") as read:
        compression = compression_of(data.name)
        header = read_header(read(), compression, options)
        rows = islice(read_rows(decompressed(read(), compression), options), sample)
        guesses = infer_columns(rows, header, null_as, sampled=sample is not None)
        text = render_schema_file(guesses, options)
        SchemaFile.parse(text.encode())
    for guess in guesses:
        for hint in guess.hints:
            echo(f"note: column {guess.name!r} {hint}", err=True)
    if output is None:
        echo_lines(text.removesuffix("\n"))
        return
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise click.UsageError(f"{output} cannot be written: {error.strerror}") from None
    echo(f"{output}: {len(guesses)} columns", err=True)


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
@json_option
@click.pass_context
def check(
    context: click.Context,
    schema: Path,
    data: Path | None,
    most: int,
    as_json: bool,  # noqa: FBT001 - click passes flags as booleans
) -> None:
    """Check the schema file SCHEMA and, optionally, the CSV file DATA against it.

    In DATA the header and every value are checked.

    Exit code: 0 no faults, 1 faults, 2 a file or an option cannot be used.
    """
    report = _Report(as_json)
    counts: dict[str, Any] = {"columns": None, "rows": None}
    with _report_errors(context, schema, report):
        spec = read_schema_file(schema)
        counts["columns"] = len(spec.columns)
    if not report.faults:
        _warn_of_final_schema(report, schema, spec)
        if data is None:
            report.echo(f"{schema}: a valid schema file of {counts['columns']} columns")
        else:
            with _report_errors(context, data, report):
                counts["rows"] = _check_data(report, data, spec, most)
                _summarize(report, schema, data, counts["rows"], most)
    report.end(context, **counts)


def _warn_of_final_schema(report: _Report, schema: Path, spec: SchemaFile) -> None:
    if Action.SCHEMA in spec.allowed_operations:
        return
    reason = (
        'allowed_operations does not list "schema": '
        "no later schema file has permission to change this table; "
        'add "schema" to allowed_operations unless that is intended'
    )
    report.add_warning(schema, reason)
    report.echo(f"{schema}: warning: {reason}", err=True)


def _summarize(report: _Report, schema: Path, data: Path, rows: int, most: int) -> None:
    faults = len(report.faults)
    if faults:
        stopped = f" (stopped after {most}; a larger --most shows more)" if faults >= most else ""
        report.echo(f"{data}: {faults} {'fault' if faults == 1 else 'faults'}{stopped}", err=True)
    else:
        report.echo(f"{data}: {'1 row fits' if rows == 1 else f'{rows:,} rows fit'} {schema}")


def read_schema_file(path: Path) -> SchemaFile:
    """Read and parse a schema file. Raises InvalidSchemaFileError, OSError."""
    with path.open("rb") as file:  # one byte over the limit shows that it is too long
        return SchemaFile.parse(file.read(MAX_FILE_BYTES + 1))


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

    with _chunks(data, f"checking {data.name}") as read:
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
    for warning in findings.warnings():
        first = warning.first
        place = {"line": first.line, "column": first.column, "value": first.value}
        reason = _with_hint(str(warning), first)
        report.add_warning(data, reason, **place, kind=warning.kind, count=warning.count)
        report.echo(f"{data}: warning: {reason}", err=True)
    return rows


def _report_fault(report: _Report, data: Path, finding: Finding) -> None:
    place = {"line": finding.line, "column": finding.column, "value": finding.value}
    report.add_fault(data, _with_hint(str(finding.issue.reason), finding), **place)
    report.echo(f"{data}: {_with_hint(str(finding), finding)}")


def _with_hint(text: str, finding: Finding) -> str:
    hint = finding.issue.hint
    return f"{text}. {hint}" if hint else text


def _options(delimiter: str, null_as: str | None, encoding: str) -> CsvOptions:
    given = {
        "delimiter": "\t" if delimiter == "\\t" else delimiter,
        "null_as": null_as,
        "encoding": encoding.upper(),
    }
    csv = {name: value for name, value in given.items() if value is not None}
    try:  # check the options with the rules of a schema file before a long file is read
        return SchemaFile.parse(
            to_json({"columns": [{"name": "a", "type": "DATE"}], "csv": csv}).encode()
        ).csv
    except InvalidSchemaFileError as error:
        raise click.UsageError(
            "; ".join(error.details or (error.message,)).replace("$.csv.", "--")
        ) from None


@contextmanager
def _report_errors(
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


@contextmanager
def _chunks(path: Path, what: str) -> Iterator[_Reader]:
    """Yield a function that reads the file from its start in chunks.

    A terminal shows the progress.
    """
    console = make_console(stderr=True)
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        DownloadColumn(),
        TimeRemainingColumn(),
    )
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as progress:
        task = progress.add_task(visible(what), total=path.stat().st_size)

        def read() -> Iterator[bytes]:
            progress.reset(task)
            with path.open("rb") as file:
                while chunk := file.read(_CHUNK_BYTES):
                    progress.advance(task, len(chunk))
                    yield chunk

        yield read
