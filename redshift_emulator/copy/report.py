"""Reports a COPY: rejected rows, load history, notices.

Load errors and history are written on a second connection, so that a rollback of the COPY does not
remove them.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from redshift_emulator.backend import Backend
from redshift_emulator.context import CopyContext, TableInfo
from redshift_emulator.copy.load_errors import Rejection
from redshift_emulator.copy.options import Compression, CopyOptions
from redshift_emulator.errors import SqlError

MAX_STORED = 100_000
SPLIT_BYTES = 128 << 20
"""COPY splits an uncompressed CSV file of at least this size and reads the parts in parallel (page
c_best-practices-use-multiple-files)."""
UNKNOWN_LINE = -1
"""The line number of a row that a file has when COPY split it."""
ROWS_PER_INSERT = 500


@dataclass
class LoadReport:
    """Collects the rejections and figures of one running COPY."""

    context: CopyContext
    options: CopyOptions
    table: TableInfo
    query_id: int
    rejected: list[Rejection] = field(default_factory=list)
    split_files: set[str] = field(default_factory=set)
    rejections: int = 0
    replaced: int = 0
    files: int = 0
    file_bytes: int = 0
    started_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    started: float = field(default_factory=time.monotonic)

    def reject(self, rejection: Rejection) -> None:
        """Record a rejected row.

        Raises the error of the COPY when MAXERROR allows no further one.
        """
        self.rejections += 1
        if len(self.rejected) < MAX_STORED:
            self.rejected.append(rejection)
        if self.rejections > self.options.tolerated_errors:
            raise self.failure()

    def begin_file(self, url: str, size: int) -> None:
        """Count a file that COPY begins to read."""
        self.files += 1
        self.file_bytes += size
        if size >= SPLIT_BYTES and self.options.compression is Compression.NONE:
            self.split_files.add(url)

    def discard(self, url: str) -> None:
        """Drop the rejected rows of a file that turned out to be corrupt."""
        self.rejected = [rejection for rejection in self.rejected if rejection.file != url]

    def failure(self) -> SqlError:
        """Return the error of a COPY that rejected too many rows."""
        name = self.options.table
        return SqlError(
            "XX000",
            f"Load into table '{name}' failed.  Check 'sys_load_error_detail' system table for details.",
        )

    def write(self, status: str, loaded_rows: int) -> None:
        """Write load errors and history. Raises BackendError when PostgreSQL cannot store them."""
        with self.context.side() as side:
            for first in range(0, len(self.rejected), ROWS_PER_INSERT):
                side.query(self._errors_sql(self.rejected[first : first + ROWS_PER_INSERT]))
            self._write_history(side, status, loaded_rows)

    def _errors_sql(self, rejected: Sequence[Rejection]) -> str:
        names = (
            "query_id, session_id, user_id, database_name, table_id, start_time, file_name, line_number, column_name, "
            'column_type, column_length, "position", raw_line, raw_field_value, error_code, error_message'
        )
        rows = ", ".join(self._error_row(rejection) for rejection in rejected)
        return f"INSERT INTO pg_rs.load_error ({names}) VALUES {rows}"  # noqa: S608 - literals are quoted

    def _error_row(self, rejection: Rejection) -> str:
        error, column = rejection.error, rejection.error.column
        described = (
            (column.name, column.kind.value, column.shown_length) if column else ("", "", "")
        )
        values: tuple[str | int, ...] = (
            self.query_id,
            self.context.session_pid,
            self.context.user_id,
            self.context.database,
            self.table.oid,
            _stamp(self.started_at),
            rejection.file,
            UNKNOWN_LINE if rejection.file in self.split_files else rejection.line,
            *described,
            error.position,
            _text(rejection.raw_line),
            _text(error.value),
            error.code,
            error.reason,
        )
        return "(" + ", ".join(_sql(value) for value in values) + ")"

    def _write_history(self, side: Backend, status: str, loaded_rows: int) -> None:
        values: dict[str, str | int] = {
            "user_id": self.context.user_id,
            "query_id": self.query_id,
            "session_id": self.context.session_pid,
            "database_name": self.context.database,
            "status": status,
            "table_name": self.table.name,
            "start_time": _stamp(self.started_at),
            "duration": int((time.monotonic() - self.started) * 1_000_000),
            "data_source": self.options.source,
            "file_format": self.options.format_name,
            "loaded_rows": loaded_rows,
            "loaded_bytes": self.file_bytes,
            "source_file_count": self.files,
            "source_file_bytes": self.file_bytes,
            "file_count_scanned": self.files,
            "file_bytes_scanned": self.file_bytes,
            "error_count": self.rejections,
        }
        literals = ", ".join(_sql(value) for value in values.values())
        side.query(f"INSERT INTO pg_rs.load_history ({', '.join(values)}) VALUES ({literals})")  # noqa: S608

    def send_notices(self, loaded_rows: int) -> None:
        """Send the INFO notices that Redshift sends after a COPY."""
        name = self.options.table
        self.context.notice(
            "INFO",
            f"Load into table '{name}' completed, {loaded_rows} record(s) loaded successfully.",
        )
        if self.rejected:
            text = f"Load into table '{name}' completed, {self.rejections} record(s) could not be loaded.  "
            self.context.notice(
                "INFO", text + "Check 'sys_load_error_detail' system table for details."
            )
        if self.replaced:
            text = (
                f"Load into table '{name}' completed, {self.replaced} record(s) were loaded with "
            )
            self.context.notice(
                "INFO",
                text
                + "replacements made for ACCEPTINVCHARS.  Check 'sys_copy_replacements' system table for details.",
            )


def _stamp(at: datetime) -> str:
    return at.strftime("%Y-%m-%d %H:%M:%S.%f")


def _text(raw: bytes) -> str:
    return raw.decode(errors="replace").replace("\0", ".")


def _sql(value: str | int) -> str:
    if isinstance(value, int):
        return str(value)
    return "E'" + value.replace("\0", ".").replace("\\", "\\\\").replace("'", "''") + "'"
