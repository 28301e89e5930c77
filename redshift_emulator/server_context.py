"""What a session needs of the server that it belongs to."""

from __future__ import annotations

from threading import Lock
from typing import Protocol

from redshift_emulator.backend import Backend
from redshift_emulator.context import AwsAccess
from redshift_emulator.planner import Planner


class ServerContext(Protocol):
    """The server as its sessions see it.

    `long_names` maps the short name that PostgreSQL stores to the full name. `late_views` has the
    names of the views WITH NO SCHEMA BINDING, of all databases. `vacuum` is held while a VACUUM
    runs.
    """

    planner: Planner
    aws: AwsAccess
    long_names: dict[str, str]
    late_views: set[str]
    vacuum: Lock

    def connect_as_owner(self, database: str) -> Backend:
        """Open a second connection to the database, in autocommit, as the superuser that owns the cluster."""

    def next_query_id(self) -> int:
        """Return a new query id. Ids ascend over all sessions."""

    def store_long_names(self, database: str, names: frozenset[str]) -> None:
        """Store the full text of names that are too long for PostgreSQL."""
