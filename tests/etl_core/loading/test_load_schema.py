"""Schema files applied to live tables: the log entry, refusals, crashes, and adoption of existing tables."""

from __future__ import annotations

from contextlib import suppress
from datetime import date
from typing import Any

import pytest

from etl_core.model.errors import ConnectionLostError, LockConflictError
from etl_core.model.status import Status
from tests.builders import a_column
from tests.etl_core.live import LiveTable
from tests.etl_core.live_pipeline import LivePipeline, refusal_of

ID, NAME = a_column("id", "BIGINT"), a_column("name", "VARCHAR(10)")


@pytest.fixture
def pipeline(live: LiveTable) -> LivePipeline:
    """A pipeline without tables and ledgers."""
    return LivePipeline(live)


def test_columns_are_added_and_widened_and_the_log_has_each_statement(
    pipeline: LivePipeline,
) -> None:
    pipeline.drop(ID, NAME)
    pipeline.live.run("INSERT INTO public.t VALUES (1, 'a')")

    outcome = pipeline.drop(
        ID, a_column("name", "VARCHAR(20)"), a_column("note", "VARCHAR(5)", description="new")
    )

    assert outcome.status is Status.APPLIED
    assert outcome.statements == (
        'ALTER TABLE "public"."t" ALTER COLUMN "name" TYPE VARCHAR(20)',
        'ALTER TABLE "public"."t" ADD COLUMN "note" VARCHAR(5)',
        """COMMENT ON COLUMN "public"."t"."note" IS 'new'""",
    )
    assert pipeline.live.rows() == [(1, "a", None)]
    assert pipeline.again().status is Status.DUPLICATE


def test_an_identical_file_is_unchanged_and_executes_nothing(pipeline: LivePipeline) -> None:
    pipeline.drop(ID, NAME)

    outcome = pipeline.drop(ID, NAME)

    assert (outcome.status, outcome.statements) == (Status.UNCHANGED, ())


def test_a_change_with_only_autocommit_statements_is_applied(pipeline: LivePipeline) -> None:
    pipeline.drop(ID, NAME)

    assert pipeline.drop(ID, a_column("name", "VARCHAR(20)")).status is Status.APPLIED


def test_a_missing_column_is_refused_and_named(pipeline: LivePipeline) -> None:
    pipeline.drop(ID, NAME)

    outcome = pipeline.drop(ID, a_column("more", "DATE"))

    assert "'name'" in refusal_of(outcome)
    assert 'list "drop" in allowed_changes' in refusal_of(outcome)
    assert outcome.statements == ()
    assert pipeline.columns() == "id BIGINT, name VARCHAR(10)"
    assert pipeline.drop(ID, allowed_changes=["drop"]).status is Status.APPLIED


def test_a_value_that_cannot_be_converted_refuses_the_whole_plan_and_is_named(
    pipeline: LivePipeline,
) -> None:
    pipeline.drop(ID, NAME, a_column("long", "VARCHAR(3)"))
    pipeline.live.run("INSERT INTO public.t VALUES (1, '12', 'x'), (2, 'twelve', 'y')")

    outcome = pipeline.drop(
        ID,
        a_column("name", "INTEGER"),
        a_column("long", "VARCHAR(6)"),
        a_column("more"),
        allowed_changes=["retype"],
    )

    assert "column 'name' cannot be changed" in refusal_of(outcome)
    assert '"twelve"' in refusal_of(outcome)
    assert "they stay and change no values" in refusal_of(outcome)
    assert pipeline.columns() == "id BIGINT, name VARCHAR(10), long VARCHAR(6)"
    assert pipeline.live.rows() == [(1, "12", "x"), (2, "twelve", "y")]


def test_values_are_converted(pipeline: LivePipeline) -> None:
    pipeline.drop(ID, NAME)
    pipeline.live.run("INSERT INTO public.t VALUES (1, '12'), (2, NULL)")

    outcome = pipeline.drop(ID, a_column("name", "INTEGER"), allowed_changes=["retype"])

    assert outcome.status is Status.APPLIED
    assert pipeline.live.rows(["id", "name"]) == [(1, 12), (2, None)]


