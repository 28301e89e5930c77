"""Chooses the reader of a COPY's files: JSON, fixed width or Parquet; None for text and CSV."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from redshift_emulator.copy.columns import Column
from redshift_emulator.copy.fixed_width import FixedWidthReader
from redshift_emulator.copy.json_columns import (
    parse_paths,
    shred_by_name,
    shred_by_path,
    shred_whole,
)
from redshift_emulator.copy.json_records import JsonReader, Shred
from redshift_emulator.copy.options import CopyOptions, FixedWidth, Json, Parquet
from redshift_emulator.copy.records import RecordReader
from redshift_emulator.copy.s3 import read_whole
from redshift_emulator.parquet import ParquetReader

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

Readers = Callable[[str], RecordReader]


def record_readers(
    client: S3Client, options: CopyOptions, columns: Sequence[Column]
) -> Readers | None:
    """Return what makes the reader of a file, by its URL. SqlError if the format does not fit the columns."""
    match options.format:
        case None:
            return None
        case Json(option):
            shred = _shred(client, option, columns)
            return lambda _: JsonReader(shred, options.ignore_header)
        case FixedWidth(widths):
            return lambda _: FixedWidthReader(widths, columns, options)
        case Parquet(serialize):
            return lambda url: ParquetReader(url, columns, serialize_to_json=serialize)


def _shred(client: S3Client, option: str, columns: Sequence[Column]) -> Shred:
    if option == "noshred":
        return shred_whole(columns)
    if option.startswith("s3://"):
        paths = parse_paths(read_whole(client, option))
        if paths is not None:
            return shred_by_path(columns, paths)
    return shred_by_name(columns, ignore_case=option == "auto ignorecase")
