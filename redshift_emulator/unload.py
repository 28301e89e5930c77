"""UNLOAD: writes the rows of a query to S3, as delimited text, CSV, JSON or Parquet (r_UNLOAD).

All rows go to one object: `0000_part_00` after the prefix, or `000` with PARALLEL OFF. Fixed width, partitions and
client-side encryption are limits of the emulator.
"""

from __future__ import annotations

import gzip
import io
import json
import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from botocore.exceptions import BotoCoreError, ClientError

from redshift_emulator import wire
from redshift_emulator.copy.authorization import (
    Authorization,
    DefaultRole,
    choose_authorization,
    parse_credentials,
    parse_roles,
)
from redshift_emulator.copy.roles import Caller, s3_client
from redshift_emulator.copy.s3 import parse_url
from redshift_emulator.copy.service_errors import failed_s3
from redshift_emulator.cursor import Cursor
from redshift_emulator.errors import SqlError
from redshift_emulator.lexer import tokenize
from redshift_emulator.parquet import write_parquet
from redshift_emulator.refusals import refusal

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from redshift_emulator.backend import Backend
    from redshift_emulator.context import CopyContext

_LIMITS = frozenset(
    {"partition", "master_symmetric_key", "fixedwidth", "bzip2", "zstd", "rowgroupsize"}
)
_KEYS = frozenset({"access_key_id", "secret_access_key", "session_token"})
_TEXT_ONLY = frozenset({"delimiter", "addquotes", "escape", "header", "null"})
# What each format cannot be used with.
_EXCLUDED = {
    "text": frozenset[str](),
    "csv": frozenset({"addquotes", "escape"}),
    "json": _TEXT_ONLY,
    "parquet": _TEXT_ONLY | {"gzip"},
}
_VARBYTE = 6551
_SUPER = 4000
_NUMBERS = frozenset({20, 21, 23, 700, 701, 1700})
_BREAKS = "\n\r"


@dataclass
class UnloadOptions:
    """What one UNLOAD asks for."""

    query: str
    url: str
    authorization: Authorization | None = None
    keys: dict[str, str] = field(default_factory=dict)
    format: str = "text"
    delimiter: str = ""
    null_as: str = ""
    region: str | None = None
    extension: str = ""
    kms_key: str = ""
    flags: set[str] = field(default_factory=set)
    texts: set[str] = field(default_factory=set)
    parallel: bool = True


def parse_unload(sql: str) -> UnloadOptions:
    """Parse UNLOAD ('query') TO 's3://...' options. SqlError for what Redshift or the emulator does not accept."""
    cursor = Cursor(sql, tokenize(sql))
    cursor.expect("unload", "(")
    query = cursor.string()
    cursor.expect(")", "to")
    options = UnloadOptions(query, cursor.string())
    while not cursor.at_end:
        _read_option(cursor, options)
    excluded = _EXCLUDED[options.format] & (options.flags | options.texts)
    if excluded:
        shown = min(excluded).upper()
        raise SqlError("42601", f"{options.format.upper()} cannot be used with {shown}")
    if options.kms_key and not {"encrypted"} == options.flags & {"encrypted", "auto"}:
        raise SqlError("42601", "KMS_KEY_ID requires ENCRYPTED without AUTO")
    options.delimiter = options.delimiter or ("," if options.format == "csv" else "|")
    return options


def _read_option(cursor: Cursor, options: UnloadOptions) -> None:
    word = cursor.next().value
    if word in _LIMITS:
        raise refusal("emulator", command="UNLOAD ... " + word.upper())
    if word in ("header", "gzip", "allowoverwrite", "addquotes", "escape", "cleanpath", "manifest"):
        options.flags.add(word)
        cursor.take("verbose")
    elif word == "encrypted":
        options.flags |= {word, "auto"} if cursor.take("auto") else {word}
    elif word == "kms_key_id":
        cursor.take("as")
        options.kms_key = cursor.string()
    elif word in ("format", "csv", "json", "parquet"):
        cursor.take("as")
        options.format = cursor.name() if word == "format" else word
        if options.format not in _EXCLUDED:
            raise refusal("emulator", command="UNLOAD ... FORMAT " + options.format.upper())
    elif word == "iam_role":
        options.authorization = (
            DefaultRole() if cursor.take("default") else parse_roles(cursor.string())
        )
    elif word == "credentials":
        cursor.take("as")
        options.authorization = parse_credentials(cursor.string())
    elif word in _KEYS:
        cursor.take("as")
        options.keys[word] = cursor.string()
    else:
        _read_value(cursor, options, word)


def _read_value(cursor: Cursor, options: UnloadOptions, word: str) -> None:
    if word == "parallel":
        options.parallel = cursor.take_any("on", "true") != "" or not cursor.take_any(
            "off", "false"
        )
    elif word == "maxfilesize":
        cursor.take("as")
        cursor.next()
        cursor.take_any("mb", "gb")
    elif word in ("delimiter", "null", "region", "extension"):
        cursor.take("as")
        options.texts.add(word)
        setattr(options, "null_as" if word == "null" else word, cursor.string())
    elif word != "with":
        cursor.index -= 1
        raise cursor.syntax_error()


