"""The server as its sessions see it."""

from __future__ import annotations

from typing import Protocol

from redshift_emulator.backend import Backend
from redshift_emulator.context import AwsAccess
from redshift_emulator.planner import Planner


class Warehouse(Protocol):
    """What a session needs of the server around it."""

    planner: Planner
    aws: AwsAccess
    long_names: dict[str, str]

    def side(self, database: str) -> Backend:
        """A connection of its own, autocommit, as superuser."""

    def next_query_id(self) -> int:
        """A new query id, ascending over all sessions."""

    def keep_long_names(self, database: str, names: frozenset[str]) -> None:
        """Remembers names that PostgreSQL cannot store whole."""
