"""The harness of the guarantee tests: the lake with its event rule disabled, the log, a warehouse,
and the interpreter with workers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Any

from etl_core.adapters.log_table import LogTable
from etl_core.model.times import format_utc_time
from etl_core.upload_log.query import LogQuery
from tests.e2e.conftest import Lake
from tests.guarantees.scenarios import Delivery, Row, Scenario, ScenarioUpload
from tests.guarantees.state_machine_interpreter import ExecutionResult, StateMachineInterpreter
from tests.guarantees.worker_pool import WorkerPool

PAUSE_SECONDS = 0.25
"""Time for running executions to end or to start waiting. Much shorter than a data file's wait for a schema file."""


@dataclass(frozen=True)
class Harness:
    """`lake.client` is connected to the warehouse into which the workers of `pool` load."""

    lake: Lake
    interpreter: StateMachineInterpreter
    pool: WorkerPool
    database: str = "dev"

    def put(
        self, action: str, table: str, content: str, number: int, file: str = ""
    ) -> dict[str, Any]:
        """Put a file and return its event.

        `number` becomes the sequencer, which orders uploads of one second.
        """
        key = f"{self.database}/{action}/{table}/{file or f'{number}.' + ('json' if action == 'schema' else 'csv')}"
        version = self.lake.put(key, content)
        arrived_at = self.lake.client.aws.client("s3").head_object(
            Bucket=self.lake.client.outputs.lake_bucket, Key=key, VersionId=version
        )["LastModified"]
        return self.lake.s3_event(
            key, content.encode(), format_utc_time(arrived_at), f"{number:018X}", version
        )

    def run(self, event: Mapping[str, Any], kills: Sequence[int] = ()) -> ExecutionResult:
        """Run one execution. `kills`: see StateMachineInterpreter.run."""
        return self.interpreter.run(self.pool, event, kills)

    def load(self, action: str, table: str, content: str, number: int) -> ExecutionResult:
        """Put a file and run one execution for its event."""
        return self.run(self.put(action, table, content, number))

    def deliver(
        self, deliveries: Sequence[Delivery], events: Mapping[int, Any]
    ) -> list[ExecutionResult]:
        """Run one execution per delivery, in parallel.

        A delivery that waits starts after a pause.
        """
        running: list[Future[ExecutionResult]] = []
        with ThreadPoolExecutor(max(1, len(deliveries))) as threads:
            for delivery in deliveries:
                if delivery.waits:
                    wait(running, PAUSE_SECONDS)
                running.append(threads.submit(self.run, events[delivery.number], delivery.kills))
        return [future.result() for future in running]

    def run_scenario(
        self, scenario: Scenario
    ) -> tuple[dict[int, str], dict[int, Any], list[ExecutionResult]]:
        """Run a scenario.

        Return the names of its tables, the uploads' events by number, and the results of the
        executions.
        """
        names = {
            table: self.lake.table("scenario")
            for table in sorted({each.table for each in scenario.uploads})
        }
        events = {
            each.number: self._put_upload(each, names[each.table]) for each in scenario.uploads
        }
        return names, events, self.deliver(scenario.deliveries, events)

    def _put_upload(self, upload: ScenarioUpload, table: str) -> dict[str, Any]:
        return self.put(upload.action, table, upload.content, upload.number, upload.file)

    def rows(self, table: str) -> Counter[Row]:
        """Return the table as a multiset, without nulls and with values as text."""
        result = self.lake.client.sql(self.database, f'SELECT * FROM public."{table}"')
        return Counter(
            tuple(
                (name, str(value))
                for name, value in zip(result.columns, row, strict=True)
                if value is not None
            )
            for row in result.rows
        )

    def entries(self, table: str) -> list[dict[str, Any]]:
        """Return the table's log entries, oldest upload first."""
        log = LogTable(self.lake.client.aws.client("dynamodb"), self.lake.client.outputs.log_table)
        pages = log.read_pages(LogQuery.parse({"table_name": table}))
        return sorted(
            (item for page in pages for item in page.items),
            key=lambda item: str(item["landed_key"]),
        )

    def entry(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """Return the upload's only log entry."""
        stored = event["detail"]["object"]
        table = stored["key"].split("/")[2]
        [entry] = [
            each for each in self.entries(table) if each.get("version_id") == stored["version-id"]
        ]
        return entry
