"""Runs `etl infer`, `etl check` and COPY on the CSV files of other people, and compares the table with the file.

    python -m bench.real_files FOLDER_OR_TAR... [--null-as NA] [--tight]

Prints one line for each file that does not go through unattended, and the counts. Needs no local
cloud: it starts an S3 server and an emulator of its own. The values of the file are read by Python's
csv module, and not by the code that is measured.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import sys
import tarfile
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import boto3
import sqlalchemy as sa
from botocore.config import Config
from click.testing import CliRunner
from sqlalchemy.exc import DBAPIError

from etl_cli.main import main as etl
from etl_core.csv_files.header import match_columns, read_header
from etl_core.csv_files.text_encodings import CODECS
from etl_core.model.table_ref import TableRef
from etl_core.schema_files.column_types import ColumnType
from etl_core.schema_files.schema_file import SchemaFile
from etl_core.schema_files.tables import table_of_schema_file
from etl_core.sql import CopyCsv, CopySource, identifier
from local_cloud import aws_server, emulator_process, processes
from local_cloud.state import StateDir
from local_cloud.tcp_ports import free_port

_BUCKET = "real-files"
_TRUST = {"Effect": "Allow", "Principal": {"Service": "redshift.amazonaws.com"}}
_TRUE = frozenset({"t", "true", "y", "yes", "1"})


@dataclass(frozen=True)
class Outcome:
    """How far a file got. `step` is `equal` if the table has the values of the file."""

    step: str
    detail: str = ""
    rows: int = 0
    values: int = 0


class RealFiles:
    """The steps of one file, with a table of the emulator."""

    def __init__(self, warehouse: sa.Engine, s3: Any, role: str, options: Sequence[str]) -> None:
        self._warehouse, self._s3, self._role, self._options = warehouse, s3, role, options

    def run(self, data: Path, folder: Path) -> Outcome:
        """Infer, check, load and compare one file."""
        schema = folder / "schema.json"
        inferred = CliRunner().invoke(
            etl, ["infer", str(data), "--output", str(schema), *self._options]
        )
        if inferred.exit_code:
            return Outcome("not inferred", _last_line(inferred.output))
        checked = CliRunner().invoke(etl, ["check", str(schema), str(data)])
        if checked.exit_code:
            return Outcome("not checked", _last_line(checked.output))
        spec, content = SchemaFile.parse(schema.read_bytes()), data.read_bytes()
        columns = match_columns(read_header([content], None, spec.csv), spec)
        try:
            stored = self._load(spec, columns, content)
        except DBAPIError as error:
            return Outcome("not loaded", str(error.orig).partition("\n")[0][:200])
        return _compare(_source_rows(content, spec), stored, columns, spec)

    def _load(self, spec: SchemaFile, columns: tuple[str, ...], content: bytes) -> list[Any]:
        """Load the file into a new table and return the rows of the table."""
        self._s3.put_object(Bucket=_BUCKET, Key="data.csv", Body=content)
        entry = {"url": f"s3://{_BUCKET}/data.csv", "mandatory": True}
        manifest = json.dumps({"entries": [entry]})
        self._s3.put_object(Bucket=_BUCKET, Key="manifest", Body=manifest)
        table = table_of_schema_file(spec, TableRef("dev", "public", "real_file"))
        options = spec.csv
        source = CopySource(
            f"s3://{_BUCKET}/manifest", self._role, None, options.delimiter, options.quote, options.null_as,
            options.copy_date_format, options.copy_time_format, options.encoding,
        )  # fmt: skip
        with self._warehouse.begin() as connection:
            table.create(connection)
            connection.execute(CopyCsv(table, columns, source))
            names: list[sa.ColumnClause[Any]] = [sa.column(identifier(name)) for name in columns]
            query: sa.Select[Any] = sa.select(*names).select_from(table)
            stored = list(connection.execute(query))
            connection.rollback()
        return stored


def _source_rows(content: bytes, spec: SchemaFile) -> Iterator[list[str]]:
    """Return the rows of the file below its header, without empty lines."""
    text = io.StringIO(content.decode(CODECS[spec.csv.encoding]), newline="")
    rows = csv.reader(text, delimiter=spec.csv.delimiter, quotechar=spec.csv.quote)
    next(rows)
    return (row for row in rows if row or len(spec.columns) == 1)


def _compare(
    source: Iterable[list[str]], stored: Sequence[Any], columns: Sequence[str], spec: SchemaFile
) -> Outcome:
    by_name = {column.name: column for column in spec.columns}
    convert = [_converter(by_name[name].type, spec.csv.null_as or "\\N") for name in columns]
    expected = Counter(
        tuple(one(value) for one, value in zip(convert, row or [""], strict=True)) for row in source
    )
    found = Counter(tuple(_plain(value) for value in row) for row in stored)
    if expected != found:
        missing = next(iter(expected - found), None)
        surplus = next(iter(found - expected), None)
        return Outcome("different", f"in the file {missing}, in the table {surplus}"[:300])
    return Outcome("equal", rows=len(stored), values=len(stored) * len(columns))


def _converter(kind: ColumnType, null_as: str) -> Callable[[str], object]:
    """Return what the table must have for a text of the file."""
    read = _reader(kind)

    def convert(value: str) -> object:
        if value == null_as or (not kind.is_text and not value.strip()):
            return None
        return read(value)

    return convert


def _reader(kind: ColumnType) -> Callable[[str], object]:
    if kind.is_text:
        return str
    if kind.is_integer or kind.name == "numeric":
        return Decimal
    match kind.name:
        case "double precision":
            return float
        case "boolean":
            return lambda value: value.lower() in _TRUE
        case "date":
            return lambda value: _moment(value).date().isoformat()
        case "timestamp without time zone" | "timestamp with time zone":
            return lambda value: _moment(value).isoformat()
        case _:
            return lambda value: time.fromisoformat(value).isoformat()


def _moment(value: str) -> datetime:
    for form in (
        "%d.%m.%Y",
        "%d %b %Y",
        "%d-%b-%Y",
        "%b %d, %Y",
        "%B %d, %Y",
        "%d %B %Y",
        "%Y-%b-%d",
    ):
        try:
            return datetime.strptime(value, form)  # noqa: DTZ007 - the file has no zone
        except ValueError:
            continue
    moment = datetime.fromisoformat(value)
    return moment.astimezone(UTC) if moment.tzinfo else moment


def _plain(value: object) -> object:
    """Return a value of the table in the form of _reader."""
    if isinstance(value, bool | float | str | None):
        return value
    if isinstance(value, int | Decimal):
        return Decimal(value)
    if isinstance(value, datetime) and value.tzinfo:
        return value.astimezone(UTC).isoformat()
    if isinstance(value, date | time):
        return value.isoformat()
    raise TypeError(type(value))


def _last_line(text: str) -> str:
    return text.strip().rpartition("\n")[2][:200]


@contextmanager
def _real_files(options: Sequence[str]) -> Iterator[RealFiles]:
    """Start the S3 server and the emulator."""
    with tempfile.TemporaryDirectory() as folder:
        state = StateDir(Path(folder))
        state.create()
        server = aws_server.launch(state, free_port(), outlives_us=False)
        credentials = emulator_process.prepare(state, free_port(), ["dev"])
        emulator = emulator_process.launch(
            state, credentials, server.endpoint_url, outlives_us=False
        )
        try:
            aws_server.wait_until_ready(server, state)
            emulator_process.wait_until_ready(emulator, state)
            s3, role = _client("s3", server), _role(_client("iam", server))
            s3.create_bucket(Bucket=_BUCKET)
            url = sa.URL.create(
                "redshift+psycopg2", credentials.user, credentials.password, credentials.host,
                credentials.port, "dev",
            )  # fmt: skip
            tls = {"sslmode": "verify-full", "sslrootcert": str(credentials.ca_file)}
            warehouse = sa.create_engine(url, connect_args=tls, use_native_hstore=False)
            yield RealFiles(warehouse, s3, role, options)
            warehouse.dispose()
        finally:
            processes.stop_children([server.child, emulator.child])


def _client(service: str, server: aws_server.AwsServer) -> Any:
    clients: Any = boto3  # the service's name is no literal
    return clients.client(
        service,
        endpoint_url=server.endpoint_url,
        region_name=aws_server.REGION,
        aws_access_key_id=aws_server.ACCESS_KEY_ID,
        aws_secret_access_key=aws_server.SECRET_ACCESS_KEY,
        config=Config(s3={"addressing_style": "path"}),
    )


def _role(iam: Any) -> str:
    """Create a role with which the emulator may read the bucket, and return its ARN."""
    trust = {"Version": "2012-10-17", "Statement": [_TRUST | {"Action": "sts:AssumeRole"}]}
    created = iam.create_role(RoleName="copy", AssumeRolePolicyDocument=json.dumps(trust))
    resources = [f"arn:aws:s3:::{_BUCKET}", f"arn:aws:s3:::{_BUCKET}/*"]
    allowed = {"Effect": "Allow", "Action": ["s3:*"], "Resource": resources}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    iam.put_role_policy(RoleName="copy", PolicyName="read", PolicyDocument=policy)
    return str(created["Role"]["Arn"])


def _csv_files(given: Sequence[Path], folder: Path) -> Iterator[Path]:
    """Yield the CSV files in the folders and archives, in order."""
    for path in given:
        if path.is_dir():
            yield from _csv_files(sorted(path.rglob("*.tar.gz")), folder)
            # macOS adds files whose names begin with ._ to archives; they are no CSV.
            yield from sorted(each for each in path.rglob("*.csv") if each.name[:2] != "._")
        elif path.name.endswith(".tar.gz"):
            unpacked = folder / path.name.removesuffix(".tar.gz")
            with tarfile.open(path) as archive:
                archive.extractall(unpacked, filter="data")
            yield from _csv_files([unpacked], folder)
        else:
            yield path


def run(argv: Sequence[str]) -> int:
    """Run the command and return its exit code: 0 if every file went through."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("paths", nargs="+", type=Path)
    parser.add_argument("--null-as")
    parser.add_argument("--tight", action="store_true")
    given = parser.parse_args(argv)
    options = [*(["--null-as", given.null_as] if given.null_as else []), *["--tight"] * given.tight]
    steps: Counter[str] = Counter()
    rows = values = 0
    with tempfile.TemporaryDirectory() as name, _real_files(options) as files:
        folder = Path(name)
        for data in _csv_files(given.paths, folder):
            outcome = files.run(data, folder)
            steps[outcome.step] += 1
            rows, values = rows + outcome.rows, values + outcome.values
            if outcome.step != "equal":
                print(f"{outcome.step}: {data.name}: {outcome.detail}")
    counts = ", ".join(f"{count} {step}" for step, count in steps.most_common())
    print(f"{sum(steps.values())} files: {counts}; {rows:,} rows and {values:,} values are equal")
    return 0 if set(steps) <= {"equal"} else 1


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
