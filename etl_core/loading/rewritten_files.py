"""Files of which COPY reads a copy in the work bucket, because it has no option for what the schema file wants.

- Rows whose fields are all empty are left out: the copy has an empty line for each, which COPY skips.
- Columns that are ignored are left out: COPY loads every field of a row.
- Rows that are set aside are left out (quarantine.py).

All other lines keep their numbers, except in files of one column.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from etl_core.csv_files.header import IGNORED
from etl_core.csv_files.messages import ROW_ALL_EMPTY
from etl_core.csv_files.row_check import RowCheck
from etl_core.csv_files.rows import read_rows
from etl_core.csv_files.scan import Scan, with_blank_lines
from etl_core.csv_files.text_encodings import encoded
from etl_core.csv_files.written_rows import RowWriter
from etl_core.loading.data_file import Part
from etl_core.loading.file_scan import as_utf8_spec, read_spec, values_refused
from etl_core.loading.ports import ObjectStore
from etl_core.loading.quarantine import good_rows
from etl_core.model.work_bucket import REWRITTEN
from etl_core.schema_files.schema_file import CsvOptions, SchemaFile

_CHUNK_CHARACTERS = 1 << 16


def may_be_rewritten(part: Part) -> bool:
    """Return whether COPY may have to read a copy."""
    return part.bad is not None or _skips_empty_rows(part) or _ignores_columns(part)


def is_rewritten(part: Part, scan: Scan) -> bool:
    """Return whether COPY has to read a copy of the file, of which the scan is known."""
    has_empty_rows = any(each.kind == ROW_ALL_EMPTY.id for each in scan.warnings)
    if part.bad is not None or _ignores_columns(part):
        return True
    return _skips_empty_rows(part) and has_empty_rows


def rewritten(part: Part, spec: SchemaFile, store: ObjectStore) -> Part:
    """Write the copy and return the part that loads it.

    Raises InvalidDataFileError, and ValuesRefusedError for a row that cannot be split into its fields.
    """
    file, shape = part.file, part.shape
    url = store.write_copy(f"{REWRITTEN}{file.upload_id}", _content(part, spec, store))
    return replace(
        part,
        file=replace(file, url=url, is_pinned=True),
        shape=replace(shape, compression=None),
    )


def _skips_empty_rows(part: Part) -> bool:
    return part.shape.csv.empty_rows == "skip" and len(part.shape.columns) > 1


def _ignores_columns(part: Part) -> bool:
    return IGNORED in part.shape.columns


def _content(part: Part, spec: SchemaFile, store: ObjectStore) -> Iterator[bytes]:
    shape = part.shape
    read_by = as_utf8_spec(read_spec(shape, spec))
    pieces = good_rows(part, part.bad, store)
    if _skips_empty_rows(part):
        pieces = with_blank_lines(pieces, shape.columns, shape.header, read_by)
    if _ignores_columns(part):
        pieces = _without_ignored(pieces, part, read_by, read_by.csv)
    return encoded(pieces, shape.csv.encoding)


def _without_ignored(
    pieces: Iterable[bytes], part: Part, spec: SchemaFile, csv: CsvOptions
) -> Iterator[bytes]:
    """Yield the file as UTF-8 with only the fields that are loaded. `csv`: how `pieces` are written."""
    columns = part.shape.columns
    kept = [index for index, column in enumerate(columns) if column != IGNORED]
    check, writer = RowCheck(columns, spec, part.shape.header), RowWriter(csv)
    text: list[str] = []
    size = 0
    for row in read_rows(pieces, csv.model_copy(update={"header": "none"})):
        if row.fields == [""] and len(columns) > 1:
            line = "\n" if len(kept) > 1 else ""  # COPY reads an empty line of one column as a row
        elif row.fault is not None or len(row.fields) != len(columns):
            raise values_refused(next(check.of_row(row)), 1)
        else:
            line = writer.line([row.fields[index] for index in kept])
        text.append(line)
        size += len(line)
        if size > _CHUNK_CHARACTERS:
            yield "".join(text).encode("utf-8", "surrogateescape")
            text, size = [], 0
    yield "".join(text).encode("utf-8", "surrogateescape")
