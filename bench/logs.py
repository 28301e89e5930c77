"""One page of the API while the log of the table grows."""

from __future__ import annotations

import copy
import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any
from unittest import mock

from bench.cloud import BenchCloud, BenchError, bench_cloud
from bench.measure import CaseFailedError, PartResult, Turns, growth, series_of
from bench.sizes import Size
from etl_cli.api_client import ApiError
from etl_core.model.function_settings import LOG_TABLE
from handlers import query

COUNTS = {Size.TINY: (250, 1_000), Size.QUICK: (1_000, 100_000), Size.FULL: (1_000, 100_000)}
ROUNDS = {Size.TINY: 2, Size.QUICK: 8, Size.FULL: 20}
PAGE, BATCH, WRITERS = 20, 25, 4
HANDLER_CPU, HANDLER, API = "CPU of the handler", "the handler, in process", "through the API"
FLAT = 1.2


def measure(size: Size, report: Callable[[str], None]) -> PartResult:
    """Read the newest entries of tables whose logs have different sizes, in turn."""
    cpu, wall, cases = dict[str, list[float]](), dict[str, list[float]](), {}
    with bench_cloud() as cloud:
        for count in COUNTS[size]:
            table, name = f"log_{count}", f"{count:,} entries"
            cloud.create_table(table)
            cloud.load_small(table)
            _fill(cloud, table, count)
            cpu[name], wall[name] = [], []
            cases[name] = partial(_read, cloud, table, cpu[name], wall[name])
            report(f"  {name}: written")
        with mock.patch.dict(os.environ, _environment(cloud)):
            query._log.cache_clear()
            turns = Turns(cases, ROUNDS[size]).run()
            query._log.cache_clear()
    cpu, wall = (  # without the warm-up, unless there is nothing else
        {name: values[1:] or values for name, values in each.items()} for each in (cpu, wall)
    )
    note = (
        f"The newest {PAGE} entries of a table. The local DynamoDB itself becomes slower with more "
        "entries, which AWS's does not, so the target is about the CPU time of the handler, which "
        "runs in the process of the measurement for this."
    )
    return PartResult(
        [*series_of(cpu, HANDLER_CPU, "s CPU"), *series_of(wall, HANDLER), *turns.series(API)],
        [growth(cpu, HANDLER_CPU, FLAT)],
        [note],
    )


def _read(cloud: BenchCloud, table: str, cpu: list[float], wall: list[float]) -> float:
    parameters = {"table_name": table, "limit": str(PAGE)}
    cpu_before, before = time.process_time(), time.perf_counter()
    response = query.handler({"queryStringParameters": parameters}, _Context())
    wall.append(time.perf_counter() - before)
    cpu.append(time.process_time() - cpu_before)
    started = time.perf_counter()
    try:
        page = cloud.client.log_page(parameters)
    except ApiError as error:
        raise CaseFailedError(f"the local DynamoDB is too slow for the API: {error}") from error
    seconds = time.perf_counter() - started
    if page["count"] != PAGE or json.loads(response["body"])["items"] != page["items"]:
        raise BenchError(f"handler and API answer differently: {response}, {page}")
    return seconds


class _Context:
    def get_remaining_time_in_millis(self) -> int:
        return 20_000


def _environment(cloud: BenchCloud) -> dict[str, str]:
    outputs = cloud.client.outputs
    return {
        LOG_TABLE: outputs.log_table,
        "AWS_ENDPOINT_URL": outputs.aws_endpoint_url,
        "AWS_DEFAULT_REGION": outputs.region,
        "AWS_ACCESS_KEY_ID": outputs.access_key_id,
        "AWS_SECRET_ACCESS_KEY": outputs.secret_access_key,
    }


def _fill(cloud: BenchCloud, table: str, count: int) -> None:
    """Multiply the entry of a real load."""
    dynamodb, name = cloud.client.aws.client("dynamodb"), cloud.client.outputs.log_table
    entry = next(each for each in cloud.raw_entries(table) if each["action"] == {"S": "append"})

    def put(items: list[dict[str, Any]]) -> None:
        request = {name: [{"PutRequest": {"Item": item}} for item in items]}
        if dynamodb.batch_write_item(RequestItems=request)["UnprocessedItems"]:
            raise BenchError("the log table did not take all entries")

    with ThreadPoolExecutor(WRITERS) as writers:
        for _ in writers.map(put, _batches(entry, count)):
            pass


def _batches(entry: Mapping[str, Any], count: int) -> Iterator[list[dict[str, Any]]]:
    """Yield copies with earlier times, at different minutes."""
    for start in range(0, count, BATCH):
        yield [_earlier(entry, number) for number in range(start, min(start + BATCH, count))]


def _earlier(entry: Mapping[str, Any], number: int) -> dict[str, Any]:
    day, minute = divmod(number, 24 * 60)
    month, day = divmod(day, 28)
    moment = f"{2010 + month // 12}-{month % 12 + 1:02}-{day + 1:02}T{minute // 60:02}:{minute % 60:02}:00Z"
    item = copy.deepcopy(dict(entry))
    item["landed_key"] = {"S": f"{moment}#{number:064}#{number:012x}"}
    item["landed_timestamp"] = {"S": moment}
    return item
