"""Where a story takes place: the lake with its rule switched off, the log, a warehouse, and the machine with its workers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Any

from etl_core.adapters.log_table import LogTable
from etl_core.model.upload import TIMESTAMP_FORMAT
from etl_core.upload_log.query import LogQuery
from tests.e2e.conftest import Lake
from tests.guarantees.model import Delivery, Landed, Row, Story
from tests.guarantees.pool import Pool
from tests.guarantees.state_machine_interpreter import Ended, StateMachineInterpreter

PAUSE_SECONDS = 0.25
"""For what is under way to end or to begin waiting. Much shorter than the time for which data waits for a schema file."""


@dataclass(frozen=True)
class Harness:
    """`lake.client` speaks to the warehouse that `pool`'s workers load."""

    lake: Lake
    machine: StateMachineInterpreter
    pool: Pool
    database: str = "dev"

    def land(
        self, action: str, table: str, content: str, number: int, file: str = ""
    ) -> dict[str, Any]:
        """Puts a file; its event, with the time of its landing, and `number` for what puts two of one second in order."""
        key = f"{self.database}/{action}/{table}/{file or f'{number}.' + ('json' if action == 'schema' else 'csv')}"
        version = self.lake.put(key, content)
        landed = self.lake.client.aws.client("s3").head_object(
            Bucket=self.lake.client.outputs.lake_bucket, Key=key, VersionId=version
        )["LastModified"]
        return self.lake.s3_event(
            key, content.encode(), landed.strftime(TIMESTAMP_FORMAT), f"{number:018X}", version
        )

    def run(self, event: Mapping[str, Any], kills: Sequence[int] = ()) -> Ended:
        return self.machine.run(self.pool, event, kills)

    def load(self, action: str, table: str, content: str, number: int) -> Ended:
        """Lands a file and delivers its event once."""
        return self.run(self.land(action, table, content, number))

    def deliver(self, deliveries: Sequence[Delivery], events: Mapping[int, Any]) -> list[Ended]:
        """As the story has them: at once, but for those that wait."""
        running: list[Future[Ended]] = []
        with ThreadPoolExecutor(max(1, len(deliveries))) as threads:
            for delivery in deliveries:
                if delivery.waits:
                    wait(running, PAUSE_SECONDS)
                running.append(threads.submit(self.run, events[delivery.number], delivery.kills))
        return [future.result() for future in running]

    def play(self, story: Story) -> tuple[dict[int, str], dict[int, Any], list[Ended]]:
        """The names of the tables, the uploads' events, and how each execution ended."""
        names = {
            table: self.lake.table("story")
            for table in sorted({each.table for each in story.landed})
        }
        events = {each.number: self._land(each, names[each.table]) for each in story.landed}
        return names, events, self.deliver(story.deliveries, events)

    def _land(self, upload: Landed, table: str) -> dict[str, Any]:
        return self.land(upload.action, table, upload.content, upload.number, upload.file)

    def rows(self, table: str) -> Counter[Row]:
        """The table as a multiset; nulls left out, values as text."""
        answer = self.lake.client.sql(self.database, f'SELECT * FROM public."{table}"')
        return Counter(
            tuple(
                (name, str(value))
                for name, value in zip(answer.columns, row, strict=True)
                if value is not None
            )
            for row in answer.rows
        )

    def entries(self, table: str) -> list[dict[str, Any]]:
        """The table's log entries, oldest upload first."""
        log = LogTable(self.lake.client.aws.client("dynamodb"), self.lake.client.outputs.log_table)
        pages = log.read_pages(LogQuery.parse({"table_name": table}))
        return sorted(
            (item for page in pages for item in page.items),
            key=lambda item: str(item["landed_key"]),
        )

    def entry(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """The one entry of an upload."""
        stored = event["detail"]["object"]
        table = stored["key"].split("/")[2]
        [entry] = [
            each for each in self.entries(table) if each.get("version_id") == stored["version-id"]
        ]
        return entry
