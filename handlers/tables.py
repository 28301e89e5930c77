"""The tables function: reads ledgers and rebuilds tables, in the network of the warehouse.

The command line and the reconcile function invoke it.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from typing import Any, assert_never

from etl_core.loading.ports import Ports
from etl_core.model.errors import InvalidKeyError
from etl_core.model.function_settings import LoadSettings
from etl_core.model.table_ref import TableRef, faults_of_table
from etl_core.recovery.adopt_rows import adopt_rows
from etl_core.recovery.messages import REPLAY_INVALID_TABLE
from etl_core.recovery.read_ledgers import read_page, read_versions
from etl_core.recovery.replay import replay_table
from etl_core.recovery.tables_requests import (
    AdoptRowsRequest,
    LedgerPageRequest,
    ProbeRequest,
    ReplayRequest,
    TablesRequest,
    VersionsRequest,
    parse_tables_request,
)
from etl_core.recovery.wire import to_json
from handlers.context import Context
from handlers.probes import probe
from handlers.wiring import wiring

_RESERVE_SECONDS = 10.0
"""Part of the function's time that is kept for the rollback and the response."""


def handler(event: Mapping[str, Any], context: Context) -> Mapping[str, Any]:
    """Answer one request of etl_core.recovery.tables_requests.

    Raises RetryableError, RejectedError, LoadFailedError, or InvalidRequestError.
    """
    seconds = context.get_remaining_time_in_millis() / 1000 - _RESERVE_SECONDS
    return to_json(_respond(parse_tables_request(event), seconds))


def _respond(request: TablesRequest, seconds: float) -> object:
    settings, ports = wiring()
    with closing(ports.warehouse):
        return _respond_with(settings, ports, request, seconds)


def _respond_with(
    settings: LoadSettings, ports: Ports, request: TablesRequest, seconds: float
) -> object:
    match request:
        case VersionsRequest():
            return read_versions(request.queries, ports.warehouse, seconds)
        case LedgerPageRequest():
            return read_page(request, settings.databases, ports.warehouse, seconds)
        case ReplayRequest():
            _check_table(request.table, settings)
            return replay_table(request, settings, ports, seconds)
        case AdoptRowsRequest():
            _check_table(request.table, settings)
            return adopt_rows(request, settings.lake_bucket, ports, seconds)
        case ProbeRequest():
            return probe(settings, ports)
        case _:
            assert_never(request)


def _check_table(table: TableRef, settings: LoadSettings) -> None:
    if faults := tuple(faults_of_table(table, settings.databases)):
        raise InvalidKeyError(REPLAY_INVALID_TABLE(faults="; ".join(faults)), faults)
    settings.table_filter.check(table)
