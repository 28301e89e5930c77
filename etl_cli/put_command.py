"""`etl put`: check files, upload them, and wait for their answers."""

from __future__ import annotations

import glob
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import Any

import click

from etl_cli.api_client import ApiClient, ApiError
from etl_cli.command_errors import plain_errors
from etl_cli.log_commands import say_stack, schema_path
from etl_cli.options import stack_options
from etl_cli.stack_outputs import Outputs, StackSource, client_of, databases_of, need
from etl_cli.terminal import echo, echo_lines, to_json

PART_BYTES = 16 << 20
"""A larger file is sent in parts of this size (S3 accepts at most 10,000 parts)."""
MAX_PARTS = 10_000
AT_ONCE = 8
"""So many files are sent at the same time; boto3 keeps ten connections."""
POLL_SECONDS = 0.25
WAIT_SECONDS = 900
_REFUSED = 1
_STDIN = "-"


@dataclass(frozen=True)
class Sending:
    """A file to upload. `content` is what was read from the standard input, else None."""

    path: Path
    key: str
    content: bytes | None = None

    @property
    def size(self) -> int:
        return self.path.stat().st_size if self.content is None else len(self.content)

    def chunks(self, size: int) -> Iterator[bytes]:
        """Yield the content in pieces of this size."""
        if self.content is not None:
            for start in range(0, len(self.content), size):
                yield self.content[start : start + size]
            return
        with self.path.open("rb") as file:
            while piece := file.read(size):
                yield piece


@click.command()
@click.argument("files", metavar="FILE...", nargs=-1, required=True)
@click.argument("table")
@click.option(
    "--action",
    type=click.Choice(("append", "truncate", "upsert", "schema"), case_sensitive=False),
    help="Default: schema for .json files, append for others.",
)
@click.option("--db", help="The database. Default: the first one of the stack.")
@click.option("--name", help="The file's name in the lake, for the standard input or one file.")
@click.option("--wait", is_flag=True, help="Wait until every upload is answered.")
@click.option("--no-check", is_flag=True, help="Send files without a look at their headers.")
@stack_options
@plain_errors
def put(
    files: tuple[str, ...],
    table: str,
    action: str | None,
    db: str | None,
    name: str | None,
    wait: bool,  # noqa: FBT001 - click passes flags as booleans
    no_check: bool,  # noqa: FBT001
    stack: StackSource,
    as_json: bool,  # noqa: FBT001
) -> None:
    """Upload files to TABLE (`table` or `schema.table`).

    FILE is a path, a pattern such as 'data/*.csv', or - for the standard input. Keys and headers are
    checked before anything is sent. TABLE can also be a key, or the beginning of one that ends in /:
    dev/append/user_data/.

    Exit code: 0 every file was uploaded (with --wait: and took effect), 1 one was not, or was refused,
    2 a file or an option cannot be used.
    """
    outputs = stack.read()
    databases = databases_of(outputs, stack)
    sendings = _sendings(_expand(files), table, action, db or databases[0], name)
    faults = [*_key_faults(sendings, databases)]
    if not faults and not no_check:
        faults = [*_header_faults(sendings, databases, ApiClient.of(outputs, stack))]
    for fault in faults:
        echo(fault, err=True)
    if faults:
        raise click.exceptions.Exit(_REFUSED)
    say_stack(stack)
    began = datetime.now(UTC)
    versions = send(outputs, stack, sendings)
    if not wait:
        _report_versions(sendings, versions, as_json=as_json)
        return
    answers = wait_for(ApiClient.of(outputs, stack), sendings, versions, began)
    raise click.exceptions.Exit(_report_answers(sendings, versions, answers, as_json=as_json))


def _expand(patterns: Sequence[str]) -> list[Path]:
    """Return the files that paths and patterns name. A path that exists is never a pattern."""
    found: list[Path] = []
    for pattern in patterns:
        if pattern == _STDIN or Path(pattern).is_file():
            found.append(Path(pattern))
            continue
        matches = sorted(Path(each) for each in glob.glob(pattern, recursive=True))  # noqa: PTH207
        files = [each for each in matches if each.is_file()]
        if not files:
            raise click.UsageError(f"{pattern} is no file, and no file matches it")
        found += files
    return list(dict.fromkeys(found))


