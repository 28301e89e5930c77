"""The rows of all files on their way into PostgreSQL: those that pass the gate at once, the converted ones after them."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from types import TracebackType

from redshift_emulator.backend import Backend, CopyIn
from redshift_emulator.copy.columns import Column
from redshift_emulator.copy.convert import RAW_BYTES, RowConverter, RowError, render_row
from redshift_emulator.copy.fast_path import Dialect, Gate, build_gate
from redshift_emulator.copy.options import CopyOptions
from redshift_emulator.copy.report import Rejection, rejection_of, sent_line_of
from redshift_emulator.copy.row_splitter import LineMarks, RowTooLongError, Sieve
from redshift_emulator.copy.rows import Row, RowReader
from redshift_emulator.copy.threads import Sender
from redshift_emulator.copy.utf8 import is_utf8
from redshift_emulator.errors import BackendError
from redshift_emulator.lexer import quote_name
from redshift_emulator.rewrite import stored_name

SPOOL_BYTES = 1024 * 1024
Reject = Callable[[Rejection], None]


class RowStream:
    """Stores the rows of one COPY. ``reject`` is told about every row that cannot be loaded and may raise to end it.
    ``replaced`` counts rows that ACCEPTINVCHARS changed.

    As a context manager it gives up whatever is not finished and leaves the connection in step.
    """

    def __init__(
        self,
        backend: Backend,
        table: str,
        columns: Sequence[Column],
        options: CopyOptions,
        reject: Reject,
    ) -> None:
        self._backend = backend
        self._table = table
        self._columns = columns
        self._options = options
        self._reject = reject
        self._build_gate = partial(build_gate, columns, options)
        self._reader = RowReader(options.delimiter, options.quote, len(columns))
        self._converter = RowConverter(columns, options)
        self._files: list[str] = []
        self._sieve: Sieve | None = None
        self._dialect: Dialect | None = None
        self._sender: Sender | None = None
        self._marks, self._sent = LineMarks(), 1
        self._spool = tempfile.SpooledTemporaryFile(SPOOL_BYTES)  # noqa: SIM115 - closed in __exit__
        self._spooled = LineMarks()
        self._rows = 0
        self.replaced = 0

    def begin_file(self, name: str) -> None:
        """The data that follows is of this file."""
        self._files.append(name)
        self._sieve = Sieve(
            self._build_gate, self._reader, self._options.ignore_header, self._take_row
        )

    def feed(self, data: bytes) -> None:
        """Some data of the file. Raises BackendError, and what ``reject`` raises."""
        if self._sieve is None:
            raise RuntimeError("feed() before begin_file()")
        try:
            self._send(self._sieve.feed(data), self._sieve.gate)
        except RowTooLongError as fault:
            self._reject_endless(fault)

    def end_file(self) -> None:
        """The file is complete."""
        if self._sieve is not None:
            self._send(self._sieve.finish(), self._sieve.gate)
            self._sieve = None

    def finish(self) -> int:
        """Stores what is left and returns how many rows were stored. Raises BackendError."""
        self._finish_copy()
        if len(self._spooled) and not self._options.no_load:
            self._store_converted()
        return self._rows

    def _take_row(self, buffer: bytes, row: Row, line: int) -> None:
        try:
            values = self._converter.convert(row)
        except RowError as error:
            self._reject(Rejection(self._files[-1], line, error, row.raw(buffer)[:RAW_BYTES]))
            return
        if values is not None:
            self.replaced += self._options.accept_inv_chars is not None and not is_utf8(
                row.raw(buffer)
            )
            self._spooled.add(len(self._spooled) + 1, len(self._files) - 1, line)
            self._spool.write(render_row(values))

    def _reject_endless(self, fault: RowTooLongError) -> None:
        error = RowError(1216, "Input line is not valid: the row is longer than 4 MB")
        self._reject(Rejection(self._files[-1], fault.line, error, fault.start))
        raise fault

    def _send(self, pieces: Sequence[tuple[bytes, int]], gate: Gate | None) -> None:
        if not pieces or gate is None or self._options.no_load:
            return
        if self._dialect != gate.dialect:
            self._finish_copy()
        if self._sender is None:
            self._sender, self._dialect = self._open(gate.dialect), gate.dialect
        for data, line in pieces:
            self._marks.add(self._sent, len(self._files) - 1, line)
            self._sent += data.count(b"\n")
        data = b"".join(data for data, _ in pieces) if len(pieces) > 1 else pieces[0][0]
        try:
            self._sender.send(data)
        except BackendError as failure:
            self._explain(failure, self._marks)

    def _open(self, dialect: Dialect) -> Sender:
        self._marks, self._sent = LineMarks(), 1
        return Sender(
            self._backend.copy_in(dialect.copy_sql(self._table, self._columns, self._options))
        )

    def _finish_copy(self) -> None:
        sender, self._sender, self._dialect = self._sender, None, None
        if sender is not None:
            try:
                self._rows += sender.finish()
            except BackendError as failure:
                self._explain(failure, self._marks)

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
            self._explain(failure, self._spooled)

    def _explain(self, failure: BackendError, marks: LineMarks) -> None:
        """PostgreSQL refused: a row (then it is rejected, and the COPY cannot go on), or the whole COPY."""
        file, line = marks.find(sent_line_of(failure))
        rejection = rejection_of(failure, self._files[file], line, self._columns)
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
