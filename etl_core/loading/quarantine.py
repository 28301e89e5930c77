"""Rows that do not fit the table, set aside so that the other rows of their file are loaded.

Which rows are bad depends only on the file and on the schema file in force when it arrived, so that
a load that comes later finds the same ones.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence

from etl_core.csv_files.bad_rows import (
    MOST_BAD_BYTES,
    MOST_BAD_ROWS,
    BadRows,
    BadRowsError,
    TooManyBadRowsError,
    find_bad_rows,
)
from etl_core.csv_files.compression import decompressed
from etl_core.csv_files.row_check import Finding
from etl_core.csv_files.scan import Scan, as_utf8, scan_file
from etl_core.csv_files.text_encodings import encoded
from etl_core.loading.data_file import CopyShape, DataFile, Part, read_small
from etl_core.loading.file_scan import as_utf8_spec, place_of, read_spec
from etl_core.loading.messages import (
    ALL_ROWS_BAD,
    BAD_ROWS_LIMIT,
    CORRECT_FILE,
    QUARANTINE_MISCOUNT,
    QUARANTINE_OTHER_ROWS,
    QUARANTINE_TIMED_OUT,
    QUARANTINE_UNCERTAIN,
    ROWS_QUARANTINED,
    TOO_MANY_BAD_ROWS,
)
from etl_core.loading.ports import ObjectStore
from etl_core.model.errors import LoadFailedError, LoadTimeoutError, ValuesRefusedError
from etl_core.model.lake_key import Action
from etl_core.model.work_bucket import REASONS_FILE, ROWS_FILE, quarantine_folder
from etl_core.schema_files.schema_file import CsvOptions, SchemaFile
from etl_core.upload_log.outcome import LoadWarning

_CSV = "text/csv"


def has_quarantine(shape: CopyShape) -> bool:
    """Return whether bad rows of the file are set aside."""
    return shape.csv.on_bad_rows == "quarantine"


def find_bad(
    file: DataFile, shape: CopyShape, at_arrival: SchemaFile, store: ObjectStore, deadline: float
) -> BadRows:
    """Read the file and return its bad rows.

    Raises ValuesRefusedError if they cannot be set aside, InvalidDataFileError, LoadTimeoutError.
    """
    pieces: Iterable[bytes] | None = read_small(file)
    if pieces is None:
        pieces = decompressed(_until(deadline, store.read(file.version)), file.compression)
    return bad_rows_of(pieces, shape.arrival_columns, shape.header, at_arrival)


def bad_rows_of(
    pieces: Iterable[bytes], columns: Sequence[str], header: Sequence[str], spec: SchemaFile
) -> BadRows:
    """Return the bad rows of a decompressed file, whose columns are given in its order.

    Raises ValuesRefusedError if they cannot be set aside, InvalidDataFileError.
    """
    try:
        return find_bad_rows(pieces, columns, header, spec)
    except TooManyBadRowsError as error:
        first, hint = error.first, _hint_of(error.first)
        rule = BAD_ROWS_LIMIT(rows=MOST_BAD_ROWS, size=MOST_BAD_BYTES >> 20)
        message = TOO_MANY_BAD_ROWS(count="too many", rule=rule, first=first, fix=hint)
        raise ValuesRefusedError(message, place_of(first), MOST_BAD_ROWS) from None
    except BadRowsError as error:
        message = QUARANTINE_UNCERTAIN(first=error.first, fix=_hint_of(error.first))
        raise ValuesRefusedError(message, place_of(error.first), 1) from None


def _until(deadline: float, chunks: Iterable[bytes]) -> Iterator[bytes]:
    for chunk in chunks:
        if time.monotonic() > deadline:
            raise LoadTimeoutError(QUARANTINE_TIMED_OUT())
        yield chunk


def check_limits(bad: BadRows, options: CsvOptions) -> None:
    """Raise ValuesRefusedError if the schema file does not allow so many bad rows."""
    if bad.first is None:
        return
    total, most, percent = bad.count + bad.good, options.max_bad_rows, options.max_bad_percent
    if not bad.good:
        message = ALL_ROWS_BAD(count=bad.count, first=bad.first, fix=_hint_of(bad.first))
        raise ValuesRefusedError(message, place_of(bad.first), bad.count)
    if most is not None and bad.count > most:
        rule = f"csv.max_bad_rows is {most:,}"
    elif percent is not None and bad.count * 100 > percent * total:
        rule = f"csv.max_bad_percent is {percent:g}"
    else:
        return
    message = TOO_MANY_BAD_ROWS(
        count=f"{bad.count:,} of {total:,}", rule=rule, first=bad.first, fix=_hint_of(bad.first)
    )
    raise ValuesRefusedError(message, place_of(bad.first), bad.count)


def _hint_of(finding: Finding) -> str:
    return finding.issue.hint or CORRECT_FILE()


def scan_of_good(
    part: Part, bad: BadRows, at_arrival: SchemaFile, in_force: SchemaFile, store: ObjectStore
) -> Scan:
    """Return the scan of the rows that are loaded.

    Their values are read by the types of the schema in force, if other ones than at arrival.
    """
    if in_force.columns == at_arrival.columns:
        return Scan(bad.good, warnings=bad.warnings)
    spec = as_utf8_spec(read_spec(part.shape, in_force))
    return scan_file(good_rows(part, bad, store), part.shape.columns, part.shape.header, spec)


def good_rows(part: Part, bad: BadRows | None, store: ObjectStore) -> Iterable[bytes]:
    """Return the file as UTF-8, without its bad rows."""
    file, shape = part.file, part.shape
    text = as_utf8(decompressed(store.read(file.version), file.compression), shape.csv)
    return text if bad is None else bad.removed_from(text, keeps_lines=len(shape.columns) > 1)


def check_same_rows(key: str, bad: BadRows, rows_loaded: int | None) -> None:
    """Raise LoadFailedError if a file has other good rows than when it was loaded first."""
    if rows_loaded is not None and bad.good != rows_loaded:
        message = QUARANTINE_OTHER_ROWS(key=key, count=bad.good, expected=rows_loaded)
        raise LoadFailedError(message)


def check_count(bad: BadRows, loaded: int) -> None:
    """Raise LoadFailedError if COPY loaded another number of rows than the file has good ones."""
    if loaded != bad.good:
        raise LoadFailedError(QUARANTINE_MISCOUNT(count=loaded, expected=bad.good))


def write_quarantine(store: ObjectStore, part: Part, bad: BadRows) -> None:
    """Write the bad rows, ready to be corrected, and what is wrong with them."""
    folder = quarantine_folder(part.file.version.key, part.file.upload_id)
    rows = b"".join(encoded([bad.header + bad.rows], part.shape.csv.encoding))
    store.write_object(folder + ROWS_FILE, rows, _CSV)
    store.write_object(folder + REASONS_FILE, bad.reasons, _CSV)


def warning_of_quarantine(bad: BadRows, prefix: str, action: Action) -> LoadWarning:
    """Return the warning of a load that set rows aside. Corrected rows of a truncate are appended."""
    assert bad.first is not None
    text = ROWS_QUARANTINED(
        count=bad.count,
        total=bad.count + bad.good,
        prefix=prefix,
        first=bad.first,
        action=Action.UPSERT if action is Action.UPSERT else Action.APPEND,
    )
    return LoadWarning(text.id, text, bad.count, place_of(bad.first), text.fix)