def _sendings(
    paths: Sequence[Path], table: str, action: str | None, database: str, name: str | None
) -> list[Sending]:
    if name is not None and len(paths) > 1:
        raise click.UsageError("--name names one file in the lake; give one FILE")
    if "/" in table and not table.endswith("/") and len(paths) > 1:
        raise click.UsageError(f"{table} is the key of one file; end it with / for several files")
    sendings = []
    for path in paths:
        is_stdin = str(path) == _STDIN
        content = sys.stdin.buffer.read() if is_stdin else None
        file = name or ("stdin.csv" if is_stdin else path.name)
        sendings.append(Sending(path, _key(file, table, action, database), content))
    repeated = {each.key for each in sendings if sum(s.key == each.key for s in sendings) > 1}
    if repeated:
        raise click.UsageError(f"two files would get the key {sorted(repeated)[0]}; rename one")
    return sendings


def _key(file: str, table: str, action: str | None, database: str) -> str:
    if "/" in table:
        if action is not None:
            raise click.UsageError("--action is part of the key; give --action or a key")
        return f"{table}{file}" if table.endswith("/") else table
    chosen = action or ("schema" if file.lower().endswith(".json") else "append")
    return f"{database}/{chosen.lower()}/{table}/{file}"


def _key_faults(sendings: Sequence[Sending], databases: Sequence[str]) -> Iterator[str]:
    from etl_core.model.errors import InvalidKeyError
    from etl_core.model.lake_key import LakeKey

    for each in sendings:
        try:
            LakeKey.parse(each.key, databases)
        except InvalidKeyError as error:
            yield f"{each.path}: not sent: {error.message}"


def _header_faults(
    sendings: Sequence[Sending], databases: Sequence[str], api: ApiClient
) -> Iterator[str]:
    """Yield why a data file does not fit the schema in force. Without one in the log there is no check."""
    from etl_core.csv_files.compression import compression_of
    from etl_core.csv_files.header import match_columns, read_header
    from etl_core.model.errors import EtlError
    from etl_core.model.lake_key import Action, LakeKey

    documents: dict[str, Any] = {}
    new_schemas = {
        str(key.table)
        for key in (LakeKey.parse(each.key, databases) for each in sendings)
        if key.action is Action.SCHEMA
    }
    for each in sendings:
        key = LakeKey.parse(each.key, databases)
        if key.action is Action.SCHEMA or str(key.table) in new_schemas:
            continue
        path = schema_path(key.table.database, key.table.schema, key.table.name)
        if path not in documents:
            documents[path] = _schema_in_force(api, path)
        spec = documents[path]
        if spec is None:
            continue
        try:
            chunks = each.chunks(1 << 16)
            match_columns(read_header(chunks, compression_of(key.file), spec.csv), spec)
        except EtlError as error:
            yield f"{each.path}: not sent: {error.message}"


def _schema_in_force(api: ApiClient, path: str) -> Any:
    """Return the parsed schema file, None if the API does not have it or it cannot be parsed here."""
    from etl_core.model.errors import EtlError
    from etl_core.schema_files.schema_file import SchemaFile

    try:
        document = api.get(path)["document"]
        return None if document is None else SchemaFile.parse(to_json(document).encode())
    except ApiError as error:
        if error.status in (400, 404):
            return None
        raise
    except EtlError:
        return None


def send(outputs: Outputs, stack: StackSource, sendings: Sequence[Sending]) -> list[str]:
    """Upload the files and return their version ids, with a progress bar on a terminal.

    Files to append go at the same time, because their order does not matter; others one after the other.
    """
    from etl_cli.progress import progress

    client, bucket = client_of(outputs, stack, "s3"), str(need(outputs, "lake_bucket", stack))
    versions, done, sent, counting = list[str](), 0, 0, threading.Lock()
    total = sum(each.size for each in sendings)

    def on_bytes(size: int) -> None:
        nonlocal done
        with counting:
            done += size
            advance(done, f"{sent}/{len(sendings)}")

    def send_one(each: Sending) -> str:
        nonlocal sent
        version = _send_one(client, bucket, each, on_bytes)
        with counting:
            sent += 1
        return version

    with progress("sending", total) as advance, ThreadPoolExecutor(AT_ONCE) as threads:
        for is_append, group in groupby(sendings, key=_is_append):
            versions += (threads.map if is_append else map)(send_one, group)
    return versions


