"""Schema files on big or old tables in the emulator: sort keys, rebuilds, late-binding views, unknown types."""

from __future__ import annotations

import pytest

from etl_core.model.errors import LoadFailedError
from etl_core.model.status import Status
from redshift_emulator.server import Server
from tests.builders import a_column
from tests.etl_core.live import LiveTable
from tests.etl_core.live_pipeline import LivePipeline, refusal_of

ID, NAME = a_column("id", "BIGINT"), a_column("name", "VARCHAR(10)")


@pytest.fixture
def pipeline(live: LiveTable) -> LivePipeline:
    live.run("DROP SCHEMA IF EXISTS reports CASCADE")
    return LivePipeline(live)


def encodings(pipeline: LivePipeline) -> dict[str, str]:
    rows = pipeline.live.autocommit.exec_driver_sql(
        "SELECT column_name, encoding FROM svv_redshift_columns WHERE schema_name = 'public' AND table_name = 't'"
    )
    return dict(map(tuple, rows))


# A new sort key


def test_an_encoding_is_planned_again_after_the_sort_key_that_changed_it(
    pipeline: LivePipeline,
) -> None:
    pipeline.drop(ID, NAME | {"encode": "lzo"})

    outcome = pipeline.drop(ID, NAME | {"encode": "lzo"}, sortkey=["name"])

    assert outcome.status is Status.APPLIED
    assert outcome.statements == (
        'ALTER TABLE "public"."t" ALTER COMPOUND SORTKEY ("name")',
        'ALTER TABLE "public"."t" ALTER COLUMN "name" ENCODE LZO',
    )
    assert encodings(pipeline)["name"] == "lzo"


def test_an_encoding_that_the_sort_key_has_set_is_not_set_again(pipeline: LivePipeline) -> None:
    pipeline.drop(ID, NAME | {"encode": "lzo"})

    outcome = pipeline.drop(ID, NAME | {"encode": "raw"}, sortkey=["name"])

    assert outcome.statements == ('ALTER TABLE "public"."t" ALTER COMPOUND SORTKEY ("name")',)
    assert encodings(pipeline)["name"] == "none"


def test_a_warehouse_that_keeps_the_encoding_gets_the_one_of_the_file(
    pipeline: LivePipeline,
) -> None:
    """The plan after the sort key is made from the table as it is, whatever Redshift did to it."""
    pipeline.drop(ID, NAME | {"encode": "lzo"})

    def keep(step: str) -> None:
        if step == "AUTOCOMMIT DONE":
            pipeline.warehouse.before = lambda step: None
            pipeline.live.run("ALTER TABLE public.t ALTER COLUMN name ENCODE lzo")

    pipeline.warehouse.before = keep

    outcome = pipeline.drop(ID, NAME | {"encode": "raw"}, sortkey=["name"])

    assert outcome.status is Status.APPLIED
    assert outcome.statements[1:] == ('ALTER TABLE "public"."t" ALTER COLUMN "name" ENCODE RAW',)
    assert encodings(pipeline)["name"] == "none"


def test_a_sort_key_that_redshift_chose_goes_with_its_column(pipeline: LivePipeline) -> None:
    pipeline.drop(ID, NAME)
    pipeline.live.run("ALTER TABLE public.t ALTER SORTKEY (name)")
    pipeline.live.run("ALTER TABLE public.t ALTER SORTKEY AUTO")

    outcome = pipeline.drop(ID, allowed_changes=["drop"])

    assert outcome.status is Status.APPLIED
    assert [text.removeprefix('ALTER TABLE "public"."t" ') for text in outcome.statements] == [
        "ALTER SORTKEY NONE",
        "ALTER SORTKEY AUTO",
        'DROP COLUMN "name"',
    ]
    assert pipeline.columns() == "id BIGINT"


# Rebuilds


def test_a_rebuild_of_too_many_rows_is_refused_with_the_count_and_the_recipe(
    pipeline: LivePipeline,
) -> None:
    pipeline.settings = {"rebuild_max_rows": 2}
    pipeline.drop(ID, a_column("n", "INTEGER"), NAME)
    pipeline.live.run("INSERT INTO public.t VALUES (1, 1, 'a'), (2, 2, 'b'), (3, 3, 'c')")

    outcome = pipeline.drop(
        ID,
        a_column("n", "BIGINT"),
        NAME | {"type": "VARCHAR(30)"},
        sortkey=["id"],
        allowed_changes=["retype"],
    )

    message = refusal_of(outcome)
    assert "column 'n': its type is integer in the table and bigint in the schema file" in message
    assert "The table has 3 rows; the limit is 2" in message
    assert 'with "renamed_from" (docs/how-to/big-tables.md)' in message
    assert "Nothing was changed" in message
    assert outcome.statements == ()
    assert pipeline.columns() == "id BIGINT, n INTEGER, name VARCHAR(10)"


@pytest.mark.parametrize("limit", [3, 0], ids=["at the limit", "without a limit"])
def test_a_rebuild_up_to_the_limit_is_made(pipeline: LivePipeline, limit: int) -> None:
    pipeline.settings = {"rebuild_max_rows": limit}
    pipeline.drop(ID, a_column("n", "INTEGER"))
    pipeline.live.run("INSERT INTO public.t VALUES (1, 1), (2, 2), (3, 3)")

    outcome = pipeline.drop(ID, a_column("n", "BIGINT"), allowed_changes=["retype"])

    assert outcome.status is Status.APPLIED
    assert pipeline.live.rows(["id", "n"]) == [(1, 1), (2, 2), (3, 3)]