def run_unload(options: UnloadOptions, plan: Callable[[str], str], context: CopyContext) -> int:
    """Write the rows and return their number. `plan` returns PostgreSQL's form of the query."""
    authorization = choose_authorization(options.authorization, options.keys)
    caller = Caller(context.aws, context.user, context.database, context.aws.default_role)
    client = s3_client(authorization, options.region, caller)
    bucket, prefix = parse_url(options.url)
    _check_destination(client, bucket, prefix, options)
    columns, rows = _read(context.backend, plan(options.query))
    if options.format == "json" and not rows:
        return 0
    body = _body(columns, rows, options)
    key = prefix + ("0000_part_00" if options.parallel else "000")
    if options.format in ("json", "parquet"):
        key = f"{key}.{options.format}"
    if "gzip" in options.flags:
        packed = io.BytesIO()
        with gzip.GzipFile(fileobj=packed, mode="wb", mtime=0) as file:
            file.write(body)
        body, key = packed.getvalue(), key + ".gz"
    if options.extension:
        key = f"{key}.{options.extension.lstrip('.')}"
    put = partial(_put, client, bucket, options.kms_key)
    put(key, body)
    if "manifest" in options.flags:
        entry = {"url": f"s3://{bucket}/{key}", "meta": {"content_length": len(body)}}
        put(prefix + "manifest", json.dumps({"entries": [entry]}).encode())
    return len(rows)


def _check_destination(client: S3Client, bucket: str, prefix: str, options: UnloadOptions) -> None:
    try:
        found = client.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", [])
        if "cleanpath" in options.flags:
            for item in found:
                client.delete_object(Bucket=bucket, Key=item["Key"])
        elif found and "allowoverwrite" not in options.flags:
            raise refusal("unload not empty")
    except (ClientError, BotoCoreError) as failure:
        raise failed_s3(failure, f"Listing bucket={bucket} prefix={prefix}") from failure


def _put(client: S3Client, bucket: str, kms_key: str, key: str, body: bytes) -> None:
    """Write an object. Without a key of KMS, S3 encrypts with its own (r_UNLOAD)."""
    try:
        if kms_key:
            client.put_object(
                Bucket=bucket,
                Key=key,
                Body=body,
                ServerSideEncryption="aws:kms",
                SSEKMSKeyId=kms_key,
            )
        else:
            client.put_object(Bucket=bucket, Key=key, Body=body)
    except (ClientError, BotoCoreError) as failure:
        raise failed_s3(failure, f"Writing s3://{bucket}/{key}") from failure


class _Column(NamedTuple):
    """A column of the result: the number and the modifier of its PostgreSQL type."""

    name: str
    oid: int
    modifier: int


def _read(backend: Backend, sql: str) -> tuple[list[_Column], list[list[str | None]]]:
    """Run a query and return its columns and its rows as text."""
    backend.notices.clear()
    backend.send(wire.query(wire.raw(sql)))
    columns: list[_Column] = []
    rows: list[list[str | None]] = []
    for kind, body in backend.frames():
        if kind == b"T":
            columns = list(_columns(body))
        elif kind == b"D":
            values = zip(columns, wire.parse_row(body), strict=True)
            rows.append([_plain(value, column.oid) for column, value in values])
    return columns, rows


def _columns(body: bytes) -> Iterator[_Column]:
    """Yield the columns of a RowDescription."""
    count, position = struct.unpack_from("!H", body)[0], 2
    for _ in range(count):
        end = body.index(b"\0", position)
        oid, _, modifier = struct.unpack_from("!Ihi", body, end + 7)
        yield _Column(wire.cooked(body[position:end]), oid, modifier)
        position = end + 19


def _plain(value: str | None, oid: int) -> str | None:
    return value.removeprefix("\\x") if value is not None and oid == _VARBYTE else value


def _body(
    columns: Sequence[_Column], rows: Sequence[Sequence[str | None]], options: UnloadOptions
) -> bytes:
    """Return the content of the object."""
    if options.format == "parquet":
        file = io.BytesIO()
        write_parquet(columns, rows, file)
        return file.getvalue()
    if options.format == "json":
        lines = ["{" + ",".join(map(_member, columns, row)) + "}\n" for row in rows]
    else:
        names = [[column.name for column in columns]] if "header" in options.flags else []
        lines = [_line(line, options) for line in (*names, *rows)]
    return "".join(lines).encode("utf-8", "surrogateescape")


def _member(column: _Column, value: str | None) -> str:
    """Return a value as a member of a JSON object. Numbers and SUPER values are JSON already.

    Booleans are `t` or `f`; that they are strings is not confirmed.
    """
    if value is None:
        text = "null"
    else:
        is_json = column.oid == _SUPER or (column.oid in _NUMBERS and value[-1].isdigit())
        text = value if is_json else json.dumps(value, ensure_ascii=False)
    return f"{json.dumps(column.name, ensure_ascii=False)}:{text}"


def _line(values: Sequence[str | None], options: UnloadOptions) -> str:
    return options.delimiter.join(_field(value, options) for value in values) + "\n"


def _field(value: str | None, options: UnloadOptions) -> str:
    if value is None:
        return options.null_as
    if options.format == "csv":
        is_special = any(sign in value for sign in (options.delimiter, '"', *_BREAKS))
        return '"' + value.replace('"', '""') + '"' if is_special else value
    if "escape" in options.flags:
        for sign in ("\\", options.delimiter, *_BREAKS):
            value = value.replace(sign, "\\" + sign)
    return f'"{value}"' if "addquotes" in options.flags else value
