"""A fake of the Data API over the warehouse in memory, and the state machine's part of a long load."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable
from dataclasses import dataclass

from etl_core.csv_files.compression import decompressed
from etl_core.loading.load import load_upload
from etl_core.model.long_copy import LongCopy, LongCopyResult, LongCopyStatus
from etl_core.model.names import LEDGER_SCHEMA
from etl_core.model.upload import Upload
from etl_core.upload_log.outcome import LoadOutcome
from tests.builders import NOON, settings
from tests.etl_core.in_memory_pipeline import InMemoryPipeline

_COPY = re.compile(
    r"""COPY "etl_ledger"\."(\w+)" \(.*?\) FROM '(s3://[^']+)' .* (GZIP )?.*COMPUPDATE OFF"""
)

Step = Callable[[LongCopy], LongCopy]


@dataclass
class LongLoads:
    """Loads uploads as the state machine does, with long copies from `long_load_bytes` on.

    `before_copy` and `after_copy` are called around each copy, and may change it. `copies` are the
    copies that were made.
    """

    pipeline: InMemoryPipeline
    long_load_bytes: int = 1
    before_copy: Step = lambda copy: copy
    after_copy: Step = lambda copy: copy

    def __post_init__(self) -> None:
        self.copies: list[LongCopy] = []

    def load(self, upload: Upload) -> LoadOutcome:
        """Load the upload to its end. RetryableErrors are raised."""
        pipeline = self.pipeline
        if upload.upload_id not in pipeline.backlog.logged:
            pipeline.backlog.note(upload)
        copy: LongCopy | None = None
        for _ in range(12):
            result = self.step(upload, copy)
            if isinstance(result, LoadOutcome):
                pipeline.backlog.note(upload, result.settled or result.status)
                return result
            copy = LongCopy.parse(json.loads(json.dumps(self.run(result).to_state())))
            assert copy is not None
        raise AssertionError("the load does not end")

    def step(self, upload: Upload, copy: LongCopy | None) -> LoadOutcome | LongCopy:
        """Call the load function once."""
        pipeline = self.pipeline
        return load_upload(
            upload,
            settings(long_load_bytes=self.long_load_bytes),
            pipeline.ports,
            pipeline.seconds,
            long_copy=copy,
            can_copy_long=True,
        )

    def run(self, copy: LongCopy) -> LongCopy:
        """Run a copy to its end."""
        if not copy.tables:
            return copy.ended(LongCopyResult(LongCopyStatus.NOT_STARTED))
        self.copies.append(copy)
        copy = self.before_copy(copy)
        if copy.result is None:
            counts = tuple(self._fill(copy.database, table.copy) for table in copy.tables)
            result = LongCopyResult(LongCopyStatus.FINISHED, "", 7, NOON, counts)
            copy = copy.submitted("id").ended(result)
        return self.after_copy(copy)

    def _fill(self, database: str, text: str) -> int:
        match = _COPY.fullmatch(text)
        assert match is not None, text
        name, manifest, compression = match[1], match[2], (match[3] or "").strip() or None
        store, rows = self.pipeline.store, []
        for entry in json.loads(store.current(manifest))["entries"]:
            content = b"".join(decompressed([store.current(entry["url"])], compression))
            lines = csv.reader(io.StringIO(content.decode("utf-8-sig")))
            rows += [line for line in lines if line][1:]  # COPY skips empty lines
        self.pipeline.warehouse.states[database].rows[LEDGER_SCHEMA, name] = rows
        return len(rows)

    @property
    def staging(self) -> list[str]:
        """The staging tables that exist."""
        rows = self.pipeline.warehouse.states["dev"].rows
        return [name for schema, name in rows if schema == LEDGER_SCHEMA]
