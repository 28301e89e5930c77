"""Requests to the tables function, each after its response.

The reconcile function, the command line and the function use these types.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from etl_core.access.probe import ProbeAnswer
from etl_core.model.table_ref import TableRef
from etl_core.recovery.reconcile import WHOLE_LAKE, LedgerEvidence, Scope
from etl_core.recovery.wire import FoldedTable, PagedRequest, Request, parse_request


@dataclass(frozen=True)
class LedgerMarker:
    """The row before the page; the whole ledger is before the page if `upload_id` is None."""

    database: str
    ledger: str
    upload_id: str | None


@dataclass(frozen=True)
class VersionQuery:
    """The versions of one table to look for in its ledger.

    `keys` has the key of each id. Versions without an id (`null`) are named by their keys.
    """

    table: FoldedTable
    version_ids: tuple[str, ...]
    unversioned_keys: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()


@dataclass(frozen=True)
class DamagedLedger:
    """A ledger that cannot be read, or a table that is no ledger.

    `table`: the ledger's table, if it is known. `message` names the ledger, the damage and the fix.
    `key`: the only key whose rows are damaged, if the others can be relied on.
    """

    message: str
    table: TableRef | None = None
    key: str | None = None


@dataclass(frozen=True)
class LedgerRows:
    """The rows that were found.

    `busy` names the tables whose ledger was locked by a load. A damaged ledger's readable rows are
    among the rows.
    """

    rows: tuple[LedgerEvidence, ...] = ()
    busy: tuple[TableRef, ...] = ()
    damaged: tuple[DamagedLedger, ...] = ()


@dataclass(frozen=True, kw_only=True)
class VersionsRequest(Request[LedgerRows]):
    """Read the ledger rows of versions."""

    response = LedgerRows
    queries: tuple[VersionQuery, ...]
    kind: Literal["versions"] = "versions"


@dataclass(frozen=True, kw_only=True)
class LedgerPage:
    """Rows of one ledger.

    `busy` names a ledger that was locked by a load, and was skipped. A damaged ledger's readable
    rows are among the rows.
    """

    rows: tuple[LedgerEvidence, ...] = ()
    ledger: str | None = None
    busy: tuple[str, ...] = ()
    damaged: tuple[DamagedLedger, ...] = ()
    marker: LedgerMarker | None = None


@dataclass(frozen=True, kw_only=True)
class LedgerPageRequest(PagedRequest[LedgerPage]):
    """Read the ledgers in scope, page by page."""

    response = LedgerPage
    scope: Scope = WHOLE_LAKE
    marker: LedgerMarker | None = None
    kind: Literal["ledger_page"] = "ledger_page"


@dataclass(frozen=True)
class ReplayResult:
    """What a rebuild did, or would do.

    `rows` were loaded (None for a dry run); `rows_expected` are the ledger's.
    """

    files: int
    copies: int
    bytes: int
    rows_expected: int
    rows: int | None = None


@dataclass(frozen=True, kw_only=True)
class ReplayRequest(Request[ReplayResult]):
    """Rebuild a table from the lake.

    `accept_counts`: commit even if the row counts differ from the ledger's.
    """

    response = ReplayResult
    table: FoldedTable
    dry_run: bool = False
    accept_counts: bool = False
    kind: Literal["replay"] = "replay"


@dataclass(frozen=True)
class AdoptResult:
    """How many uploads the ledger knows now that it did not know before."""

    adopted: int


@dataclass(frozen=True, kw_only=True)
class AdoptRowsRequest(Request[AdoptResult]):
    """Write ledger rows of uploads that the log knows and whose rows the table has."""

    response = AdoptResult
    table: FoldedTable
    rows: tuple[LedgerEvidence, ...]
    kind: Literal["adopt_rows"] = "adopt_rows"


@dataclass(frozen=True)
class ProbeResult:
    """What the function can reach and do."""

    answers: tuple[ProbeAnswer, ...]


@dataclass(frozen=True, kw_only=True)
class ProbeRequest(Request[ProbeResult]):
    """Try each link that a load needs. Changes nothing."""

    response = ProbeResult
    kind: Literal["probe"] = "probe"


TablesRequest = (
    VersionsRequest | LedgerPageRequest | ReplayRequest | AdoptRowsRequest | ProbeRequest
)


_KINDS = Annotated[TablesRequest, Field(discriminator="kind")]


def parse_tables_request(value: object) -> TablesRequest:
    """Return the request that the JSON describes. Raises InvalidRequestError."""
    request: TablesRequest = parse_request(_KINDS, value)
    return request
