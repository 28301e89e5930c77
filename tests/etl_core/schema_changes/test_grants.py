"""What a plan keeps: grants on the table and on columns that it does not rebuild, views on them,
and their descriptions.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from etl_core.schema_changes.plan import make_plan
from etl_core.schema_files.tables import table_of_schema_file
from tests.builders import TABLE, a_column, a_spec
from tests.etl_core.live import LiveTable

ROLES = ("reader", "writer", "analyst")
BEFORE = a_spec(
    a_column("id", "BIGINT", nullable=False, description="who"),
    a_column("kept", "VARCHAR(10)", description="stays"),
    a_column("grows", "VARCHAR(10)"),
    a_column("named", "INTEGER"),
    a_column("retyped", "INTEGER", description="how many"),
    a_column("gone", "DATE"),
)
AFTER = a_spec(
    a_column("id", "BIGINT", nullable=False),
    a_column("kept", "VARCHAR(10)"),
    a_column("grows", "VARCHAR(40)"),
    a_column("renamed", "INTEGER", renamed_from="named"),
    a_column("retyped", "BIGINT", default=0),
    a_column("new", "TIMESTAMP"),
    allowed_changes=["retype", "default", "drop"],
)


@pytest.fixture
def changed(live: LiveTable) -> Iterator[LiveTable]:
    """A table with grants and a view, after a plan with every kind of change."""
    actual = live.create(
        table_of_schema_file(BEFORE, TABLE), [{"id": 1, "kept": "a", "retyped": 5}]
    )
    for role in ROLES:
        live.run(f"CREATE USER {role} PASSWORD 'Passw0rd'")
    live.run("GRANT SELECT ON public.t TO reader")
    live.run("GRANT INSERT, DELETE ON public.t TO writer")
    live.run("GRANT SELECT (id, kept, named, grows, retyped), UPDATE (kept) ON public.t TO analyst")
    live.run("CREATE VIEW public.v_kept AS SELECT id, kept FROM public.t")
    live.run("GRANT SELECT ON public.v_kept TO analyst")
    plan = make_plan(actual, table_of_schema_file(AFTER, TABLE), AFTER.allowed_changes)
    assert (plan.refusals, live.apply(plan)) == ((), None)
    yield live
    live.run("DROP TABLE public.t CASCADE")
    for role in ROLES:
        live.run(f"DROP USER {role}")


def has_privilege(live: LiveTable, role: str, privilege: str, column: str | None = None) -> bool:
    """Return whether the role has the privilege, as the warehouse reports it."""
    function, more = (
        ("has_table_privilege", "") if column is None else ("has_column_privilege", f"'{column}', ")
    )
    return bool(
        live.autocommit.exec_driver_sql(
            f"SELECT {function}('{role}', 'public.t', {more}'{privilege}')"
        ).scalar_one()
    )


def test_grants_on_the_table_are_kept(changed: LiveTable) -> None:
    held = {
        (role, right)
        for role in ROLES
        for right in ("SELECT", "INSERT", "DELETE")
        if has_privilege(changed, role, right)
    }

    assert held == {("reader", "SELECT"), ("writer", "INSERT"), ("writer", "DELETE")}
    assert has_privilege(changed, "reader", "SELECT", "retyped")
    assert has_privilege(changed, "reader", "SELECT", "new")


def test_grants_on_columns_that_are_not_rebuilt_are_kept_and_follow_a_new_name(
    changed: LiveTable,
) -> None:
    assert has_privilege(changed, "analyst", "UPDATE", "kept")
    assert [
        name
        for name in ("id", "kept", "renamed", "grows")
        if not has_privilege(changed, "analyst", "SELECT", name)
    ] == []


def test_a_grant_on_a_single_column_is_lost_by_a_rebuild_as_documented(
    changed: LiveTable,
) -> None:
    assert not has_privilege(changed, "analyst", "SELECT", "retyped")


def test_views_and_descriptions_are_kept(changed: LiveTable) -> None:
    view = changed.autocommit.exec_driver_sql("SELECT id, kept FROM public.v_kept").fetchall()
    right = changed.autocommit.exec_driver_sql(
        "SELECT has_table_privilege('analyst', 'public.v_kept', 'SELECT')"
    ).scalar_one()
    comments = {str(column.name): column.comment for column in changed.read().columns}

    assert (list(map(tuple, view)), right) == ([(1, "a")], True)
    assert comments == {
        "id": "who",
        "kept": "stays",
        "grows": None,
        "renamed": None,
        "retyped": "how many",
        "new": None,
    }
