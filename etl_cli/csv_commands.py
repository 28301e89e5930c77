"""`infer` and `check`: from a data file to a schema file, and whether the one fits the other; both without a warehouse."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from etl_cli.row_check import check_rows
from etl_cli.type_inference import infer_columns, render_schema_file
from etl_core.csv_files.compression import compression_of, decompressed
from etl_core.csv_files.header import match_columns, read_header
from etl_core.csv_files.rows import CsvRow, read_rows
from etl_core.model.errors import EtlError, InvalidSchemaFileError
from etl_core.schema_files.schema_file import MAX_FILE_BYTES, CsvOptions, SchemaFile

VALID, FAULTY, UNUSABLE = 0, 1, 2
FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_PIECE = 1 << 18
_Reader = Callable[[], Iterator[bytes]]


@click.command()
@click.argument("data", type=FILE)
@click.option(
    "--delimiter", default=",", show_default=True, help="What separates the fields; \\t for a tab."
)
@click.option("--null-as", help="A text that means null, such as NA.")
@click.option(
    "--encoding", default="UTF8", show_default=True, help="UTF8, UTF16, UTF16LE or UTF16BE."
)
@click.option(
    "--sample",
    type=click.IntRange(min=1),
    help="Look at that many rows only; default: the whole file.",
)
@click.option(
    "--output", type=click.Path(dir_okay=False, path_type=Path), help="Write the schema file there."
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
    """Write the schema file of a table that takes the CSV file DATA (.csv, .csv.gz, .csv.bz2, .csv.zst).

    Exit code: 0 done, 1 the file is no CSV that could be loaded, 2 a file or an option cannot be used.
    """
    options = _options(delimiter, null_as, encoding)
    with _faults_of(context, data), _pieces(data, f"reading {data.name}") as read:
        compression = compression_of(data.name)
        header = read_header(read(), compression, options)
        rows = islice(read_rows(decompressed(read(), compression), options), sample)
        guesses = infer_columns(rows, header, null_as, sampled=sample is not None)
        text = render_schema_file(guesses, options)
        SchemaFile.parse(text.encode())
    for guess in guesses:
        for hint in guess.hints:
            click.echo(f"note: column {guess.name!r} {hint}", err=True)
    if output is None:
        click.echo(text, nl=False)
        return
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise click.UsageError(f"{output} cannot be written: {error.strerror}") from None
    click.echo(f"{output}: {len(guesses)} columns", err=True)


@click.command()
@click.argument("schema", type=FILE)
@click.argument("data", type=FILE, required=False)
@click.option(
    "--most",
    type=click.IntRange(min=1),
    default=20,
    show_default=True,
    help="Stop after that many faults.",
)
@click.pass_context
def check(context: click.Context, schema: Path, data: Path | None, most: int) -> None:
    """Tell every fault of the schema file SCHEMA and, if given, of the CSV file DATA under it, value by value.

    Exit code: 0 no faults, 1 faults, 2 a file or an option cannot be used.
    """
    with _faults_of(context, schema):
        spec = read_schema_file(schema)
    if data is None:
        click.echo(f"{schema}: a valid schema file of {len(spec.columns)} columns")
        return
    with _faults_of(context, data):
        found, rows = _check(data, spec, most)
    if found:
        stopped = f" (stopped after {most}; --most tells more)" if found >= most else ""
        click.echo(f"{data}: {found} {'fault' if found == 1 else 'faults'}{stopped}", err=True)
        context.exit(FAULTY)
    click.echo(f"{data}: {'1 row fits' if rows == 1 else f'{rows:,} rows fit'} {schema}")


def read_schema_file(path: Path) -> SchemaFile:
    """The schema file. Raises InvalidSchemaFileError, OSError."""
    with path.open("rb") as file:  # no more than tells that it is too long
        return SchemaFile.parse(file.read(MAX_FILE_BYTES + 1))


def _check(data: Path, spec: SchemaFile, most: int) -> tuple[int, int]:
    """Prints what is wrong with the data file; how many faults, and how many rows were read."""
    faults = warnings = rows = 0

    def counted() -> Iterator[CsvRow]:
        nonlocal rows
        for row in read_rows(decompressed(read(), compression), spec.csv):
            rows += row.fields != [""]
            yield row

    with _pieces(data, f"checking {data.name}") as read:
        compression = compression_of(data.name)
        columns = match_columns(read_header(read(), compression, spec.csv), spec)
        for finding in check_rows(counted(), columns, spec):
            if finding.loads:
                warnings += 1
            else:
                faults += 1
            if not finding.loads or warnings <= most:
                click.echo(
                    f"{data}: {'note: ' if finding.loads else ''}{finding}", err=finding.loads
                )
            if faults >= most:
                break
    return faults, rows


def _options(delimiter: str, null_as: str | None, encoding: str) -> CsvOptions:
    given = {
        "delimiter": "\t" if delimiter == "\\t" else delimiter,
        "null_as": null_as,
        "encoding": encoding.upper(),
    }
    csv = {name: value for name, value in given.items() if value is not None}
    try:  # the rules of a schema file, before a long file is read for nothing
        return SchemaFile.parse(
            json.dumps({"columns": [{"name": "a", "type": "DATE"}], "csv": csv}).encode()
        ).csv
    except InvalidSchemaFileError as error:
        raise click.UsageError(
            "; ".join(error.details or (error.message,)).replace("$.csv.", "--")
        ) from None


@contextmanager
def _faults_of(context: click.Context, path: Path) -> Iterator[None]:
    """What is wrong with the file is told in words, a fault a line."""
    try:
        yield
    except EtlError as error:
        for line in getattr(error, "details", ()) or (error.message,):
            click.echo(f"{path}: {line}")
        context.exit(FAULTY)
    except OSError as error:
        click.echo(f"{path}: cannot be read: {error.strerror}", err=True)
        context.exit(UNUSABLE)


@contextmanager
def _pieces(path: Path, what: str) -> Iterator[_Reader]:
    """The file's bytes, from the start at each call; on a terminal, how far it has been read."""
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        DownloadColumn(),
        TimeRemainingColumn(),
    )
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as progress:
        task = progress.add_task(what, total=path.stat().st_size)

        def read() -> Iterator[bytes]:
            progress.reset(task)
            with path.open("rb") as file:
                while piece := file.read(_PIECE):
                    progress.advance(task, len(piece))
                    yield piece

        yield read
