"""A random mix of all faults for a given time: no difference from the sequential result, and no lie.

`ETL_CHAOS_MINUTES=30` sets the time for each isolation level. Each round has a seed, which a failure prints;
`ETL_CHAOS_SEED=n` runs one round with that seed. Faults in another order than in the failed round
are possible: threads are not seeded.
"""

from __future__ import annotations

import copy
import os
import random
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from etl_cli.client import Client
from etl_cli.main import main
from etl_core.model.status import TOOK_EFFECT, Status
from etl_core.model.upload import Upload
from etl_core.upload_log.entry import SORT_KEY
from local_cloud import emulator_process
from local_cloud.cloud import LocalCloud
from tests.conftest import without_rule
from tests.e2e.conftest import Lake
from tests.e2e.test_reconcile import Operator
from tests.guarantees.aws_proxy import aws_proxy
from tests.guarantees.chaos import TABLES, Gremlin, random_scenario
from tests.guarantees.conftest import WORKERS, deployed_interpreter, environment_of
from tests.guarantees.harness import Harness
from tests.guarantees.run_size import count
from tests.guarantees.scenarios import ScenarioUpload, rows_of, statuses_of
from tests.guarantees.warehouse_proxy import warehouse_proxy
from tests.guarantees.worker_pool import ForkServer, worker_pool

MINUTES = float(os.environ.get("ETL_CHAOS_MINUTES", "0"))
SEED = os.environ.get("ETL_CHAOS_SEED")
SCALE = 0.1
_RUNS_OF_RECONCILE = 5
_WITHOUT_VERSION_ID = 3
"""The slot of these files."""


@pytest.fixture(params=emulator_process.ISOLATION_LEVELS)
def isolation(request: pytest.FixtureRequest) -> str:
    level: str = request.param
    return level


@pytest.fixture
def chaos_lake(isolation: str, tmp_path: Path) -> Iterator[Lake]:
    """Start a local cloud of this isolation level whose uploads start no execution by themselves."""
    with LocalCloud.start(tmp_path / "cloud", isolation=isolation) as cloud:
        client = Client.of(cloud.outputs)
        lake = Lake(cloud, client)
        with closing(client), without_rule(lake):
            level = "SELECT database_isolation_level FROM svv_redshift_databases"
            assert {row[0].split()[0].lower() for row in client.sql("dev", level).rows} == {
                isolation
            }
            yield lake


@pytest.mark.skipif(not MINUTES, reason="ETL_CHAOS_MINUTES is not set; `make proofs` sets it")
@pytest.mark.timeout(MINUTES * 60 + 600)
def test_chaos_makes_no_difference_and_no_lie(
    chaos_lake: Lake, isolation: str, fork_server: ForkServer
) -> None:
    lake, interpreter = chaos_lake, deployed_interpreter(chaos_lake)
    variables_of_functions = environment_of(lake)
    ends_at = time.monotonic() + MINUTES * 60
    while time.monotonic() < ends_at:
        seed = int(SEED) if SEED else random.SystemRandom().randrange(10**9)
        with ExitStack() as stack:
            aws = stack.enter_context(aws_proxy(variables_of_functions["AWS_ENDPOINT_URL"]))
            port = lake.client.outputs.warehouse.port
            warehouse = stack.enter_context(warehouse_proxy("127.0.0.1", port))
            variables = {"AWS_ENDPOINT_URL": aws.url, "WAREHOUSE_PORT": str(warehouse.port)}
            environment = variables_of_functions | variables
            workers = stack.enter_context(worker_pool(fork_server, environment, size=WORKERS))
            harness = Harness(lake, replace(interpreter, scale=SCALE), workers)
            gremlin = Gremlin(lake, seed, workers, aws, warehouse, environment["LEASE_TABLE"])
            try:
                run_round(harness, gremlin, seed)
            except BaseException as error:
                error.add_note(f"ETL_CHAOS_SEED={seed}")
                raise
            count(f"kills, chaos, {isolation}", *workers.kills_by_step.elements())
        count("chaos", f"rounds, {isolation}")
        if SEED:
            return


def run_round(harness: Harness, gremlin: Gremlin, seed: int) -> None:
    chance = random.Random(seed)
    scenario = random_scenario(chance)
    names = {table: harness.lake.table("chaos") for table in range(TABLES)}
    events = {
        each.number: an_event_of(each, names[each.table], harness) for each in scenario.uploads
    }
    forged = [forge(events[each.number], chance) for each in scenario.uploads[-3:]]
    troubled = replace(harness, pool=gremlin.pool)
    with gremlin.at_work(list(names.values())), ThreadPoolExecutor(len(forged)) as threads:
        list(threads.map(troubled.run, forged))
        results = troubled.deliver(scenario.deliveries, events)
    count(
        "chaos, executions", *(each.ending if "record" in each.data else "died" for each in results)
    )
    settle(harness, names.values())
    for event in forged:
        assert entry_of(harness, event)["status"] == "rejected", event
    for table, name in names.items():
        uploads = scenario.of_table(table)
        check_truth(harness, name, uploads, events)
        if chance.random() < 0.5 and uploads:
            damage(harness, name, uploads)


