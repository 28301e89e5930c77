"""The scan of an upload's own file: what COPY cuts off, reads in one of two ways, or loads although it is no data.

A small file is scanned before its COPY, and its rows are counted with it. A larger one is scanned while
COPY runs, and only if its columns can lose something.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Event

from etl_core.csv_files.compression import decompressed
from etl_core.csv_files.findings import CountedFinding, needs_scan
from etl_core.csv_files.messages import COMPRESSION_CUT
from etl_core.csv_files.row_check import Finding
from etl_core.csv_files.scan import Scan, scan_file
from etl_core.loading.data_file import CopyShape, DataFile, Part, decompressed_before, read_small
from etl_core.loading.messages import SCAN_TIMED_OUT, VALUES_REFUSED
from etl_core.loading.ports import ObjectStore
from etl_core.model.errors import (
    InvalidDataFileError,
    LoadTimeoutError,
    Place,
    ValuesRefusedError,
)
from etl_core.schema_files.schema_file import SchemaFile
from etl_core.upload_log.outcome import LoadWarning


@dataclass
class FileScan:
    """The scan of one file, done or running. Leave its `with` block to stop it."""

    deadline: float
    _done: Future[Scan]
    _stop: Event = field(default_factory=Event)
    _pool: ThreadPoolExecutor | None = None

    def result(self) -> Scan:
        """Return the result, as soon as there is one.

        Raises ValuesRefusedError if the schema file refuses what the scan found, and
        LoadTimeoutError if the file cannot be read in time.
        """
        try:
            scan = self._done.result(max(0.0, self.deadline - time.monotonic()))
        except (TimeoutError, _StoppedError):
            raise LoadTimeoutError(SCAN_TIMED_OUT()) from None
        if scan.fault is not None:
            raise values_refused(scan.fault, scan.faults)
        return scan

    def check(self) -> None:
        """Raise what `result` would raise, if the scan is done: then COPY need not run."""
        if self._done.done():
            self.result()

    def stop(self) -> None:
        """Stop reading."""
        self._stop.set()
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)


class _StoppedError(Exception):
    pass


def finished_scan(scan: Scan, deadline: float) -> FileScan:
    """Return a scan that is done."""
    done: Future[Scan] = Future()
    done.set_result(scan)
    return FileScan(deadline, done)


def scan_part(part: Part, spec: SchemaFile, store: ObjectStore, deadline: float) -> FileScan:
    """Return the scan of a file. It is done for a small file, and for one that cannot lose anything.

    `spec` is the schema in force, by whose types COPY reads the file.
    """
    columns, read_by = part.shape.columns, read_spec(part.shape, spec)
    small = scan_small(part.file, part.shape, spec)
    if small is not None or not needs_scan(columns, read_by):
        return finished_scan(small or Scan(part.rows), deadline)
    stop = Event()
    pool = ThreadPoolExecutor(1)
    pieces = _until(stop, deadline, store.read(part.file.version))
    running = pool.submit(_scan, pieces, part.file.compression, part.shape, read_by)
    return FileScan(deadline, running, stop, pool)


def read_spec(shape: CopyShape, in_force: SchemaFile) -> SchemaFile:
    """Return the schema whose types the table has, with the options by which the file is read."""
    return in_force.model_copy(update={"csv": shape.csv})


def as_utf8_spec(spec: SchemaFile) -> SchemaFile:
    """Return the schema for the same files in UTF-8."""
    csv = spec.csv.model_copy(update={"encoding": "UTF8"})
    return spec.model_copy(update={"csv": csv})


def scan_small(file: DataFile, shape: CopyShape, spec: SchemaFile) -> Scan | None:
    """Return the scan of a small file; None for a larger one, or one that cannot be read.

    Raises InvalidDataFileError if its compressed data ends too early.
    """
    pieces = read_small(file)
    if pieces is None:
        return None
    try:
        return _scan(pieces, None, shape, read_spec(shape, spec))
    except InvalidDataFileError:
        return None


def check_compression(file: DataFile, store: ObjectStore, deadline: float) -> None:
    """Raise InvalidDataFileError if the file's compressed data is damaged or incomplete.

    COPY says only that it cannot read the file.
    """
    if file.compression is None:
        return
    cut = COMPRESSION_CUT(compression=file.compression)
    try:
        for _ in decompressed_before(deadline, file, store):
            pass
    except InvalidDataFileError as error:
        # Reading that stops at the deadline looks like a cut file.
        if error.message != cut or time.monotonic() < deadline:
            raise


def _scan(
    chunks: Iterable[bytes], compression: str | None, shape: CopyShape, spec: SchemaFile
) -> Scan:
    return scan_file(decompressed(chunks, compression), shape.columns, shape.header, spec)


def _until(stop: Event, deadline: float, chunks: Iterable[bytes]) -> Iterator[bytes]:
    for chunk in chunks:
        if stop.is_set() or time.monotonic() > deadline:
            raise _StoppedError
        yield chunk


def values_refused(fault: Finding, count: int) -> ValuesRefusedError:
    """Return the error of a file with values that COPY would load, and that the schema file refuses."""
    hint = fault.issue.hint
    message = VALUES_REFUSED(finding=fault, count=count, fix=hint)
    return ValuesRefusedError(message, place_of(fault), count)


def place_of(finding: Finding) -> Place:
    """Return where the finding is."""
    return Place(finding.line, finding.column, finding.value)


def warnings_of_scan(findings: Sequence[CountedFinding]) -> tuple[LoadWarning, ...]:
    """Return counted findings as the warnings of a log entry."""
    return tuple(
        LoadWarning(
            each.kind, str(each), each.count, place_of(each.first), each.first.issue.hint or None
        )
        for each in findings
    )