def test_a_change_that_rewrites_no_row_is_made_whatever_the_table_has(
    pipeline: LivePipeline,
) -> None:
    pipeline.settings = {"rebuild_max_rows": 1}
    pipeline.drop(ID, NAME)
    pipeline.live.run("INSERT INTO public.t VALUES (1, 'a'), (2, 'b')")

    outcome = pipeline.drop(
        ID, NAME | {"type": "VARCHAR(30)"}, a_column("more", "DATE"), sortkey=["id"]
    )

    assert outcome.status is Status.APPLIED


def test_the_recipe_of_the_refusal_works(pipeline: LivePipeline) -> None:
    """Add a column, fill it in parts, drop the old one and rename the new one, all above the limit."""
    pipeline.settings = {"rebuild_max_rows": 1}
    n, n_new = a_column("n", "INTEGER"), a_column("n_new", "BIGINT")
    pipeline.drop(ID, n)
    pipeline.live.run("INSERT INTO public.t VALUES (1, 1), (2, 2)")

    added = pipeline.drop(ID, n, n_new)
    for part in (1, 2):
        pipeline.live.run(f"UPDATE public.t SET n_new = n WHERE id = {part}")
    dropped = pipeline.drop(ID, n_new, allowed_changes=["drop"])
    renamed = pipeline.drop(ID, a_column("n", "BIGINT", renamed_from="n_new"))

    assert [one.status for one in (added, dropped, renamed)] == [Status.APPLIED] * 3
    assert pipeline.live.rows(["id", "n"]) == [(1, 1), (2, 2)]
    assert pipeline.columns() == "id BIGINT, n BIGINT"


# Late-binding views


@pytest.mark.parametrize(
    "columns",
    [(ID,), (ID, a_column("title", "VARCHAR(10)", renamed_from="name"))],
    ids=["dropped", "renamed"],
)
def test_a_late_binding_view_does_not_prevent_the_change_and_a_warning_names_it(
    pipeline: LivePipeline, columns: tuple[dict[str, object], ...]
) -> None:
    pipeline.drop(ID, NAME)
    pipeline.live.run("CREATE SCHEMA reports")
    pipeline.live.run(
        "CREATE VIEW reports.names AS SELECT name FROM public.t WITH NO SCHEMA BINDING"
    )
    pipeline.live.run("CREATE VIEW reports.ids AS SELECT id FROM public.t WITH NO SCHEMA BINDING")

    outcome = pipeline.drop(*columns, allowed_changes=["drop"])

    assert outcome.status is Status.APPLIED
    [warning] = [each.message for each in outcome.warnings]
    assert "late-binding view reports.names names the table and column 'name'" in warning
    assert pipeline.live.autocommit.exec_driver_sql("SELECT * FROM reports.ids").fetchall() == []


def test_views_are_not_looked_for_if_every_column_keeps_its_name(pipeline: LivePipeline) -> None:
    pipeline.drop(ID, NAME)
    pipeline.live.run("CREATE SCHEMA reports")
    pipeline.live.run("CREATE VIEW reports.n AS SELECT name FROM public.t WITH NO SCHEMA BINDING")

    outcome = pipeline.drop(ID, NAME | {"type": "VARCHAR(30)"}, a_column("more", "DATE"))

    assert (outcome.status, outcome.warnings) == (Status.APPLIED, ())


def test_views_that_cannot_be_read_are_a_warning_and_change_nothing_else(
    pipeline: LivePipeline,
) -> None:
    pipeline.drop(ID, NAME)
    pipeline.live.run("CREATE SCHEMA reports")
    pipeline.live.run("CREATE VIEW reports.n AS SELECT name FROM public.t WITH NO SCHEMA BINDING")
    statements = 0

    def fail(step: str) -> None:
        """Fail the query for the views: the first one of the second transaction."""
        nonlocal statements
        statements = statements + 1 if step == "STATEMENT" else 0 if step == "BEGIN" else statements
        begun.append(step == "BEGIN")
        if sum(begun) == 2 and statements == 1:
            raise LoadFailedError(
                "wrong number of columns for function pg_get_late_binding_view_cols"
            )

    begun: list[bool] = []
    pipeline.warehouse.before = fail

    outcome = pipeline.drop(ID, allowed_changes=["drop"])

    assert outcome.status is Status.APPLIED
    [warning] = [each.message for each in outcome.warnings]
    assert "(name): wrong number of columns" in warning
    assert pipeline.columns() == "id BIGINT"


# Types that the loader does not know


@pytest.fixture
def odd(pipeline: LivePipeline, emulator: Server) -> LivePipeline:
    """The table has a column of PostgreSQL's type money, which neither Redshift nor a schema file has."""
    pipeline.drop(ID, NAME)
    with emulator.connect_as_owner("dev") as owner:
        owner.query("ALTER TABLE public.t ADD COLUMN odd money DEFAULT 7")
    return pipeline


def test_a_column_of_an_unknown_type_does_not_stop_schema_files(odd: LivePipeline) -> None:
    outcome = odd.drop(
        ID, NAME | {"type": "VARCHAR(30)"}, a_column("more", "DATE"), allowed_changes=["drop"]
    )

    assert outcome.status is Status.APPLIED
    assert [warning.message.split(",")[0] for warning in outcome.warnings] == [
        "column 'odd' has the type 'money'"
    ]
    assert [column.name for column in odd.live.read().columns] == ["id", "name", "odd", "more"]


def test_a_schema_file_that_renames_the_column_is_refused_by_its_name(odd: LivePipeline) -> None:
    outcome = odd.drop(ID, NAME, a_column("strange", "DATE", renamed_from="odd"))

    assert "column 'odd' has the type 'money' in the table" in refusal_of(outcome)
    assert "gives it the name 'strange'" in refusal_of(outcome)
