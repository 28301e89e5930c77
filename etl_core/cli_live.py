"""What the command line knows of a live warehouse: the table as it is, read and never changed.

For checkouts only, as cli.py. The login comes from the environment or a prompt: an argument would be in every process list.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import click
import sqlalchemy as sa

from etl_core.adapters.redshift import Endpoint, RedshiftWarehouse
from etl_core.adapters.secrets import GivenCredentials
from etl_core.apply_plan import read_table, views_in_the_way
from etl_core.changes import Permission
from etl_core.plan import Plan, make_plan
from etl_core.refusals import Refusal

USER_VARIABLE, PASSWORD_VARIABLE = "REDSHIFT_USER", "REDSHIFT_PASSWORD"
_TIMEOUT_SECONDS = 60


@dataclass(frozen=True)
class Place:
    """A database of a warehouse."""

    host: str
    port: int
    database: str
    ca_file: Path | None = None


def plan_against(place: Place, desired: sa.Table, allowed_changes: Collection[Permission]) -> Plan:
    """The plan from the live table, or from none when there is none. Raises EtlError."""
    user = os.environ.get(USER_VARIABLE) or click.prompt("User", err=True)
    password = os.environ.get(PASSWORD_VARIABLE) or click.prompt("Password", hide_input=True, err=True)
    ca_file = None if place.ca_file is None else str(place.ca_file)
    warehouse = RedshiftWarehouse(Endpoint(place.host, place.port, ca_file), GivenCredentials(user, password))
    with warehouse.transaction(place.database, _TIMEOUT_SECONDS) as transaction:
        actual = read_table(transaction, desired)
        plan = make_plan(actual, desired, allowed_changes)
        views = views_in_the_way(transaction, desired, plan) if actual is not None and plan.touched else ()
    return plan if not views else _refused(plan, views)


def _refused(plan: Plan, views: Sequence[str]) -> Plan:
    rule = "Redshift does not change a column that a view is bound to"
    refusals = tuple(Refusal(view, rule, "drop the view first, and create it anew afterwards") for view in views)
    return replace(plan, statements=(), refusals=(*plan.refusals, *refusals))