@pytest.mark.parametrize(
    ("text", "kind", "stored"),
    [
        ("1.505", "NUMERIC(10,2)", "1.51"),
        ("2024-01-02 10:30:00", "DATE", "2024-01-02"),
        ("2024-01-02 00:00:00-07", "TIMESTAMP", "2024-01-02 00:00:00"),
        ("10:00:00+02", "TIME", "10:00:00"),
    ],
)
def test_a_text_loses_nothing_in_a_retype_unless_the_file_allows_it(
    pipeline: LivePipeline, text: str, kind: str, stored: str
) -> None:
    old, new = a_column("name", "VARCHAR(30)"), a_column("name", kind)
    pipeline.drop(ID, old)
    pipeline.live.run(f"INSERT INTO public.t VALUES (1, ''), (2, NULL), (3, '{text}')")

    outcome = pipeline.drop(ID, new, allowed_changes=["retype"])

    assert f"the value '{text}' would become '{stored}'" in refusal_of(outcome)
    assert 'list "narrow" in allowed_changes' in refusal_of(outcome)
    assert pipeline.live.rows(["id", "name"]) == [(1, ""), (2, None), (3, text)]
    applied = pipeline.drop(ID, new, allowed_changes=["retype", "narrow"])
    assert applied.status is Status.APPLIED
    held = pipeline.live.autocommit.exec_driver_sql("SELECT name::varchar FROM t WHERE id = 3")
    assert held.scalar_one() == stored


@pytest.mark.parametrize(("kind", "is_warned"), [("DATE", True), ("VARCHAR(30)", False)])
def test_the_order_of_day_and_month_in_a_retype_is_a_warning(
    pipeline: LivePipeline, kind: str, *, is_warned: bool
) -> None:
    pipeline.drop(ID, a_column("day", "CHAR(10)"))
    pipeline.live.run("INSERT INTO public.t VALUES (1, '03/02/2018')")

    outcome = pipeline.drop(ID, a_column("day", kind), allowed_changes=["retype"])

    assert outcome.status is Status.APPLIED
    found = [warning for warning in outcome.warnings if "03/02/2018" in warning.message]
    assert len(found) == is_warned


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("1.50", "NUMERIC(10,2)"),
        ("12345678901234567890123456789.1234567", "NUMERIC(38,9)"),
        ("2024-01-02 00:00:00", "DATE"),
        ("2024-01-02T10:30:00Z", "TIMESTAMP"),
        ("10:00:00", "TIME"),
        ("2024-01-02 10:30:00-07", "TIMESTAMPTZ"),
        ("0.1", "REAL"),
    ],
)
def test_a_text_that_loses_nothing_is_retyped(pipeline: LivePipeline, text: str, kind: str) -> None:
    pipeline.drop(ID, a_column("name", "VARCHAR(40)"))
    pipeline.live.run(f"INSERT INTO public.t VALUES (1, ''), (2, '{text}')")

    outcome = pipeline.drop(ID, a_column("name", kind), allowed_changes=["retype"])

    assert outcome.status is Status.APPLIED


def test_an_empty_text_becomes_null_when_its_column_becomes_another_type(
    pipeline: LivePipeline,
) -> None:
    pipeline.drop(ID, NAME, a_column("day", "CHAR(10)"))
    pipeline.live.run("INSERT INTO public.t VALUES (1, '', ''), (2, '12', '2026-01-02')")

    outcome = pipeline.drop(
        ID, a_column("name", "INTEGER"), a_column("day", "DATE"), allowed_changes=["retype"]
    )

    assert outcome.status is Status.APPLIED
    assert pipeline.live.rows(["id", "name", "day"]) == [(1, None, None), (2, 12, date(2026, 1, 2))]


def test_not_null_is_refused_for_a_column_with_nulls(pipeline: LivePipeline) -> None:
    pipeline.drop(ID, a_column("n", default=0))
    pipeline.live.run("INSERT INTO public.t VALUES (1, NULL)")

    outcome = pipeline.drop(
        ID, a_column("n", default=0, nullable=False), allowed_changes=["nullability"]
    )

    assert "nullability nullable becomes not null" in refusal_of(outcome)
    assert "Cannot insert a NULL value into column n" in refusal_of(outcome)
    assert pipeline.live.rows() == [(1, None)]


@pytest.mark.parametrize(
    "wanted",
    [a_column("name", "VARCHAR(20)"), a_column("name", "INTEGER"), None],
    ids=["widen", "retype", "drop"],
)
def test_a_view_that_uses_the_column_is_named_before_anything_is_changed(
    pipeline: LivePipeline, wanted: dict[str, Any] | None
) -> None:
    pipeline.drop(ID, NAME, a_column("other", "VARCHAR(3)"))
    pipeline.live.run("CREATE VIEW public.v_names AS SELECT name FROM public.t")
    columns = [ID, a_column("other", "VARCHAR(6)"), *([wanted] if wanted else [])]

    outcome = pipeline.drop(*columns, allowed_changes=["retype", "drop"])

    assert "column 'name' is used by the view public.v_names" in refusal_of(outcome)
    assert "Nothing was changed" in refusal_of(outcome)
    assert outcome.statements == ()
    pipeline.live.run("DROP VIEW public.v_names")
    assert pipeline.drop(*columns, allowed_changes=["retype", "drop"]).status is Status.APPLIED


