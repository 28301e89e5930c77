"""What the tables function tries for `etl doctor`: each link that a load needs, from the loads' own network."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from functools import partial

from etl_core.access.probe import PROBE_SECONDS, Link, Probe, check_rights, log_in, run_probes
from etl_core.adapters.redshift import RedshiftWarehouse
from etl_core.adapters.redshift_connections import reach
from etl_core.adapters.secrets import CredentialSource
from etl_core.loading.ports import Ports, WarehouseClient
from etl_core.model.function_settings import LoadSettings
from etl_core.model.table_ref import TableRef
from etl_core.recovery.tables_requests import ProbeResult
from handlers.wiring import credential_source, endpoint_of

_NO_TABLE = "_etl_doctor"
"""A name that no upload can have."""


def probe(settings: LoadSettings, ports: Ports) -> ProbeResult:
    """Return what each probe found. The login is read again, so that a cached one hides nothing."""
    source = credential_source(settings.login)
    with closing(RedshiftWarehouse(endpoint_of(settings), source)) as warehouse:
        probes = [*_services(settings, ports), *_warehouse(settings, source, warehouse)]
        return ProbeResult(tuple(run_probes(probes)))


def _services(settings: LoadSettings, ports: Ports) -> Iterator[Probe]:
    """Yield how S3 and the log are tried."""
    nowhere = TableRef(settings.databases[0], "public", _NO_TABLE)
    versions = partial(ports.store.list_versions, _NO_TABLE)
    yield Probe(Link.OBJECTS, settings.lake_bucket, versions)
    yield Probe(Link.LOG, settings.log_table, partial(ports.backlog.read_pending, nowhere, 1))


def _warehouse(
    settings: LoadSettings, source: CredentialSource, warehouse: WarehouseClient
) -> Iterator[Probe]:
    """Yield how the login and each database are tried."""
    login, endpoint = settings.login, endpoint_of(settings)
    named = login.secret_arn or login.workgroup or login.cluster or ""
    where = f"{endpoint.host}:{endpoint.port}"
    yield Probe(Link.CREDENTIALS, named, source.credentials)
    yield Probe(Link.CONNECTION, where, partial(reach, endpoint, PROBE_SECONDS))
    before = ((Link.CREDENTIALS, named), (Link.CONNECTION, where))
    for database in settings.databases:
        yield Probe(Link.LOGIN, database, partial(log_in, warehouse, database), before)
        rights = partial(check_rights, warehouse, database)
        yield Probe(Link.RIGHTS, database, rights, ((Link.LOGIN, database),))
