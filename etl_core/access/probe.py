"""What a function of the stack can reach and do: each link of a load tried by itself.

`etl doctor` asks the tables function, which runs in the network and with the login of the loads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

import sqlalchemy as sa

from etl_core.access.bootstrap import Access, plan_database
from etl_core.access.catalog import read_contents
from etl_core.access.messages import LOADER_RIGHTS_MISSING
from etl_core.loading.ports import WarehouseClient
from etl_core.model.errors import EtlError, LoadFailedError

PROBE_SECONDS = 20.0
_SHOWN_STATEMENTS = 3


class Link(StrEnum):
    """What a load needs, from the function on."""

    OBJECTS = "objects"
    LOG = "log"
    CREDENTIALS = "credentials"
    CONNECTION = "connection"
    LOGIN = "login"
    RIGHTS = "rights"


@dataclass(frozen=True)
class Probe:
    """How one link is tried: `run` raises an EtlError if it is broken."""

    link: Link
    subject: str
    run: Callable[[], object]
    needs: tuple[tuple[Link, str], ...] = ()
    """The probes without which this one says nothing."""


@dataclass(frozen=True)
class ProbeAnswer:
    """What a probe found. `problem`: None if the link holds. Without `was_tried` a link before it is broken."""

    link: Link
    subject: str
    problem: str | None = None
    was_tried: bool = True


def run_probes(probes: Iterable[Probe]) -> Iterator[ProbeAnswer]:
    """Yield what each probe found, in their order."""
    broken: set[tuple[Link, str]] = set()
    for probe in probes:
        if broken.intersection(probe.needs):
            broken.add((probe.link, probe.subject))
            yield ProbeAnswer(probe.link, probe.subject, was_tried=False)
            continue
        try:
            probe.run()
        except EtlError as error:
            broken.add((probe.link, probe.subject))
            yield ProbeAnswer(probe.link, probe.subject, error.message)
        else:
            yield ProbeAnswer(probe.link, probe.subject)


def log_in(warehouse: WarehouseClient, database: str) -> None:
    """Open a transaction and run a query. Raises RetryableError or LoadFailedError."""
    with warehouse.transaction(database, PROBE_SECONDS) as transaction:
        transaction.execute(sa.select(sa.func.current_user()))


def check_rights(warehouse: WarehouseClient, database: str) -> None:
    """Raise LoadFailedError if bootstrap would have to change something for the user that is logged in."""
    with warehouse.transaction(database, PROBE_SECONDS) as transaction:
        [(user,)] = transaction.execute(sa.select(sa.func.current_user()))
        contents = read_contents(transaction, database, str(user))
    access = Access((database,), str(user))
    missing = [step.sql for step in plan_database(access, str(user), database, contents)]
    if missing:
        more = len(missing) - _SHOWN_STATEMENTS
        shown = [*missing[:_SHOWN_STATEMENTS], *([f"and {more} more"] if more > 0 else [])]
        raise LoadFailedError(
            LOADER_RIGHTS_MISSING(user=user, database=database, statements="; ".join(shown))
        )
