"""Runs one COPY: parses the statement, locks the table, reads the files, stores the rows, reports."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from redshift_emulator.block import write_lock
from redshift_emulator.context import CopyContext, TableInfo
from redshift_emulator.copy.columns import Column, column_of
from redshift_emulator.copy.formats import record_readers
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

MAX_CHECKSUM_BLOCKS = 8_192
"""How much of a compressed file is read after a rejected row to check its checksum: 1 GB uncompressed."""
_NOT_FOUND = frozenset({"42P01", "3F000"})


def run_copy(sql: str, context: CopyContext) -> str:
    """Run the COPY statement and return its command tag.

    A COPY that fails stores no rows, in a block or outside one. Raises SqlError for errors of
    Redshift, BackendError for errors of PostgreSQL (cancelled, out of space). Rejected rows are in
    pg_rs.load_error before this returns or raises.
    """
    options = parse_copy(sql, keep_case=context.keep_case)
    report: LoadReport | None = None
    autocommit = context.backend.status == b"I"
    if autocommit:
        context.backend.query("BEGIN")
    try:
        table = _lock_table(context, options)
        columns = choose_columns(table, options)
        report = LoadReport(context, options, table, context.next_query_id())
        _choose_encodings(context, options, table)
        rows = _load(context, options, table, columns, report)
        report.write("completed", rows)
        if autocommit:
            context.backend.query("COMMIT")
    except BaseException as failure:
        _clean_up(context, report, failure, autocommit=autocommit)
        raise
    context.record_copy(rows, report.query_id)
    report.send_notices(rows)
    return "COPY"


def _clean_up(
    context: CopyContext, report: LoadReport | None, failure: BaseException, *, autocommit: bool
) -> None:
    if isinstance(failure, BackendError) and failure.fatal:
        return
    if autocommit:
        context.backend.query("ROLLBACK")
    if report is not None:
        report.write("aborted", 0)
        if report.rejected:
            context.record_copy(0, report.query_id)


def _lock_table(context: CopyContext, options: CopyOptions) -> TableInfo:
    """Lock the table against other writers and return it.

    The lock comes first, since looking up takes a snapshot.
    """
    name = qualified(*(stored_name(part) for part in (options.schema, options.table) if part))
    try:
        context.backend.query(write_lock(name))
        table = context.describe_table(options.schema, options.table)
    except BackendError as failure:
        if failure.sqlstate not in _NOT_FOUND:
            raise
        table = None
    if table is None:
        raise SqlError("XX000", f"Cannot COPY into nonexistent table {options.table}")
    return table


def _choose_encodings(context: CopyContext, options: CopyOptions, table: TableInfo) -> None:
    if options.comp_update is CompUpdate.OFF or options.no_load:
        return
    name = qualified(table.schema, table.name)
    raw_only = "t" if options.comp_update is CompUpdate.DEFAULT else "f"
    context.backend.query(call("pg_rs.choose_encodings", name, raw_only))


def choose_columns(table: TableInfo, options: CopyOptions) -> list[Column]:
    """Return the target columns in the order of the fields.

    Raises SqlError for unknown columns, for an identity column without EXPLICIT_IDS, and for
    EXPLICIT_IDS without an identity column.
    """
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
    """The blocks that follow belong to this object."""

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
        except UnpackError as error:
            raise CorruptFileError(source.url, str(error)) from error


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
    records = record_readers(client, options, columns)
    with (
        RowStream(context.backend, target, columns, options, report.reject, records) as stream,
        ReadAhead(_read_files(client, sources, options)) as items,
    ):
        try:
            has_checksum = options.compression is not Compression.NONE
            _feed(iter(items), stream, report, has_checksum=has_checksum)
        except RowTooLongError as error:
            raise report.failure() from error
        except CorruptFileError as error:
            report.discard(error.url)
            raise
        report.replaced = stream.replaced
        return stream.finish()


def _feed(
    items: Iterator[_FileStart | bytes],
    stream: RowStream,
    report: LoadReport,
    *,
    has_checksum: bool,
) -> None:
    for item in items:
        if isinstance(item, bytes):
            try:
                stream.feed(item)
            except (SqlError, RowTooLongError):
                if has_checksum:
                    _verify_checksum(items)
                raise
            continue
        stream.end_file()
        stream.begin_file(item.source.url)
        report.begin_file(item.source.url, item.source.size)
    stream.end_file()


def _verify_checksum(items: Iterator[_FileStart | bytes]) -> None:
    """Read the rest of the file.

    Its checksum shows whether a rejected row comes from damage: CorruptFileError.
    """
    for item in itertools.islice(items, MAX_CHECKSUM_BLOCKS):
        if not isinstance(item, bytes):
            return