def an_event_of(upload: ScenarioUpload, table: str, harness: Harness) -> dict[str, Any]:
    """Put the upload's file and return its event. Events of one name never have a version id."""
    event = harness.put(upload.action, table, upload.content, upload.number, upload.file)
    if upload.action != "schema" and upload.slot == _WITHOUT_VERSION_ID:
        del event["detail"]["object"]["version-id"]
    return event


def forge(event: Mapping[str, Any], chance: random.Random) -> dict[str, Any]:
    """Return an event for the same table that no upload can have."""
    forged: dict[str, Any] = copy.deepcopy(dict(event))
    stored = forged["detail"]["object"]
    stored["sequencer"], stored["version-id"] = "FFFF", f"forged-{chance.random()}"
    if chance.random() < 0.5:
        forged["time"] = "0001-01-01T00:00:00Z"
    else:
        stored["key"] += "\x00.csv"
    return forged


def settle(harness: Harness, tables: Iterable[str]) -> None:
    """Run reconcile, like its schedule, until it has nothing to do."""
    operator = Operator(harness.lake)
    for table in tables:
        for _ in range(_RUNS_OF_RECONCILE):
            _, output = operator.reconcile(table)
            count("chaos, reconcile", *Counter(output["counts"]).elements())
            if set(output["counts"]) <= {"recorded"}:
                break
        else:
            raise AssertionError(f"reconcile does not settle {table}: {output}")


def check_truth(
    harness: Harness, name: str, uploads: Sequence[ScenarioUpload], events: Mapping[int, Any]
) -> None:
    """Compare the table with the sequential result, and every status with the ledger."""
    if not uploads:
        return
    assert harness.rows(name) == rows_of(uploads), name
    rows = harness.lake.client.sql(
        "dev", f"SELECT s3_key, version_id, status, rows_loaded FROM etl_ledger.public__{name}"
    ).rows
    ledger = {(key, version): (status, loaded) for key, version, status, loaded in rows}
    assert len(ledger) == len(rows), "each version has one row"
    for upload in uploads:
        entry = entry_of(harness, events[upload.number])
        known = ledger.get((entry["s3_key"], entry.get("version_id")))
        status = entry["status"]
        if status == Status.DUPLICATE and upload.slot == _WITHOUT_VERSION_ID and known is not None:
            # Reconcile sent the version before the event was delivered: it is another upload.
            status = known[0]
        assert status in statuses_of(upload, uploads), (upload, entry)
        if status in TOOK_EFFECT:
            loaded = entry.get("rows_loaded")
            assert known == (status, None if loaded is None else int(loaded)), (upload, entry)
        elif status in (Status.FAILED, Status.REJECTED):
            assert known is None, (upload, entry)
        count("chaos, uploads", f"{upload.action} {status}")


def entry_of(harness: Harness, event: Mapping[str, Any]) -> dict[str, Any]:
    """Return the upload's only log entry.

    If the log knew nothing of an event without a version id, reconcile has sent its version.
    """
    upload = Upload.from_event(event)
    entries = harness.entries(upload.key.split("/")[2])
    [entry] = [each for each in entries if each[SORT_KEY] == upload.landed_key]
    return entry


def damage(harness: Harness, name: str, uploads: Sequence[ScenarioUpload]) -> None:
    """Delete a ledger row: it is named, replay refuses, and the row is adopted again."""
    sql, operator = harness.lake.client.sql, Operator(harness.lake)
    ledger = f"etl_ledger.public__{name}"
    newest = sql(
        "dev",
        f"SELECT upload_id FROM {ledger} WHERE action <> 'schema' ORDER BY landed_at DESC, sequencer DESC",
    ).rows
    if not newest:
        return
    sql("dev", f"DELETE FROM {ledger} WHERE upload_id = '{newest[0][0]}'")
    replay = ("replay", "--database", "dev", "--table", name)
    stack = ("--stack", str(harness.lake.cloud.state.outputs))
    assert CliRunner().invoke(main, [*replay, *stack]).exit_code != 0
    assert operator.reconcile(name)[1]["counts"]["not in the ledger"] == 1
    assert operator.reconcile(name, "--adopt")[1]["adopted"] == 1
    code, output = operator.run(*replay)
    assert code == 0, output
    assert harness.rows(name) == rows_of(uploads)
    count("chaos", "ledgers damaged")
