"""`infer`: create a schema file from CSV files, without a warehouse."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import click

from etl_cli.csv_commands import report_errors
from etl_cli.csv_sources import STANDARD_INPUT, Reader, open_source
from etl_cli.inferred_names import InferredName, infer_names, notes_of_header, numbered_names
from etl_cli.terminal import echo, echo_lines, to_json
from etl_cli.type_inference import Guess, Inference, notes_of, render_schema_file
from etl_core.csv_files.compression import compression_of, decompressed
from etl_core.csv_files.header import match_columns
from etl_core.csv_files.opening import read_names
from etl_core.csv_files.rows import CsvRow, read_rows
from etl_core.model.errors import InvalidDataFileError, InvalidSchemaFileError
from etl_core.schema_files.schema_file import CsvOptions, SchemaFile

_DATA = click.Path(exists=True, dir_okay=False, path_type=Path, allow_dash=True)
_DELIMITERS = (";", "\t", "|", "\x01")
_TRIED_ROWS, _TRIED_BYTES = 50, 1 << 18
_SHOWN = {"\t": "a tab", "\x01": "Ctrl-A (\\u0001)"}


@dataclass(frozen=True)
class _Wanted:
    """The options of the command that decide what is inferred."""

    csv: CsvOptions
    null_as: str | None
    sample: int | None
    tight: bool
    clean: bool


@click.command()
@click.argument("data", type=_DATA, nargs=-1, required=True)
@click.option(
    "--delimiter",
    help="The field separator; \\t for a tab. Default: a comma, or what the header shows.",
)
@click.option("--null-as", help="The text that means NULL, such as NA.")
@click.option(
    "--encoding", default="UTF8", show_default=True, help="UTF8, UTF16, UTF16LE or UTF16BE."
)
@click.option(
    "--no-header", is_flag=True, help="The first row is data. Columns become column_1, ..."
)
@click.option(
    "--tight",
    is_flag=True,
    help="Choose the smallest types that hold the values, and NOT NULL: SMALLINT, BOOLEAN for Y and N.",
)
@click.option(
    "--clean-names",
    is_flag=True,
    help="Name columns with small letters, digits and _; the names of the header stay in the schema file.",
)
@click.option(
    "--sample",
    metavar="N",
    type=click.IntRange(min=1),
    help="Read only the first N rows of each file. Default: the whole file.",
)
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the schema file to this path.",
)
@click.pass_context
def infer(
    context: click.Context,
    data: tuple[Path, ...],
    delimiter: str | None,
    null_as: str | None,
    encoding: str,
    no_header: bool,  # noqa: FBT001 - click passes flags as booleans
    tight: bool,  # noqa: FBT001
    clean_names: bool,  # noqa: FBT001
    sample: int | None,
    output: Path | None,
) -> None:
    """Print a schema file for the CSV files DATA (.csv, .csv.gz, .csv.bz2 or .csv.zst; - for the standard input).

    Its table can store every value unchanged, and has room for larger ones. All files must have
    the same columns.

    Exit code: 0 done, 1 DATA is not a CSV file that can be loaded, 2 a file or an option cannot be
    used.
    """
    options = _options(delimiter, null_as, encoding, "none" if no_header else "first_row")
    wanted = _Wanted(options, null_as, sample, tight, clean_names)
    guesses, options = _infer_files(context, data, wanted, is_guessed=delimiter is None)
    text = render_schema_file(guesses, options)
    with report_errors(context, data[0]):
        spec = SchemaFile.parse(text.encode())
    for note in (*notes_of(guesses), *notes_of_header(spec)):
        echo(f"note: {note}", err=True)
    if output is None:
        echo_lines(text.removesuffix("\n"))
        return
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise click.UsageError(f"{output} cannot be written: {error.strerror}") from None
    echo(f"{output}: {len(guesses)} columns", err=True)


def _infer_files(
    context: click.Context, data: Sequence[Path], wanted: _Wanted, *, is_guessed: bool
) -> tuple[list[Guess], CsvOptions]:
    """Return the columns of the files, and the options with the delimiter of the first file."""
    options, inference, names = wanted.csv, None, None
    for path in data:
        with ExitStack() as stack:
            stack.enter_context(report_errors(context, path))
            file = _File(path, stack.enter_context(open_source(path)))
            if names is None or inference is None:
                if is_guessed and (found := file.find_delimiter(options)) is not None:
                    options = options.model_copy(update={"delimiter": found})
                    echo(f"note: the delimiter is {_SHOWN.get(found, repr(found))}", err=True)
                names = file.names(options, clean=wanted.clean)
                inference = Inference(names, wanted.null_as, tight=wanted.tight)
            columns = file.columns(options, names)
            inference.add_rows(islice(file.rows(options), wanted.sample), columns)
    if inference is None:
        raise AssertionError("click requires a file")
    return inference.guesses(sampled=wanted.sample is not None), options


class _File:
    """One of the files."""

    def __init__(self, path: Path, read: Reader) -> None:
        self._read = read
        self._compression = None if path == STANDARD_INPUT else compression_of(path.name)

    def rows(self, options: CsvOptions) -> Iterator[CsvRow]:
        return read_rows(decompressed(self._read(), self._compression), options)

    def find_delimiter(self, options: CsvOptions) -> str | None:
        """Return the delimiter that divides all of the first rows alike, if a comma divides no name."""
        plain = options.model_copy(update={"header": "none"})
        with suppress(InvalidDataFileError):  # reported where the header is read
            return self._find_delimiter(plain)
        return None

    def _find_delimiter(self, plain: CsvOptions) -> str | None:
        header = next(self._first_rows(plain), None)
        if header is None or len(header.fields) > 1:
            return None
        for delimiter in _DELIMITERS:
            rows = self._first_rows(plain.model_copy(update={"delimiter": delimiter}))
            counts = {len(row.fields) for row in rows if row.fields != [""]}
            if len(counts) == 1 and not counts <= {0, 1}:
                return delimiter
        return None

    def names(self, options: CsvOptions, *, clean: bool) -> list[InferredName]:
        """Return the names of the columns. Raises InvalidDataFileError."""
        if options.header == "none":
            first = next((row for row in self.rows(options) if row.fields != [""]), None)
            if first is None:
                raise InvalidDataFileError("the file has no rows: nothing shows its columns")
            return numbered_names(len(first.fields))
        header = read_names(self._read(), self._compression, options)
        if len(header) <= 2 and header[0].strip().lower().startswith("sep="):
            raise InvalidDataFileError(
                "the first line begins with 'sep=', which only Excel understands; remove it, and use --delimiter"
            )
        return infer_names(header, clean=clean)

    def columns(self, options: CsvOptions, names: Sequence[InferredName]) -> tuple[str, ...]:
        """Return the column of each field, for a file that must have these columns. Raises HeaderMismatchError."""
        header = read_names(self._read(), self._compression, options)
        columns = [
            {"name": each.name, "type": "DATE"}
            | ({} if each.header is None else {"header": each.header})
            for each in names
        ]
        csv = options.model_dump(mode="json", exclude_defaults=True)
        spec = SchemaFile.parse(to_json({"columns": columns, "csv": csv}).encode())
        return match_columns(header, spec)

    def _first_rows(self, options: CsvOptions) -> Iterator[CsvRow]:
        pieces = _beginning(decompressed(self._read(), self._compression))
        return islice(read_rows(pieces, options), _TRIED_ROWS)


def _beginning(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Yield the first pieces, up to the last line break in them if there are more."""
    start = b""
    for piece in pieces:
        start += piece
        if len(start) >= _TRIED_BYTES:
            yield start[: start.rfind(b"\n") + 1]
            return
    yield start


_OF_BOTH_FORMATS = [{"name": "d", "type": "DATE"}, {"name": "t", "type": "TIMESTAMP"}]
"""With a column of each kind, options without a format stay without one."""


def _options(delimiter: str | None, null_as: str | None, encoding: str, header: str) -> CsvOptions:
    given = {
        "delimiter": "\t" if delimiter == "\\t" else delimiter,
        "null_as": null_as,
        "encoding": encoding.upper(),
        "header": header,
    }
    csv = {name: value for name, value in given.items() if value is not None}
    try:  # check the options with the rules of a schema file before a long file is read
        return SchemaFile.parse(to_json({"columns": _OF_BOTH_FORMATS, "csv": csv}).encode()).csv
    except InvalidSchemaFileError as error:
        raise click.UsageError(
            "; ".join(error.details or (error.message,)).replace("$.csv.", "--")
        ) from None
