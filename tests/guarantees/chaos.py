"""A random mix of faults around a random scenario, from one seed: the uploads, their deliveries, and the gremlin."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import psycopg2

from tests.e2e.conftest import Lake
from tests.guarantees.aws_proxy import AwsProxy, Fault
from tests.guarantees.run_size import count
from tests.guarantees.scenarios import MAX_STEPS, Delivery, Scenario, ScenarioUpload
from tests.guarantees.warehouse_proxy import ConnectionFault, WarehouseProxy
from tests.guarantees.worker_pool import CallResult, WorkerPool

UPLOADS, TABLES = 24, 2
_PAUSE_SECONDS = 0.15
_CALLS = ("s3\\.", "dynamodb\\.", "secretsmanager\\.", "dynamodb\\.UpdateItem", "s3\\.Get", "")
_KINDS: tuple[tuple[str, str, int], ...] = (
    ("append", "", 9),
    ("truncate", "", 2),
    ("upsert", "", 6),
    ("schema", "", 3),
    ("append", "value", 2),
    ("append", "header", 1),
    ("truncate", "value", 1),
    ("upsert", "key", 1),
    ("schema", "value", 1),
)


def random_scenario(chance: random.Random) -> Scenario:
    """Return uploads in arrival order and their deliveries: repeated, with kills, out of order.

    A schema file is first delivered before the later uploads of its table: waiting for an event that
    does not come ends (limits of the guarantees), and then there is no sequential result.
    """
    uploads = tuple(_uploads(chance))
    deliveries = [(float(each.number), each.number) for each in uploads]
    deliveries += [(chance.uniform(0, UPLOADS), each.number) for each in chance.sample(uploads, 8)]
    moved = [
        (place + (0 if uploads[number].action == "schema" else chance.uniform(0, 6)), number)
        for place, number in deliveries
    ]
    return Scenario(
        uploads,
        tuple(
            Delivery(number, _kills(chance), waits=chance.random() < 0.2)
            for _, number in sorted(moved)
        ),
    )


def _kills(chance: random.Random) -> tuple[int, ...]:
    return tuple(chance.randint(1, MAX_STEPS) for _ in range(chance.choice((0, 0, 0, 1, 2))))


def _uploads(chance: random.Random) -> Iterator[ScenarioUpload]:
    versions = [0] * TABLES
    for number in range(UPLOADS):
        table = chance.randrange(TABLES)
        [(action, fault, _)] = chance.choices(_KINDS, [weight for *_, weight in _KINDS])
        if not versions[table]:
            action, fault = "schema", ""
        if action == "schema" and not fault and (not versions[table] or chance.random() < 0.6):
            versions[table] += 1
        lines, slot = chance.randint(0, 3), chance.randrange(4)
        yield ScenarioUpload(number, table, action, versions[table], slot, lines, fault)  # type: ignore[arg-type]


class ChaosPool(WorkerPool):
    """The given pool's workers. While `is_bad` is set, every load is killed at a random step."""

    def __init__(self, pool: WorkerPool, chance: random.Random) -> None:
        self._pool, self._chance, self.is_bad = pool, chance, threading.Event()

    def call(self, handler: str, event: Mapping[str, Any], kill_at: int = 0) -> CallResult:
        """Run a handler like WorkerPool.call."""
        if self.is_bad.is_set() and handler.startswith("handlers.load."):
            kill_at = self._chance.randint(1, MAX_STEPS)
        return self._pool.call(handler, event, kill_at)


class Gremlin:
    """Breaks something, waits a little, breaks something else, until it is stopped."""

    def __init__(
        self,
        lake: Lake,
        seed: int,
        pool: WorkerPool,
        aws: AwsProxy,
        warehouse: WarehouseProxy,
        lease_table: str,
    ) -> None:
        self.chance = random.Random(seed + 1)
        self.pool = ChaosPool(pool, self.chance)
        self.lake, self.aws, self.warehouse = lake, aws, warehouse
        self.lease_table, self._stopped = lease_table, threading.Event()

    @contextmanager
    def at_work(self, tables: Sequence[str]) -> Iterator[None]:
        """Break things during the block. Afterwards everything works."""
        thread = threading.Thread(target=self._run, args=(tables,))
        thread.start()
        try:
            yield
        finally:
            self._stopped.set()
            thread.join()
            self.aws.fault = self.warehouse.fault = None

    def _run(self, tables: Sequence[str]) -> None:
        acts: list[Callable[[Sequence[str]], None]] = [
            self._break_aws,
            self._break_aws,
            self._break_connection,
            self._break_connection,
            self._kill_loads,
            self._steal_leases,
            self._lock_ledger,
            self._end_sessions,
        ]
        while not self._stopped.wait(self.chance.uniform(0, _PAUSE_SECONDS)):
            act = self.chance.choice(acts)
            count("chaos, faults", act.__name__.strip("_").replace("_", " "))
            act(tables)

    def _break_aws(self, tables: Sequence[str]) -> None:
        kind: Any = self.chance.choice(("reset", "lost response", "slow", "response"))
        times = self.chance.randint(1, 4)
        self.aws.fault = Fault(self.chance.choice(_CALLS), kind, times, code="SlowDown")

    def _break_connection(self, tables: Sequence[str]) -> None:
        side: Any = self.chance.choice(("server", "client"))
        self.warehouse.fault = ConnectionFault("reset", self.chance.randint(0, 9000), side)

    def _kill_loads(self, tables: Sequence[str]) -> None:
        """Kill every load for a while."""
        self.pool.is_bad.set()
        self._stopped.wait(self.chance.uniform(0.2, 1.5))
        self.pool.is_bad.clear()

    def _steal_leases(self, tables: Sequence[str]) -> None:
        client = self.lake.client.aws.client("dynamodb")
        for item in client.scan(TableName=self.lease_table)["Items"]:
            if self.chance.random() < 0.5:
                client.delete_item(TableName=self.lease_table, Key={"lease": item["lease"]})

    def _lock_ledger(self, tables: Sequence[str]) -> None:
        """Hold a ledger for a moment, like somebody who looks at it in a transaction."""
        table = self.chance.choice(tables)
        with suppress(psycopg2.Error), self.lake.ledger_locked(table):  # there may be no ledger yet
            self._stopped.wait(self.chance.uniform(0.1, 0.8))

    def _end_sessions(self, tables: Sequence[str]) -> None:
        """End sessions in the warehouse, like its restart."""
        sql = self.lake.client.sql
        with suppress(psycopg2.Error):
            sessions = sql(
                "dev", "SELECT pid FROM pg_stat_activity WHERE query ILIKE '%COPY%'"
            ).rows
            for (pid,) in sessions:
                sql("dev", f"SELECT pg_terminate_backend({int(pid)})")
