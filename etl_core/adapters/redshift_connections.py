"""Connections to Redshift: one engine per database and login, and connections that are used again
until `close`.

The first connection of an engine asks the server what SQLAlchemy's dialect wants to know, so
engines are kept for as long as the process lives. Open connections are not: see
docs/adr/0009-connections-end-with-the-invocation.md.
"""

from __future__ import annotations

import select
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import psycopg2
import sqlalchemy as sa
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.pool import ConnectionPoolEntry, QueuePool

from etl_core.adapters.messages import WAREHOUSE_UNREACHABLE
from etl_core.adapters.secrets import Credentials, CredentialSource
from etl_core.model.errors import ConnectionLostError
from etl_core.sql import VALUE_SETTINGS, SetParameter

QUERY_GROUP = "lake_loader"
"""The query group of every session, by which workload management can route it to a queue."""

_REPORTED_NAMES = {"timezone": "TimeZone", "datestyle": "DateStyle"}
"""The names under which the protocol reports parameters; only these are known to the driver."""
_IN_USE_BEFORE = "lake_loader_in_use_before"


@dataclass(frozen=True)
class Endpoint:
    """The warehouse's address.

    `ca_file` replaces the dialect's own bundle of AWS certificate authorities.
    """

    host: str
    port: int
    ca_file: str | None = None


def reach(endpoint: Endpoint, seconds: float) -> None:
    """Open a TCP connection and close it. Raises ConnectionLostError if nothing answers there."""
    try:
        with socket.create_connection((endpoint.host, endpoint.port), seconds):
            pass
    except (OSError, UnicodeError) as error:
        where = f"{endpoint.host}:{endpoint.port}"
        raise ConnectionLostError(WAREHOUSE_UNREACHABLE(where=where, reason=error)) from error


class RedshiftConnections:
    """Opens connections, and keeps one per database for the next use."""

    def __init__(self, endpoint: Endpoint, secrets: CredentialSource) -> None:
        self._endpoint, self._secrets = endpoint, secrets
        self._engines: dict[tuple[str, Credentials], sa.Engine] = {}

    @contextmanager
    def connection(self, database: str) -> Iterator[sa.Connection]:
        """Yield a connection without an open transaction.

        It is the one that was used before, if the server has not closed it.
        """
        with self._engine(database).connect() as connection:
            if QUERY_GROUP not in connection.info:
                with autocommit(connection):
                    for setting in _settings_of(connection):
                        connection.execute(setting)
                connection.info[QUERY_GROUP] = True
            yield connection

    def close(self) -> None:
        """Close the connections that are not in use. The next use opens new ones."""
        for engine in self._engines.values():
            engine.dispose()

    def forget_login(self) -> None:
        """Close the connections and drop the login, because the warehouse refused it."""
        self.close()
        self._engines.clear()
        self._secrets.forget()

    def _engine(self, database: str) -> sa.Engine:
        credentials = self._secrets.credentials()
        engine = self._engines.get((database, credentials))
        if engine is None:
            engine = _create_engine(self._endpoint, database, credentials)
            self._engines[database, credentials] = engine
        return engine


def _settings_of(connection: sa.Connection) -> Iterator[SetParameter]:
    """Yield what a new session has to set. The server reports some parameters when it is connected."""
    yield SetParameter("query_group", QUERY_GROUP)
    driver: Any = connection.connection.driver_connection
    for setting in VALUE_SETTINGS:
        if driver.get_parameter_status(_REPORTED_NAMES[setting.name]) != setting.value:
            yield setting


@contextmanager
def autocommit(connection: sa.Connection) -> Iterator[None]:
    """Run the block's statements without a transaction. No transaction may be open.

    psycopg2's own attribute: SQLAlchemy would restore an isolation level by the name that the
    server reports, which psycopg2 may not know.
    """
    driver: Any = connection.connection.driver_connection
    driver.autocommit = True
    try:
        yield
    finally:
        with suppress(psycopg2.Error):  # the connection is lost
            driver.autocommit = False


def _create_engine(endpoint: Endpoint, database: str, credentials: Credentials) -> sa.Engine:
    url = sa.URL.create(
        "redshift+psycopg2",
        username=credentials.username,
        password=credentials.password,
        host=endpoint.host,
        port=endpoint.port,
        database=database,
    )
    # A connection is idle during a long COPY: keepalives hold it open through NAT and load
    # balancers.
    arguments: dict[str, Any] = {
        "sslmode": "verify-full",
        "connect_timeout": 30,
        "keepalives": 1,
        "keepalives_idle": 30,
        "keepalives_interval": 10,
        "keepalives_count": 5,
    }
    if endpoint.ca_file is not None:
        arguments["sslrootcert"] = endpoint.ca_file
    engine = sa.create_engine(
        url,
        connect_args=arguments,
        poolclass=QueuePool,
        pool_size=1,
        max_overflow=-1,
        use_native_hstore=False,
        hide_parameters=True,
    )
    sa.event.listen(engine, "checkout", _replace_if_closed)
    return engine


def _replace_if_closed(driver: Any, entry: ConnectionPoolEntry, _: object) -> None:
    """Have the pool replace an idle connection that the server closed.

    The server sends nothing on an idle connection, except that it ends. So if there is something
    to read, the connection is of no use. This costs no round trip.
    """
    used_before = entry.info.setdefault(_IN_USE_BEFORE, False)
    entry.info[_IN_USE_BEFORE] = True
    if used_before and (driver.closed or _has_input(driver)):
        raise DisconnectionError


def _has_input(driver: Any) -> bool:
    poller = select.poll()
    poller.register(driver, select.POLLIN)
    return bool(poller.poll(0))
