"""Loads a file without the rows whose fields are all empty: COPY has no option for that, so it reads a copy.

The copy in the work bucket has an empty line for each such row. COPY skips it, and all lines keep their numbers.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from etl_core.csv_files.compression import decompressed
from etl_core.csv_files.messages import ROW_ALL_EMPTY
from etl_core.csv_files.scan import Scan, with_blank_lines
from etl_core.csv_files.text_encodings import encoded
from etl_core.loading.data_file import Part
from etl_core.loading.file_scan import read_spec
from etl_core.loading.ports import ObjectStore
from etl_core.schema_files.schema_file import SchemaFile


def skips_empty_rows(part: Part) -> bool:
    """Return whether the schema file says that rows without values are not loaded."""
    return part.shape.csv.empty_rows == "skip" and len(part.shape.columns) > 1


def has_empty_rows(scan: Scan) -> bool:
    """Return whether the scan found rows without values."""
    return any(each.kind == ROW_ALL_EMPTY.id for each in scan.warnings)


def without_empty_rows(part: Part, spec: SchemaFile, store: ObjectStore) -> Part:
    """Write the copy and return the part that loads it. Raises InvalidDataFileError."""
    file, shape = part.file, part.shape
    url = store.write_copy(f"without-empty-rows/{file.upload_id}", _content(part, spec, store))
    return replace(
        part,
        file=replace(file, url=url, is_pinned=True),
        shape=replace(shape, compression=None),
    )


def _content(part: Part, spec: SchemaFile, store: ObjectStore) -> Iterator[bytes]:
    file, shape = part.file, part.shape
    pieces = decompressed(store.read(file.version), file.compression)
    lines = with_blank_lines(pieces, shape.columns, shape.header, read_spec(shape, spec))
    return encoded(lines, shape.csv.encoding)
