"""Opens a data file: what it is, its header, and the table's columns that the header names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import NamedTuple

from etl_core.csv_files.compression import decompressed, in_pieces
from etl_core.csv_files.content import check_content, check_text
from etl_core.csv_files.header import match_columns, read_header
from etl_core.csv_files.header_mistakes import likely_mistake, wrong_encoding
from etl_core.csv_files.messages import HEADER_WRONG_ENCODING
from etl_core.model.errors import HeaderMismatchError, InvalidDataFileError
from etl_core.model.messages import MessageText
from etl_core.schema_files.schema_file import CsvOptions, SchemaFile

_FIRST_BYTES = 1 << 14


class OpenedCsv(NamedTuple):
    """The first row as it is written (empty if the files have no header), and the table's columns in its order."""

    header: tuple[str, ...]
    columns: tuple[str, ...]


def open_csv(chunks: Iterable[bytes], compression: str | None, spec: SchemaFile) -> OpenedCsv:
    """Return the header and the columns of a file. `chunks` are read as far as the header needs.

    Raises InvalidDataFileError or HeaderMismatchError, with the likely mistake first.
    """
    source = iter(chunks)
    read = next(source, b"")
    first_bytes = _first_bytes(read, compression)
    check_content(first_bytes, compression, spec.csv)
    try:
        header = read_header(chain([read], source), compression, spec.csv)
    except InvalidDataFileError as error:
        raise _likelier(error, first_bytes, spec) from None
    try:
        return OpenedCsv(header, match_columns(header, spec))
    except HeaderMismatchError as error:
        mistake = likely_mistake(first_bytes, header, spec)
        if mistake is None:
            raise
        raise HeaderMismatchError(mistake, error.details) from None


def read_names(
    chunks: Iterable[bytes], compression: str | None, options: CsvOptions
) -> tuple[str, ...]:
    """Return the header of a file whose columns are not known.

    Raises InvalidDataFileError, with the likely mistake first.
    """
    source = iter(chunks)
    read = next(source, b"")
    first_bytes = _first_bytes(read, compression)
    check_content(first_bytes, compression, options)
    check_text(first_bytes, options.delimiter)
    try:
        return read_header(chain([read], source), compression, options)
    except InvalidDataFileError as error:
        is_encoding = _is_wrong_encoding(error) and options.encoding == "UTF8"
        mistake = wrong_encoding(first_bytes) if is_encoding else None
        raise error if mistake is None else InvalidDataFileError(mistake) from None


def _is_wrong_encoding(error: InvalidDataFileError) -> bool:
    message = error.message
    return isinstance(message, MessageText) and message.id == HEADER_WRONG_ENCODING.id


def _likelier(
    error: InvalidDataFileError, first_bytes: bytes, spec: SchemaFile
) -> InvalidDataFileError:
    """Return the error with the likely mistake instead, if there is one."""
    mistake = likely_mistake(first_bytes, (), spec)
    if _is_wrong_encoding(error):
        mistake = wrong_encoding(first_bytes) if spec.csv.encoding == "UTF8" else None
    return error if mistake is None else InvalidDataFileError(mistake)


def _first_bytes(read: bytes, compression: str | None) -> bytes:
    """Return the beginning of the uncompressed file, as far as the first chunk has it."""
    pieces = decompressed(in_pieces([read[:_FIRST_BYTES]]), compression)
    return b"".join(_until_damage(pieces))[:_FIRST_BYTES]


def _until_damage(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the first piece: the end of what was read may be in the middle of compressed data."""
    iterator = iter(pieces)
    try:
        yield next(iterator, b"")
    except InvalidDataFileError:
        return