def _is_append(each: Sending) -> bool:
    from etl_core.model.lake_key import Action, describe_key

    return describe_key(each.key).action == Action.APPEND


def _send_one(client: Any, bucket: str, each: Sending, on_bytes: Callable[[int], None]) -> str:
    target = {"Bucket": bucket, "Key": each.key}
    if each.size <= PART_BYTES:
        body = b"".join(each.chunks(PART_BYTES))
        version = client.put_object(**target, Body=body).get("VersionId", "")
        on_bytes(len(body))
        return str(version)
    upload = {**target, "UploadId": client.create_multipart_upload(**target)["UploadId"]}
    try:
        parts = []
        for number, piece in enumerate(each.chunks(max(PART_BYTES, -(-each.size // MAX_PARTS))), 1):
            etag = client.upload_part(**upload, PartNumber=number, Body=piece)["ETag"]
            parts.append({"PartNumber": number, "ETag": etag})
            on_bytes(len(piece))
        done = client.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts})
    except BaseException:
        # An upload that is not ended keeps its parts, which cost money.
        client.abort_multipart_upload(**upload)
        raise
    return str(done.get("VersionId", ""))


def wait_for(
    api: ApiClient, sendings: Sequence[Sending], versions: Sequence[str], began: datetime
) -> dict[str, dict[str, Any]]:
    """Return the log entries with a final status, by version id. One request asks for all files of a table."""
    open_versions = dict(zip(versions, sendings, strict=True))
    answers: dict[str, dict[str, Any]] = {}
    ends_at = time.monotonic() + WAIT_SECONDS
    since = f"{began - timedelta(minutes=5):%Y-%m-%dT%H:%M:%SZ}"
    while open_versions and time.monotonic() < ends_at:
        for parameters in _queries(open_versions.values(), since):
            for entry in api.pages("/logs", parameters):
                version = str(entry.get("version_id", ""))
                if version in open_versions and entry["status"] != "received":
                    answers[version] = entry
                    del open_versions[version]
        if open_versions:
            time.sleep(POLL_SECONDS)
    return answers


def _queries(sendings: Any, since: str) -> list[dict[str, str]]:
    from etl_core.model.lake_key import describe_key

    found = {describe_key(each.key) for each in sendings}
    return [
        {
            "table_name": f"{parts.schema}.{parts.table_name}",
            "database": str(parts.database),
            "from": since,
        }
        for parts in {(p.database, p.schema, p.table_name): p for p in found}.values()
    ]


def _report_versions(
    sendings: Sequence[Sending], versions: Sequence[str], *, as_json: bool
) -> None:
    rows = [
        {"key": each.key, "version_id": version}
        for each, version in zip(sendings, versions, strict=True)
    ]
    if as_json:
        echo_lines(to_json(rows[0] if len(rows) == 1 else rows))
        return
    for row in rows:
        echo(f"{row['key']} version {row['version_id']}")


def _report_answers(
    sendings: Sequence[Sending],
    versions: Sequence[str],
    answers: Mapping[str, dict[str, Any]],
    *,
    as_json: bool,
) -> int:
    """Print the answers and return the exit code."""
    entries = [
        answers.get(version, {"s3_key": each.key, "version_id": version, "status": "received"})
        for each, version in zip(sendings, versions, strict=True)
    ]
    if as_json:
        echo_lines(to_json(entries))
    else:
        from etl_cli.log_commands import print_entries

        print_entries(entries)
    if len(answers) < len(entries):
        count = len(entries) - len(answers)
        echo(f"{count} without an answer after {WAIT_SECONDS} s; see etl logs", err=True)
    good = ("loaded", "applied", "unchanged", "duplicate", "superseded", "ignored")
    return 0 if all(entry["status"] in good for entry in entries) else _REFUSED
