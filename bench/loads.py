"""One large file: this loader, a bare COPY through the same emulator, PostgreSQL's own COPY, and other loaders."""

from __future__ import annotations

import contextlib
import tempfile
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from bench import workload
from bench.cloud import BenchCloud, BenchError, Connection, bench_cloud
from bench.measure import CaseFailedError, PartResult, Series, Target, Turns, paired_ratio, timed
from bench.peers import PEERS, Peer, PeerProcess, peer_process
from bench.sizes import Size

OURS, BARE, RAW = "this loader", "Put + bare COPY", "raw COPY into PostgreSQL"
COPY_ALONE = "bare COPY without Put"
WRANGLER = PEERS[0].title
SIZES = {
    Size.TINY: ((2_000,), 1),
    Size.QUICK: ((100_000, 1_000_000), 3),
    Size.FULL: ((100_000, 1_000_000, 5_000_000), 5),
}
GIVE_UP_SECONDS = 600.0
"""A case that would take longer at the next size, at the speed of this one, is left out there."""

LIMITS = {1_000_000: 1.15, 5_000_000: 1.05}
"""The most that this loader may take, as a multiple of Put + bare COPY."""

MOST_OF_RAW = 1.25
"""The most that COPY through the emulator may take, as a multiple of PostgreSQL's own."""


def measure(size: Size, report: Callable[[str], None]) -> PartResult:
    sizes, rounds = SIZES[size]
    with bench_cloud() as cloud, tempfile.TemporaryDirectory(prefix="bench-") as folder:
        part = _Loads(cloud, Path(folder), rounds, report)
        with contextlib.ExitStack() as stack:
            try:
                part.peers = stack.enter_context(peer_process(cloud, Path(folder)))
            except CaseFailedError as error:
                part.left_out = {peer.title: str(error) for peer in PEERS}
            for rows in sizes:
                part.measure(rows)
    return PartResult(part.series, part.targets, _notes(part.series))


