"""What reconciling needs of the outside world. Adapters implement these; they raise only errors of etl_core.model.errors."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from etl_core.model.object_versions import ObjectVersion

Entry = Mapping[str, Any]


@dataclass(frozen=True)
class ListedPage:
    """Versions in the order of S3: by key, the newest version first. `marker` continues; None when nothing is left."""

    versions: Sequence[ObjectVersion]
    marker: Mapping[str, str] | None


class LakeListing(Protocol):
    """The versions of the lake; delete markers are no versions."""

    def read_page(self, marker: Mapping[str, str] | None, limit: int) -> ListedPage:
        """The next versions."""
        ...

    def read_versions(self, key: str) -> Sequence[ObjectVersion]:
        """All versions of one key, the newest first."""
        ...


class LogReader(Protocol):
    """The log, as reconciling reads and completes it."""

    def read_entries(self, keys: Iterable[Mapping[str, str]]) -> list[dict[str, Any]]:
        """The entries under these primary keys, as far as there are any."""
        ...

    def read_between(self, table_name: str, first: str, last: str) -> Iterable[dict[str, Any]]:
        """The entries whose sort key begins with something from `first` to `last`, both inclusive."""
        ...

    def read_unanswered(
        self, marker: Mapping[str, Any] | None
    ) -> tuple[list[dict[str, Any]], Mapping[str, Any] | None]:
        """Some entries without an answer, and where the next ones begin; None when nothing is left."""
        ...

    def write_final(
        self, key: Mapping[str, str], attributes: Mapping[str, Any], attempts: int
    ) -> bool:
        """Writes an answer; False when the entry has one that stays."""
        ...


class TablesFunction(Protocol):
    """What reads the ledgers, in the network of the warehouse (handlers/tables.py)."""

    def ask(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Its answer. Raises RetryableError or LoadFailedError with the function's own words."""
        ...


class Workflow(Protocol):
    """The state machine through which every upload goes."""

    def start(self, event: Mapping[str, Any]) -> str:
        """Starts an execution; its ARN."""
        ...

    def is_running(self, execution_arn: str) -> bool:
        """Whether the execution still runs; an execution that is not known does not."""
        ...


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Services:
    """Everything that reconciling works with."""

    bucket: str
    databases: tuple[str, ...]
    lake: LakeListing
    log: LogReader
    tables: TablesFunction
    workflow: Workflow
    now: Callable[[], datetime] = _now
