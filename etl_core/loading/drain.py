"""Load what else is pending for a table, after or before a load's own upload, and write the answers.

Each pending upload has an execution of its own, which waits for the table. Loading them here saves
that execution a function, a connection and a lock. Whatever goes wrong here is left to it.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import replace

from etl_core.loading.data_file import in_threads
from etl_core.loading.load_context import LoadContext, LoadResult
from etl_core.loading.load_one import load_one
from etl_core.loading.locked_ledger import MAX_BACKLOG, PendingUpload, parse_keys
from etl_core.model.errors import (
    EarlierUploadError,
    EtlError,
    LoadTimeoutError,
    RetryableError,
    SchemaNotReadyError,
)
from etl_core.model.lake_key import Action
from etl_core.model.long_copy import LongCopy
from etl_core.model.upload import Upload
from etl_core.upload_log.outcome import LoadOutcome

MAX_SECONDS = 60.0
"""So long a load goes on with other uploads. Its own execution ends after that."""
MIN_SECONDS_LEFT = 30.0
"""With less time left, no other upload is begun."""
MAX_LEAD_BYTES = 64 << 20
"""A larger file needs the full time of its own execution."""


class Drain:
    """Loads the pending uploads of one table in arrival order, for the load of one of them.

    `_answered`: uploads that are decided. `_left`: uploads that are left to their own executions.
    `_waiting`: data files that wait for a schema file; until one takes effect, only schema files are
    loaded. `_unfit`: see LoadContext. `rows_deleted` were replaced by all loads.
    """

    def __init__(self, own: LoadContext) -> None:
        self._own = own
        self._until = 0.0
        self._answered: set[str] = set()
        self._left: set[str] = {own.upload.upload_id}
        self._waiting: set[str] = set()
        self._unfit: frozenset[str] = frozenset()
        self._unanswered: list[tuple[Upload, LoadOutcome]] = []
        self.rows_deleted = 0

    def before(self) -> bool:
        """Load the uploads for which the load's own upload waits. Return whether one took effect."""
        if not self._begin(self._own.seconds_left / 2):
            return False
        count = 0
        while (pending := self._read()) and (lead := self._next_before(pending)) is not None:
            count += self._load(lead, pending)
        return count > 0

    def after(self, own: LoadResult) -> None:
        """Answer what the own upload's load decided, then load what else is pending.

        The own upload is answered only if others are: else its execution does it at once.
        """
        self.rows_deleted += own.rows_deleted
        self._unfit |= own.unfit
        self._unanswered.append((self._own.upload, own.outcome))
        self._answered.add(self._own.upload.upload_id)
        if own.others:
            self._answer(own.others)
        if not self._begin(MAX_SECONDS):
            return
        while (pending := self._read()) and (lead := self._next(pending)) is not None:
            self._answer(())
            self._load(lead, pending)

    def finish(self) -> bool:
        """Answer the own upload, if it has no answer yet. Return whether other uploads wait for the table."""
        self._answer(())
        self._until = self._own.deadline
        return bool(self._read())

    def _begin(self, seconds: float) -> bool:
        """Start the time limit. Return whether enough time is left."""
        now = time.monotonic()
        self._until = min(now + seconds, self._own.deadline)
        return self._own.deadline - now >= MIN_SECONDS_LEFT

    def _read(self) -> Sequence[PendingUpload]:
        """Return the pending uploads, or none when time is up or the log cannot be read."""
        if time.monotonic() >= self._until:
            return ()
        most = MAX_BACKLOG + len(self._answered)
        try:
            read = self._own.ports.backlog.read_pending(self._own.key.table, most)
        except Exception:  # the own upload is decided; the others have executions
            return ()
        pending = parse_keys(self._own, read)
        return [each for each in pending if each.upload.upload_id not in self._answered]

    def _next(self, pending: Iterable[PendingUpload]) -> PendingUpload | None:
        """Return the first upload that can be loaded now."""
        return min(
            (each for each in pending if self._is_loadable(each)),
            key=lambda each: each.upload.order,
            default=None,
        )

    def _next_before(self, pending: Sequence[PendingUpload]) -> PendingUpload | None:
        """Return the first upload for which the own upload may wait.

        A data file waits for schema files, also for a later one if the table has none. A schema file
        waits for all earlier uploads.
        """
        schema_files = [each for each in pending if each.key.action is Action.SCHEMA]
        if self._own.key.action is not Action.SCHEMA and not schema_files:
            return None
        own = self._own.upload.order
        earlier = [each for each in pending if each.upload.order < own]
        return self._next(earlier) or self._next(schema_files)

    def _is_loadable(self, each: PendingUpload) -> bool:
        upload_id = each.upload.upload_id
        if upload_id in self._left or upload_id in self._waiting:
            return False
        if each.key.action is Action.SCHEMA:
            return True
        size = each.upload.size
        if self._waiting or size is None or self._own.settings.is_long(size):
            return False
        return size <= MAX_LEAD_BYTES

    def _load(self, lead: PendingUpload, pending: Sequence[PendingUpload]) -> bool:
        """Load one upload with its micro-batch, and answer them. Return whether it was decided."""
        upload_id = lead.upload.upload_id
        load = replace(
            self._own,
            upload=lead.upload,
            key=lead.key,
            deadline=self._until,
            retry_count=0,
            known_pending=tuple(each.upload for each in pending),
            unfit=self._unfit,
            long_copy=None,
            can_copy_long=False,
        )
        try:
            result = load_one(load)
        except SchemaNotReadyError:
            self._waiting.add(upload_id)
            return False
        except EarlierUploadError:
            self._left.add(upload_id)
            return False
        except RetryableError:
            # A lock, a connection or a service: the next upload would meet the same.
            self._until = 0.0
            return False
        except Exception:  # its own execution meets the same error and reports it
            self._left.add(upload_id)
            return False
        if isinstance(result, LongCopy) or _has_timed_out(result.outcome):
            # Its own execution has more time.
            self._left.add(upload_id)
            return False
        self.rows_deleted += result.rows_deleted
        self._unfit |= result.unfit
        if lead.key.action is Action.SCHEMA:
            self._waiting.clear()
        self._answer([(lead.upload, result.outcome), *result.others])
        return True

    def _answer(self, answers: Iterable[tuple[Upload, LoadOutcome]]) -> None:
        """Write final statuses; the own upload's too, once it is decided."""
        writing = [*self._unanswered, *answers]
        self._unanswered.clear()
        self._answered |= {upload.upload_id for upload, _ in writing}
        in_threads(self._write, writing)
        # The totals are statistics: a load does not fail for them.
        with suppress(EtlError):
            self._own.ports.answers.write_totals()

    def _write(self, answer: tuple[Upload, LoadOutcome]) -> None:
        # Without an answer, the upload's own execution finds it in the ledger.
        with suppress(EtlError):
            self._own.ports.answers.write_answer(*answer)


def _has_timed_out(outcome: LoadOutcome) -> bool:
    return outcome.error is not None and outcome.error.type == LoadTimeoutError.__name__