@dataclass
class _Loads:
    cloud: BenchCloud
    folder: Path
    rounds: int
    report: Callable[[str], None]
    peers: PeerProcess | None = None
    left_out: dict[str, str] = field(default_factory=dict)
    """The cases that are not measured at the next size, with the reason."""

    copies: list[float] = field(default_factory=list)
    """Seconds of the bare COPYs of the current size."""

    series: list[Series] = field(default_factory=list)
    targets: list[Target] = field(default_factory=list)

    def measure(self, rows: int) -> None:
        self.report(workload.size_name(rows))
        file = self.folder / "file.csv"
        workload.write_file(file, rows)
        table = f"loads_{rows}"
        self.cloud.create_table(table)
        cases = {
            RAW: partial(self._raw, file, table),
            BARE: partial(self._bare, file, table),
            OURS: partial(self._ours, file, table),
        } | {peer.title: partial(self._peer, peer, file, table) for peer in PEERS}
        self.copies.clear()
        turns = Turns({n: c for n, c in cases.items() if n not in self.left_out}, self.rounds)
        turns.run(self.report)
        copies = tuple(self.copies[-len(turns.values[BARE]) :])
        self.series.append(Series(COPY_ALONE, workload.size_name(rows), "s", copies))
        self.series += turns.series(workload.size_name(rows))
        self.series += [
            Series(name, workload.size_name(rows), "s", (), reason)
            for name, reason in self.left_out.items()
        ]
        self._add_targets(turns, rows)
        self._leave_out_slow_cases(turns, rows)
        file.unlink()

    def _ours(self, file: Path, table: str) -> float:
        self._empty(table)
        with file.open("rb") as content:
            seconds, _ = self.cloud.load(f"dev/append/{table}/{uuid.uuid4().hex}.csv", content)
        self.cloud.empty_bucket(self.cloud.client.outputs.lake_bucket)
        return seconds

    def _bare(self, file: Path, table: str) -> float:
        self._empty(table)
        key = f"bare/{uuid.uuid4().hex}.csv"
        with contextlib.closing(self.cloud.connect()) as connection:
            seconds = timed(lambda: self._put_and_copy(connection, file, key, table))
        self.cloud.client.aws.client("s3").delete_object(Bucket=self.cloud.work_bucket, Key=key)
        return seconds

    def _put_and_copy(self, connection: Connection, file: Path, key: str, table: str) -> None:
        with file.open("rb") as content:
            self.cloud.put(key, content, self.cloud.work_bucket)
        statement = (
            f"COPY {table} FROM 's3://{self.cloud.work_bucket}/{key}' "
            f"IAM_ROLE '{self.cloud.copy_role}' CSV IGNOREHEADER 1"
        )
        with connection.cursor() as cursor:
            self.copies.append(timed(lambda: cursor.execute(statement)))

    def _raw(self, file: Path, table: str) -> float:
        self._empty(table)
        with (
            contextlib.closing(self.cloud.connect_to_postgres()) as connection,
            connection.cursor() as cursor,
            file.open("rb") as content,
        ):
            statement = f"COPY {table} FROM STDIN (FORMAT csv, HEADER)"
            return timed(lambda: cursor.copy_expert(statement, content, 1 << 20))

    def _peer(self, peer: Peer, file: Path, table: str) -> float:
        if self.peers is None:
            raise CaseFailedError("the other loaders are not installed")
        if peer.into_table:
            self._empty(table)
        seconds = self.peers.load(peer, file, table)
        if peer.into_table:
            self._check(table)
        return seconds

    def _empty(self, table: str) -> None:
        with (
            contextlib.closing(self.cloud.connect_to_postgres()) as connection,
            connection.cursor() as cursor,
        ):
            cursor.execute(f"TRUNCATE {table}")

    def _check(self, table: str) -> None:
        """Raise BenchError unless the table has all rows: a loader that loses some is not faster."""
        expected = int(table.rpartition("_")[2])
        with (
            contextlib.closing(self.cloud.connect_to_postgres()) as connection,
            connection.cursor() as cursor,
        ):
            cursor.execute(f"SELECT COUNT(*) FROM {table}")
            found = cursor.fetchone()[0]
        if found != expected:
            raise BenchError(f"{table} has {found} rows after a load of {expected}")

    def _add_targets(self, turns: Turns, rows: int) -> None:
        size = workload.size_name(rows)
        if rows in LIMITS:
            ratio = paired_ratio(self.copies[-len(turns.values[RAW]) :], turns.values[RAW])
            self.targets.append(Target(f"{COPY_ALONE} / {RAW}, {size}", ratio, MOST_OF_RAW))
            ratio = turns.ratio(OURS, BARE)
            self.targets.append(Target(f"{OURS} / {BARE}, {size}", ratio, LIMITS[rows]))
            if turns.values.get(WRANGLER):
                ratio = turns.ratio(OURS, WRANGLER)
                self.targets.append(Target(f"{OURS} / {WRANGLER}, {size}", ratio, 1.0))

    def _leave_out_slow_cases(self, turns: Turns, rows: int) -> None:
        larger = [each for each in SIZES[Size.FULL][0] if each > rows]
        for name, values in turns.values.items():
            if larger and values and values[0] * larger[0] / rows > GIVE_UP_SECONDS:
                self.left_out[name] = (
                    f"left out: {values[0]:.0f} s for {workload.size_name(rows)} would be "
                    f"{values[0] * larger[0] / rows / 60:.0f} minutes"
                )
            elif name in turns.missing:
                self.left_out[name] = turns.missing[name]


def _notes(series: list[Series]) -> list[str]:
    notes = [
        f"`{OURS}`: from PutObject until the answer is in the log. `{BARE}`: PutObject, then COPY "
        "with an open connection; nobody notices the file, checks it, or writes down what happened. "
        f"`{RAW}`: the lower bound, PostgreSQL's own COPY from the same bytes.",
        "The emulator loads CSV only, so awswrangler and dlt cannot use Parquet here, and dlt's "
        "Redshift destination sends INSERT statements. On Redshift, dlt with a staging bucket uses "
        "COPY. dlt's PostgreSQL destination, which uses COPY, is its fastest way into this server.",
    ]
    failed = sorted({f"{each.case}: {each.missing}" for each in series if each.missing})
    return notes + failed
