"""Speed of COPY in the emulator, compared with a raw copy_expert into the same PostgreSQL, and of small statements.

`python -m bench.emulator_copy [rows]` starts the emulator and a local S3, measures in turn, and
prints medians and ratios. Default: a million rows. Target: COPY reaches at least 0.8 of the speed
of copy_expert for the same file. `redshift_statements` describes the small statements.
"""

from __future__ import annotations

import contextlib
import gzip
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import boto3
import psutil
import psycopg2

from bench import redshift_statements
from local_cloud import aws_server, emulator_process, processes
from local_cloud.state import StateDir
from local_cloud.tcp_ports import free_port

RUNS = 5
BUCKET = "bench"
KEYS = (
    f"ACCESS_KEY_ID '{aws_server.ACCESS_KEY_ID}' SECRET_ACCESS_KEY '{aws_server.SECRET_ACCESS_KEY}'"
)
COLUMNS = (
    "id bigint not null, small int, amount numeric(12,2), day date, seen timestamp, flag boolean, "
    "ratio double precision,"
    " name varchar(64), note varchar(256), code char(2)"
)


def main() -> None:
    """Print the figures as they are measured."""
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    content = make_file(rows)
    with servers() as (s3, connect, raw, pid):
        s3.create_bucket(Bucket=BUCKET)
        s3.put_object(Bucket=BUCKET, Key="plain/file.csv", Body=content)
        s3.put_object(Bucket=BUCKET, Key="gzip/file.csv.gz", Body=gzip.compress(content, 6))
        print(f"{rows:,} rows, {len(content) / 1e6:.0f} MB, ten columns; seconds per run")
        measure_copy(connect, raw, content, psutil.Process(pid))
        redshift_statements.compare(connect, raw, psutil.Process(pid))


def make_file(rows: int) -> bytes:
    """Return a CSV file with mixed columns in common notations, about 95 bytes per row."""
    return b"".join(
        b'%d,%d,%d.%02d,20%02d-%02d-%02d,2023-05-06 07:08:%02d,%s,%.4f,name %d,"text, with %d",ab\n'
        % (
            n * 1003,
            n % 1000,
            n,
            n % 100,
            n % 24,
            n % 12 + 1,
            n % 28 + 1,
            n % 60,
            b"tf"[n % 2 :][:1],
            n / 7,
            n,
            n % 999,
        )
        for n in range(rows)
    )


Connect = Callable[[], Any]


@contextlib.contextmanager
def servers() -> Iterator[tuple[Any, Connect, Connect, int]]:
    """Yield an S3 client, functions that connect to the emulator (without TLS) and to PostgreSQL,
    and the emulator's pid.
    """
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        state = StateDir(Path(folder) / "state")
        state.create()
        server = aws_server.launch(state, free_port(), outlives_us=False)
        account = emulator_process.prepare(state, free_port(), ["dev"])
        emulator = emulator_process.launch(state, account, server.endpoint_url, outlives_us=False)
        try:
            aws_server.wait_until_ready(server, state)
            emulator_process.wait_until_ready(emulator, state)
            sockets = next(state.warehouse_data.rglob("postmaster.pid")).read_text().splitlines()[4]
            login: dict[str, Any] = {
                "host": "127.0.0.1",
                "port": account.port,
                "user": account.user,
                "password": account.password,
            }
            s3 = boto3.client(
                "s3",
                endpoint_url=server.endpoint_url,
                region_name=aws_server.REGION,
                aws_access_key_id=aws_server.ACCESS_KEY_ID,
                aws_secret_access_key=aws_server.SECRET_ACCESS_KEY,
            )
            yield (
                s3,
                lambda: psycopg2.connect(dbname="dev", sslmode="disable", **login),
                lambda: psycopg2.connect(host=sockets, dbname="dev", user="rdsdb"),
                emulator.child.record.pid,
            )
        finally:
            processes.stop_children([server.child, emulator.child])


def measure_copy(connect: Connect, raw: Connect, content: bytes, process: psutil.Process) -> None:
    with contextlib.closing(connect()) as through, contextlib.closing(raw()) as direct:
        through.autocommit = direct.autocommit = True
        run(through, f"CREATE TABLE loaded ({COLUMNS})")
        run(direct, "CREATE TABLE raw (LIKE loaded)")

        def copy_raw() -> None:
            with direct.cursor() as cursor:
                cursor.copy_expert("COPY raw FROM STDIN (FORMAT csv)", BytesIO(content), 1 << 20)

        copies: dict[str, tuple[Any, str, Callable[[], None]]] = {
            "raw copy_expert": (direct, "raw", copy_raw),
            "COPY": (through, "loaded", lambda: run(through, copy_sql("plain", "csv"))),
            "COPY gzip": (through, "loaded", lambda: run(through, copy_sql("gzip", "csv gzip"))),
        }
        seconds: dict[str, list[float]] = {name: [] for name in copies}
        cpu: dict[str, list[float]] = {name: [] for name in copies}
        for number in range(RUNS + 1):
            for name, (connection, table, copy) in copies.items():
                run(connection, f"TRUNCATE {table}")
                before = cpu_seconds(process)
                seconds[name].append(timed(copy))
                cpu[name].append(cpu_seconds(process) - before)
            print(
                f"  run {number}: "
                + ", ".join(f"{name} {values[-1]:.2f}" for name, values in seconds.items())
            )
        medians = {
            name: statistics.median(values[1:]) for name, values in seconds.items()
        }  # the first run warms up
    for name, median in medians.items():
        ratio = medians["raw copy_expert"] / median
        print(
            f"{name:16} {median:.2f} s, {len(content) / median / 1e6:.0f} MB/s, {ratio:.2f} of raw (target: 0.80)"
        )
    print(
        f"CPU of the emulator: COPY {min(cpu['COPY']):.2f} s, COPY gzip {min(cpu['COPY gzip']):.2f} s (best runs)"
    )
    print(f"memory of the emulator: {process.memory_info().rss / 1e6:.0f} MB")


def cpu_seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def copy_sql(folder: str, parameters: str) -> str:
    return f"COPY loaded FROM 's3://{BUCKET}/{folder}/file.csv' {KEYS} {parameters}"


def run(connection: Any, sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql)


def timed(work: Callable[[], Any]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
