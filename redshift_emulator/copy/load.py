"""Runs one COPY: options, table, files, rows, report."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from redshift_emulator.block import write_lock
from redshift_emulator.context import CopyContext, TableInfo
from redshift_emulator.copy.columns import Column, column_of
from redshift_emulator.copy.options import Compression, CompUpdate, CopyOptions
from redshift_emulator.copy.report import LoadReport
from redshift_emulator.copy.roles import Caller, s3_client
from redshift_emulator.copy.row_splitter import RowTooLongError
from redshift_emulator.copy.s3 import S3Object, find_objects, read_manifest, read_object
from redshift_emulator.copy.service_errors import CorruptFileError
from redshift_emulator.copy.statement import parse_copy
from redshift_emulator.copy.stream import RowStream
from redshift_emulator.copy.threads import ReadAhead
from redshift_emulator.copy.unpack import UnpackError, recode, unpack
from redshift_emulator.errors import BackendError, SqlError
from redshift_emulator.lexer import quote_name
from redshift_emulator.rewrite import stored_name
from redshift_emulator.sql import call, qualified

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

MOST_BLOCKS_AHEAD = 8_192
"""How much of a file is read for its checksum behind a row that failed: 1 GB unpacked."""
_ABSENT = frozenset({"42P01", "3F000"})


def run_copy(sql: str, context: CopyContext) -> str:
    """Runs the COPY statement and returns its command tag. Nothing of it stays when it fails, in a block or outside one.

    SqlError for what Redshift refuses, BackendError for what PostgreSQL does (cancelled, out of space). Rejected rows are
    in pg_rs.load_error before this returns or raises.
    """
    options = parse_copy(sql, keep_case=context.keep_case)
    report: LoadReport | None = None
    alone = context.backend.status == b"I"
    if alone:
        context.backend.query("BEGIN")
    try:
        table = _lock_table(context, options)
        columns = choose_columns(table, options)
        report = LoadReport(context, options, table, context.next_query_id())
        if options.comp_update is not CompUpdate.OFF and not options.no_load:
            name, raw_only = (
                qualified(table.schema, table.name),
                options.comp_update is CompUpdate.UNSAID,
            )
            context.backend.query(call("pg_rs.choose_encodings", name, "t" if raw_only else "f"))
        rows = _load(context, options, table, columns, report)
        report.write("completed", rows)
        if alone:
            context.backend.query("COMMIT")
    except BaseException as failure:
        _clean_up(context, report, failure, alone=alone)
        raise
    context.record_copy(rows, report.query_id)
    report.send_notices(rows)
    return "COPY"


def _clean_up(
    context: CopyContext, report: LoadReport | None, failure: BaseException, *, alone: bool
) -> None:
    if isinstance(failure, BackendError) and failure.fatal:
        return
    if alone:
        context.backend.query("ROLLBACK")
    if report is not None:
        report.write("aborted", 0)
        if report.rejected:
            context.record_copy(0, report.query_id)


def _lock_table(context: CopyContext, options: CopyOptions) -> TableInfo:
    """The table, which no one else writes to from now on. The lock comes first: looking the table up takes a snapshot."""
    name = qualified(*(stored_name(part) for part in (options.schema, options.table) if part))
    try:
        context.backend.query(write_lock(name))
        table = context.describe_table(options.schema, options.table)
    except BackendError as failure:
        if failure.sqlstate not in _ABSENT:
            raise
        table = None
    if table is None:
        raise SqlError("XX000", f"Cannot COPY into nonexistent table {options.table}")
    return table


def choose_columns(table: TableInfo, options: CopyOptions) -> list[Column]:
    """The columns that the fields of a row go to, in their order. SqlError for columns the table does not have, and for
    identity columns without EXPLICIT_IDS (or EXPLICIT_IDS without one)."""
    named = options.columns
    if named is None:
        infos = [info for info in table.columns if info.identity is None or options.explicit_ids]
    else:
        known = {info.name: info for info in table.columns}
        for name in named:
            if name not in known:
                raise SqlError(
                    "42703", f'column "{name}" of relation "{table.name}" does not exist'
                )
        infos = [known[name] for name in named]
    columns = [column_of(info) for info in infos]
    identities = [column.name for column in columns if column.identity]
    if identities and not options.explicit_ids:
        raise SqlError(
            "0A000",
            f'cannot set an identity column to a value: "{identities[0]}" needs EXPLICIT_IDS',
        )
    if options.explicit_ids and not identities:
        raise SqlError("0A000", "EXPLICIT_IDS needs an identity column in the column list")
    if not columns:
        raise SqlError("0A000", f'table "{table.name}" has no column to load')
    return columns


@dataclass(frozen=True)
class _FileStart:
    """What follows is of this object."""

    source: S3Object


def _read_files(
    client: S3Client, sources: Sequence[S3Object], options: CopyOptions
) -> Iterator[_FileStart | bytes]:
    for source in sources:
        yield _FileStart(source)
        try:
            yield from recode(
                unpack(read_object(client, source), options.compression), options.encoding
            )
        except UnpackError as fault:
            raise CorruptFileError(source.url, str(fault)) from fault


def _load(
    context: CopyContext,
    options: CopyOptions,
    table: TableInfo,
    columns: Sequence[Column],
    report: LoadReport,
) -> int:
    caller = Caller(context.aws, context.user, context.database, context.aws.default_role)
    client = s3_client(options.authorization, options.region, caller)
    sources = (read_manifest if options.manifest else find_objects)(client, options.source)
    target = f"{quote_name(table.schema)}.{quote_name(table.name)}"
    with (
        RowStream(context.backend, target, columns, options, report.reject) as stream,
        ReadAhead(_read_files(client, sources, options)) as items,
    ):
        try:
            _pump(
                iter(items), stream, report, looks_ahead=options.compression is not Compression.NONE
            )
        except RowTooLongError as fault:
            raise report.failure() from fault
        except CorruptFileError as fault:
            report.forget(fault.url)
            raise
        report.replaced = stream.replaced
        return stream.finish()


def _pump(
    items: Iterator[_FileStart | bytes], stream: RowStream, report: LoadReport, *, looks_ahead: bool
) -> None:
    for item in items:
        if isinstance(item, bytes):
            try:
                stream.feed(item)
            except (SqlError, RowTooLongError):
                if looks_ahead:
                    _read_to_the_end(items)
                raise
            continue
        stream.end_file()
        stream.begin_file(item.source.url)
        report.files += 1
        report.file_bytes += item.source.size
    stream.end_file()


def _read_to_the_end(items: Iterator[_FileStart | bytes]) -> None:
    """A row that cannot be loaded may come from damage that only the checksum at the file's end shows. CorruptFileError."""
    for item in itertools.islice(items, MOST_BLOCKS_AHEAD):
        if not isinstance(item, bytes):
            return
