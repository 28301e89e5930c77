"""What the ledger decides about an upload: duplicate, superseded, or proceed.

A view holds the rows that a load read, indexed: a decision costs the same with ten rows as with a
hundred thousand.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from etl_core.loading.ledger import LedgerRow
from etl_core.model.lake_key import Action
from etl_core.model.upload import Order, Upload, identity
from etl_core.schema_files.schema_file import SchemaFile


@dataclass(frozen=True)
class Duplicate:
    """The ledger already holds the upload."""

    row: LedgerRow


@dataclass(frozen=True)
class Superseded:
    """The later upload `by` took effect and makes this upload void."""

    by: LedgerRow


@dataclass(frozen=True)
class Proceed:
    """The upload may take effect.

    `history` holds the schema rows from the upload's arrival until now; it is empty without a
    schema. A data file is read by the schema that was in force when it arrived, even if a later
    schema file took effect first.
    """

    history: tuple[LedgerRow, ...]

    @property
    def schema_at_arrival(self) -> SchemaFile | None:
        """Return the schema by which the upload is read."""
        return self.history[0].schema_file if self.history else None

    @property
    def in_force(self) -> SchemaFile | None:
        """Return the schema that the table has now."""
        return self.history[-1].schema_file if self.history else None


Decision = Duplicate | Superseded | Proceed


class LedgerView:
    """Rows of one ledger, in any order.

    It decides about an upload like the whole ledger, if it has the rows of ledger_queries.py for
    this upload.
    """

    def __init__(self, rows: Iterable[LedgerRow]) -> None:
        self._by_id = {row.upload_id: row for row in rows}
        self._by_version: dict[tuple[str, str], LedgerRow] = {}
        for row in self._by_id.values():
            self._by_version.setdefault((row.s3_key, row.version_id), row)

    def with_rows(self, rows: Iterable[LedgerRow]) -> LedgerView:
        """Return a view of these rows too."""
        return LedgerView([*self._by_id.values(), *rows])

    @property
    def rows(self) -> Iterable[LedgerRow]:
        """The rows, in no particular order."""
        return self._by_id.values()

    @property
    def in_force(self) -> SchemaFile | None:
        """Return the schema that the table has now."""
        return self._schemas[-1].schema_file if self._schemas else None

    def decide(self, upload: Upload, action: Action, version_id: str | None = None) -> Decision:
        """Decide about the upload.

        `version_id` is the version found in S3, for an event without one.
        """
        row = self._row_of(upload, version_id)
        if row is not None:
            return Duplicate(row)
        by = self._superseding(upload, action)
        return Proceed(self.schema_history(upload)) if by is None else Superseded(by)

    def version_of(self, upload: Upload, candidates: Sequence[str]) -> str | None:
        """Return the version that the upload's ledger row has, of those that its event may be about.

        Versions with equal bytes have one etag, so events without a version id cannot tell them
        apart. Each takes a version that no row has: then every version has one row, whatever the
        log says. If none is left, an event with a version id took this one's.
        """
        row = self._by_id.get(upload.upload_id)
        if row is not None:
            return row.version_id
        if upload.version_id is not None or not candidates:
            return upload.version_id
        free = (each for each in candidates if not self.holds(upload.key, each))
        taken = (
            each for each in candidates if identity(upload.bucket, upload.key, each) in self._by_id
        )
        return next(free, None) or next(taken, candidates[0])

    def is_undecided(self, upload: Upload, action: Action) -> bool:
        """Return whether the ledger has not decided about a pending upload.

        The log gets a final status only after the ledger. A superseded schema file is undecided
        until the ledger holds it: until then it is unknown which data files it applies to.
        """
        if self._row_of(upload, None) is not None:
            return False
        return action is Action.SCHEMA or self._superseding(upload, action) is None

    def knows(self, upload: Upload) -> bool:
        """Return whether the upload took effect."""
        return self._row_of(upload, None) is not None

    def holds(self, key: str, version_id: str) -> bool:
        """Return whether a version took effect."""
        return (key, version_id) in self._by_version

    @property
    def has_schema(self) -> bool:
        """Whether a schema file was ever applied."""
        return bool(self._schemas)

    def schema_history(self, upload: Upload) -> tuple[LedgerRow, ...]:
        """Return the schema rows from the one in force when the upload arrived to the newest one.

        For an upload that is older than all schema files, return all: it may have waited for its
        table's first schema file.
        """
        return tuple(self._schemas[self._history_start(upload) :])

    def have_same_history(self, upload: Upload, other: Upload) -> bool:
        """Return whether the same schema files apply to both uploads."""
        return self._history_start(upload) == self._history_start(other)

    def previous_of_key(self, upload: Upload) -> LedgerRow | None:
        """Return the append before this upload under the same key, if all its rows are in the table still."""
        if self.is_before_upsert(upload):
            return None
        changes = self._changes[: bisect_left(self._changes, upload.order)]
        same_key = [
            row
            for row in self._appends_by_key.get(upload.key, ())
            if row.order < upload.order
            and row.upload_id != upload.upload_id
            and (not changes or row.landed_at > changes[-1][0])
        ]
        return max(same_key, key=lambda row: row.order, default=None)

    def applied_again(self, upload: Upload, action: Action) -> list[LedgerRow]:
        """Return the uploads that took effect before this one but arrived after it, and that must take
        effect after it, in arrival order.

        For a truncate and an upsert: the later appends and upserts. For an append: the later upserts.
        """
        if action is Action.SCHEMA:
            return []
        actions = {Action.UPSERT} if action is Action.APPEND else {Action.UPSERT, Action.APPEND}
        later = (row for row in self._by_id.values() if row.action in actions)
        return sorted((row for row in later if row.order > upload.order), key=lambda row: row.order)

    def is_before_upsert(self, upload: Upload) -> bool:
        """Return whether an upsert took effect that arrived after the upload."""
        last = self._last_upsert
        return last is not None and last > upload.order

    @cached_property
    def _changes(self) -> Sequence[Order]:
        """The places of the truncates and upserts."""
        return sorted(
            row.order
            for row in self._by_id.values()
            if row.action in (Action.TRUNCATE, Action.UPSERT)
        )

    @cached_property
    def _appends_by_key(self) -> Mapping[str, Sequence[LedgerRow]]:
        by_key: dict[str, list[LedgerRow]] = {}
        for row in self._with_action(Action.APPEND):
            by_key.setdefault(row.s3_key, []).append(row)
        return by_key

    @cached_property
    def _last_upsert(self) -> Order | None:
        return max((row.order for row in self._with_action(Action.UPSERT)), default=None)

    @cached_property
    def _schemas(self) -> Sequence[LedgerRow]:
        return sorted(
            (row for row in self._by_id.values() if row.is_schema), key=lambda row: row.order
        )

    @cached_property
    def _schema_orders(self) -> Sequence[Order]:
        return [row.order for row in self._schemas]

    @cached_property
    def _truncates(self) -> Sequence[LedgerRow]:
        return sorted(self._with_action(Action.TRUNCATE), key=lambda row: row.order)

    @cached_property
    def _truncate_orders(self) -> Sequence[Order]:
        return [row.order for row in self._truncates]

    def _with_action(self, action: Action) -> Iterable[LedgerRow]:
        return (row for row in self._by_id.values() if row.action is action)

    def _history_start(self, upload: Upload) -> int:
        return max(0, bisect_left(self._schema_orders, upload.order) - 1)

    def _superseding(self, upload: Upload, action: Action) -> LedgerRow | None:
        """Return the first later upload that makes this one void."""
        rows, orders = (
            (self._schemas, self._schema_orders)
            if action is Action.SCHEMA
            else (self._truncates, self._truncate_orders)
        )
        place = bisect_right(orders, upload.order)
        return rows[place] if place < len(rows) else None

    def _row_of(self, upload: Upload, found_version: str | None) -> LedgerRow | None:
        """Return the upload's row, also one of another event about the same version.

        Two events without a version id are two uploads, even if both find the same version: two
        versions with equal bytes have the same etag.
        """
        row = self._by_id.get(upload.upload_id)
        if row is not None:
            return row
        if upload.version_id is not None:
            return self._by_version.get((upload.key, upload.version_id))
        if found_version is None:
            return None
        return self._by_id.get(identity(upload.bucket, upload.key, found_version))
