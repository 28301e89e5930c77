"""Sends the rows of all files to PostgreSQL: fast-path rows at once, converted rows after them."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from types import TracebackType

from redshift_emulator.backend import Backend, CopyIn
from redshift_emulator.copy.columns import Column
from redshift_emulator.copy.convert import RowConverter, render_row
from redshift_emulator.copy.fast_path import Dialect, FastPath, build_fast_path
from redshift_emulator.copy.load_errors import (
    RAW_BYTES,
    Rejection,
    RowError,
    failed_stream_line,
    rejection_by_postgresql,
    row_too_long,
)
from redshift_emulator.copy.options import CopyOptions
from redshift_emulator.copy.records import Record, RecordReader, RecordSplitter
from redshift_emulator.copy.row_splitter import LineMap, RowSplitter, RowTooLongError
from redshift_emulator.copy.rows import Row, RowReader
from redshift_emulator.copy.texts import is_utf8
from redshift_emulator.copy.threads import Sender
from redshift_emulator.errors import BackendError
from redshift_emulator.lexer import quote_name
from redshift_emulator.rewrite import stored_name

SPOOL_BYTES = 1024 * 1024
Reject = Callable[[Rejection], None]


class RowStream:
    """Stores the rows of one COPY.

    ``records`` makes the reader of a file, by its name, for formats other than text and CSV.
    ``reject`` is called for every row that cannot be loaded, and may raise to end the COPY.
    ``replaced`` counts the rows that ACCEPTINVCHARS changed. On exit an unfinished COPY is aborted
    and the connection is ready for the next statement.
    """

    def __init__(
        self,
        backend: Backend,
        table: str,
        columns: Sequence[Column],
        options: CopyOptions,
        reject: Reject,
        records: Callable[[str], RecordReader] | None = None,
    ) -> None:
        self._backend = backend
        self._table = table
        self._columns = columns
        self._options = options
        self._reject = reject
        self._records = records
        self._build_fast_path = partial(build_fast_path, columns, options)
        self._reader = RowReader(options.delimiter, options.quote, len(columns))
        self._converter = RowConverter(columns, options)
        self._files: list[str] = []
        self._splitter: RowSplitter | RecordSplitter | None = None
        self._dialect: Dialect | None = None
        self._sender: Sender | None = None
        self._sent_lines, self._next_line = LineMap(), 1
        self._spool = tempfile.SpooledTemporaryFile(SPOOL_BYTES)  # noqa: SIM115 - closed in __exit__
        self._spooled_lines = LineMap()
        self._rows = 0
        self.replaced = 0

    def begin_file(self, name: str) -> None:
        """Start a file: the data that follows belongs to it."""
        self._files.append(name)
        if self._records is not None:
            self._splitter = RecordSplitter(self._records(name), self._take_record)
            return
        self._splitter = RowSplitter(
            self._build_fast_path, self._reader, self._options.ignore_header, self._take_row
        )

    def feed(self, data: bytes) -> None:
        """Take the next data of the file. Raises BackendError, and what ``reject`` raises."""
        if self._splitter is None:
            raise RuntimeError("feed() before begin_file()")
        try:
            self._send(self._splitter.feed(data), self._splitter.fast_path)
        except RowTooLongError as error:
            self._reject_endless_row(error)

    def end_file(self) -> None:
        """End the file."""
        if self._splitter is not None:
            self._send(self._splitter.finish(), self._splitter.fast_path)
            self._splitter = None

    def finish(self) -> int:
        """Store the remaining rows and return how many rows were stored. Raises BackendError."""
        self._finish_copy()
        if len(self._spooled_lines) and not self._options.no_load:
            self._store_converted()
        return self._rows

    def _take_row(self, buffer: bytes, row: Row, line: int) -> None:
        try:
            values = self._converter.convert(row)
        except RowError as error:
            self._reject(Rejection(self._files[-1], line, error, row.raw(buffer)[:RAW_BYTES]))
            return
        if values is not None:
            self._store(values, row.raw(buffer), line)

    def _take_record(self, record: Record) -> None:
        try:
            if isinstance(record.values, RowError):
                raise record.values
            values = self._converter.convert_record(record.values)
        except RowError as error:
            self._reject(Rejection(self._files[-1], record.line, error, record.raw[:RAW_BYTES]))
            return
        self._store(values, record.raw, record.line)

    def _store(self, values: Sequence[bytes | None], raw: bytes, line: int) -> None:
        self.replaced += self._options.accept_inv_chars is not None and not is_utf8(raw)
        self._spooled_lines.add(len(self._spooled_lines) + 1, len(self._files) - 1, line)
        self._spool.write(render_row(values))

    def _reject_endless_row(self, error: RowTooLongError) -> None:
        self._reject(Rejection(self._files[-1], error.line, row_too_long(), error.start))
        raise error

    def _send(self, pieces: Sequence[tuple[bytes, int]], fast_path: FastPath | None) -> None:
        if not pieces or fast_path is None or self._options.no_load:
            return
        if self._dialect != fast_path.dialect:
            self._finish_copy()
        if self._sender is None:
            self._sender, self._dialect = self._open(fast_path.dialect), fast_path.dialect
        for data, line in pieces:
            self._sent_lines.add(self._next_line, len(self._files) - 1, line)
            self._next_line += data.count(b"\n")
        data = b"".join(data for data, _ in pieces) if len(pieces) > 1 else pieces[0][0]
        try:
            self._sender.send(data)
        except BackendError as failure:
            self._raise_or_reject(failure, self._sent_lines)

    def _open(self, dialect: Dialect) -> Sender:
        self._sent_lines, self._next_line = LineMap(), 1
        return Sender(
            self._backend.copy_in(dialect.copy_sql(self._table, self._columns, self._options))
        )

    def _finish_copy(self) -> None:
        sender, self._sender, self._dialect = self._sender, None, None
        if sender is not None:
            try:
                self._rows += sender.finish()
            except BackendError as failure:
                self._raise_or_reject(failure, self._sent_lines)

    def _store_converted(self) -> None:
        names = ", ".join(quote_name(stored_name(column.name)) for column in self._columns)
        self._spool.seek(0)
        copy: CopyIn
        try:
            with self._backend.copy_in(
                f"COPY {self._table} ({names}) FROM STDIN WITH (ENCODING 'UTF8')"
            ) as copy:
                while data := self._spool.read(SPOOL_BYTES):
                    copy.write(data)
                    copy.poll()
                self._rows += copy.finish()
        except BackendError as failure:
            self._raise_or_reject(failure, self._spooled_lines)

    def _raise_or_reject(self, failure: BackendError, lines: LineMap) -> None:
        """Raise PostgreSQL's error. If it is about one row, reject that row first."""
        file, line = lines.find(failed_stream_line(failure))
        rejection = rejection_by_postgresql(failure, self._files[file], line, self._columns)
        if rejection is not None:
            self._reject(rejection)
        raise failure

    def __enter__(self) -> RowStream:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, _: TracebackType | None
    ) -> None:
        self._spool.close()
        sender, self._sender = self._sender, None
        if sender is not None:
            sender.abort()
