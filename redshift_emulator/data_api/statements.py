"""All requests that were submitted: they run in threads, are found by their id, and expire."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import islice

from redshift_emulator.data_api.errors import NotFoundError, TooManyStatementsError, ValidationError
from redshift_emulator.data_api.requests import Listing, StatementId, Submission
from redshift_emulator.data_api.run import OpenSession, Part, Run

KEEP_SECONDS = 24 * 3600
KEEP_TOKEN_SECONDS = 8 * 3600
MAX_ACTIVE = 200
MAX_RUNNING = 20
"""Each running request has a session. The others wait with the status SUBMITTED."""


class Statements:
    """The submitted requests, oldest first."""

    def __init__(self, open_session: OpenSession, clock: Callable[[], float] = time.time) -> None:
        self._open_session = open_session
        self._clock = clock
        self._lock = threading.Lock()
        self._runs: dict[str, Run] = {}
        self._tokens: dict[str, Run] = {}
        self._threads = ThreadPoolExecutor(MAX_RUNNING, thread_name_prefix="redshift-data-api")

    def submit(self, submission: Submission, user: str) -> Run:
        """Start a request, or return the one that has the same client token.

        Raises ValidationError if that one is another request, or TooManyStatementsError.
        """
        with self._lock:
            self._expire()
            known = self._tokens.get(submission.token or "")
            if known is not None:
                if known.submission != submission:
                    raise ValidationError(
                        "the ClientToken was used for another request; use a new token for each request"
                    )
                return known
            active = sum(not run.done.is_set() for run in self._runs.values())
            if active >= MAX_ACTIVE:
                raise TooManyStatementsError(
                    f"{active} statements are active; the limit is {MAX_ACTIVE}"
                )
            run = Run(submission, user)
            self._runs[run.id] = run
            if submission.token:
                self._tokens[submission.token] = run
        self._threads.submit(run.execute, self._open_session)
        return run

    def _expire(self) -> None:
        now = self._clock()
        for run in list(self._runs.values()):
            if run.done.is_set() and run.updated_at < now - KEEP_SECONDS:
                del self._runs[run.id]
        for token, run in list(self._tokens.items()):
            if run.created_at < now - KEEP_TOKEN_SECONDS:
                del self._tokens[token]

    def find(self, statement: StatementId) -> Run:
        """Return the request with this id. Raises NotFoundError."""
        with self._lock:
            self._expire()
            run = self._runs.get(statement.run)
        if run is None or (statement.number is not None and not _has_part(run, statement.number)):
            raise NotFoundError("Query does not exist.", str(statement))
        return run

    def list(self, listing: Listing) -> tuple[list[Run], int | None]:
        """Return matching requests, newest first, and the place where the next page begins."""
        with self._lock:
            self._expire()
            runs = list(enumerate(self._runs.values()))
        matching = [
            (place, run)
            for place, run in reversed(runs)
            if (listing.before is None or place < listing.before) and _matches(run, listing)
        ]
        page = list(islice(matching, listing.most))
        return [run for _, run in page], page[-1][0] if len(page) < len(matching) else None

    def stop(self) -> None:
        """Cancel all requests; return when none runs. Their sessions must be closed by then."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        for run in list(self._runs.values()):
            with suppress(ValidationError):
                run.cancel()
        self._threads.shutdown(wait=True)


def _has_part(run: Run, number: int) -> bool:
    return run.submission.is_batch and 1 <= number <= len(run.parts)


def part_of(run: Run, statement: StatementId) -> Part:
    """Return the statement that the id names.

    ValidationError for a batch, unless the id has the number of a statement.
    """
    if run.submission.is_batch and statement.number is None:
        raise ValidationError(
            "BatchExecuteStatement result can only be retrieved with sub-statement id."
        )
    return run.parts[(statement.number or 1) - 1]


def _matches(run: Run, listing: Listing) -> bool:
    target = run.submission.target
    wanted = (
        (listing.database, target.database),
        (listing.cluster, target.cluster),
        (listing.workgroup, target.workgroup),
    )
    return (
        listing.status in ("ALL", run.status)
        and run.submission.name.startswith(listing.name_prefix)
        and all(given in (None, actual) for given, actual in wanted)
    )