def test_a_view_does_not_prevent_changes_of_other_columns(pipeline: LivePipeline) -> None:
    pipeline.drop(ID, NAME)
    pipeline.live.run("CREATE VIEW public.v_ids AS SELECT id FROM public.t")

    assert (
        pipeline.drop(ID, a_column("name", "VARCHAR(20)"), a_column("more")).status
        is Status.APPLIED
    )


def test_a_crash_at_any_point_is_repaired_by_the_retry(pipeline: LivePipeline) -> None:
    """Crash before every statement, before every commit, and after every statement committed in autocommit."""
    columns = [
        ID,
        a_column("name", "VARCHAR(20)"),
        a_column("n", "BIGINT", encode="zstd"),
        a_column("more", "DATE"),
    ]
    steps, crashed = 0, True
    while crashed:
        steps, crashed = steps + 1, False
        pipeline.drop(ID, NAME, a_column("n"), allowed_changes=["drop", "retype", "narrow"])
        pipeline.live.run("DELETE FROM public.t")
        pipeline.live.run("INSERT INTO public.t (id, name, n) VALUES (1, 'a', 7)")
        left = steps

        def crash(word: str) -> None:
            nonlocal left, crashed
            left -= 1
            if left == 0:
                crashed = True
                raise ConnectionLostError("the connection broke")

        pipeline.warehouse.before = crash
        with suppress(ConnectionLostError):
            pipeline.drop(*columns, allowed_changes=["retype"])
        pipeline.warehouse.before = lambda word: None
        if crashed:
            assert pipeline.again().status is Status.APPLIED
        assert pipeline.again().status is Status.DUPLICATE
        assert sorted(pipeline.columns().split(", ")) == [
            "id BIGINT",
            "more DATE",
            "n BIGINT",
            "name VARCHAR(20)",
        ]
        assert pipeline.live.rows(["id", "name", "n", "more"]) == [(1, "a", 7, None)]
    assert steps > 15


def test_a_table_that_keeps_changing_is_retried_later(
    pipeline: LivePipeline,
) -> None:
    pipeline.drop(ID, NAME)
    real = pipeline.live.autocommit

    class Idle:
        def execute(self, statement: Any) -> None:
            """Change nothing, so the next plan has the same change."""

    def pretend(word: str) -> None:
        pipeline.live.autocommit = Idle() if word == "AUTOCOMMIT" else real  # type: ignore[assignment]

    pipeline.warehouse.before = pretend
    try:
        with pytest.raises(
            LockConflictError, match=r"another session is altering the table public\.t"
        ):
            pipeline.drop(ID, a_column("name", "VARCHAR(20)"))
    finally:
        pipeline.live.autocommit = real


def test_an_existing_table_is_adopted_and_the_log_says_so(
    pipeline: LivePipeline,
) -> None:
    pipeline.live.run("CREATE TABLE public.t (id bigint NOT NULL, name varchar(10)) DISTKEY (id)")

    outcome = pipeline.drop(a_column("id", "BIGINT", nullable=False), NAME)

    assert outcome.status is Status.UNCHANGED
    assert outcome.statements == (
        "-- adopted the existing table public.t: id bigint not null, name character varying(10)",
    )


def test_an_adopted_table_may_get_new_columns_and_longer_varchars(pipeline: LivePipeline) -> None:
    pipeline.live.run("CREATE TABLE public.t (id bigint, name varchar(10))")

    outcome = pipeline.drop(ID, a_column("name", "VARCHAR(20)"), a_column("more"))

    assert outcome.status is Status.APPLIED
    assert [text.split('"t"')[-1].split('"')[0].strip() for text in outcome.statements] == [
        "ALTER COLUMN", "-- adopted the existing table public.t: id bigint, name character varying(20)", "ADD COLUMN",
    ]  # fmt: skip


def test_an_adopted_table_is_not_changed_otherwise(pipeline: LivePipeline) -> None:
    pipeline.live.run('CREATE TABLE public.t (id bigint, "old" date)')

    for allowed in ([], ["drop"]):
        message = refusal_of(pipeline.drop(ID, allowed_changes=allowed))
        assert "This pipeline did not create the table" in message
        assert "allowed_changes" not in message
    assert pipeline.columns() == "id BIGINT, old DATE"
