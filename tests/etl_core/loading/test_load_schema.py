"""Schema files applied to live tables: what the log shows, what is refused, what a crash leaves, what is taken over."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest

from etl_core.loading.load import load_upload
from etl_core.loading.ports import Ports
from etl_core.model.errors import ConnectionLostError, LockConflictError
from etl_core.model.status import Status
from etl_core.upload_log.outcome import LoadOutcome
from tests.builders import NOON, a_column, a_schema_file, settings
from tests.etl_core.live import LiveTable
from tests.etl_core.live_warehouse import LiveWarehouse
from tests.fakes import FakeBacklog, FakeStore

ID, NAME = a_column("id", "BIGINT"), a_column("name", "VARCHAR(10)")


class InMemoryPipeline:
    """A lake, and the table `public.t` in the stand-in."""

    def __init__(self, live: LiveTable) -> None:
        self.live, self.store, self.warehouse, self.landed = (
            live,
            FakeStore(),
            LiveWarehouse(live),
            0,
        )
        self.backlog = FakeBacklog()

    def drop(self, *columns: dict[str, Any], **more: Any) -> LoadOutcome:
        """A schema file for t lands and is loaded."""
        self.landed += 1
        self.upload = self.store.put(
            "dev/schema/t/s.json",
            a_schema_file(*columns, **more),
            landed_at=NOON.replace(second=self.landed),
        )
        return self.again()

    def again(self) -> LoadOutcome:
        """The same upload is delivered again."""
        ports = Ports(self.store, self.warehouse, self.backlog, lambda: NOON)
        outcome = load_upload(self.upload, settings(), ports, 60)
        self.backlog.note(self.upload, outcome.status)
        return outcome

    def columns(self) -> str:
        """The columns of t."""
        return ", ".join(f"{column.name} {column.type}" for column in self.live.read().columns)


@pytest.fixture
def world(live: LiveTable) -> InMemoryPipeline:
    """Nothing is there."""
    live.together.rollback()
    live.run("DROP TABLE IF EXISTS public.t CASCADE")
    live.run("DROP SCHEMA IF EXISTS etl_ledger CASCADE")
    return InMemoryPipeline(live)


def told(outcome: LoadOutcome) -> str:
    assert outcome.status is Status.REJECTED
    assert outcome.error is not None
    assert outcome.error.type == "SchemaChangeRefusedError"
    return outcome.error.message


def test_columns_are_added_and_widened_and_the_log_has_each_statement(
    world: InMemoryPipeline,
) -> None:
    world.drop(ID, NAME)
    world.live.run("INSERT INTO public.t VALUES (1, 'a')")

    outcome = world.drop(
        ID, a_column("name", "VARCHAR(20)"), a_column("note", "VARCHAR(5)", description="new")
    )

    assert outcome.status is Status.APPLIED
    assert outcome.statements == (
        'ALTER TABLE "public"."t" ALTER COLUMN "name" TYPE VARCHAR(20)',
        'ALTER TABLE "public"."t" ADD COLUMN "note" VARCHAR(5)',
        """COMMENT ON COLUMN "public"."t"."note" IS 'new'""",
    )
    assert world.live.rows() == [(1, "a", None)]
    assert world.again().status is Status.DUPLICATE


def test_an_identical_file_is_unchanged_and_executes_nothing(world: InMemoryPipeline) -> None:
    world.drop(ID, NAME)

    outcome = world.drop(ID, NAME)

    assert (outcome.status, outcome.statements) == (Status.UNCHANGED, ())


def test_only_growing_is_applied_too(world: InMemoryPipeline) -> None:
    world.drop(ID, NAME)

    assert world.drop(ID, a_column("name", "VARCHAR(20)")).status is Status.APPLIED


def test_a_column_left_out_is_refused_and_named(world: InMemoryPipeline) -> None:
    world.drop(ID, NAME)

    outcome = world.drop(ID, a_column("more", "DATE"))

    assert "'name'" in told(outcome)
    assert 'list "drop" in allowed_changes' in told(outcome)
    assert outcome.statements == ()
    assert world.columns() == "id BIGINT, name VARCHAR(10)"
    assert world.drop(ID, allowed_changes=["drop"]).status is Status.APPLIED


def test_a_value_that_does_not_convert_refuses_the_whole_plan_and_is_named(
    world: InMemoryPipeline,
) -> None:
    world.drop(ID, NAME, a_column("long", "VARCHAR(3)"))
    world.live.run("INSERT INTO public.t VALUES (1, '12', 'x'), (2, 'twelve', 'y')")

    outcome = world.drop(
        ID,
        a_column("name", "INTEGER"),
        a_column("long", "VARCHAR(6)"),
        a_column("more"),
        allowed_changes=["retype"],
    )

    assert "column 'name' cannot be changed" in told(outcome)
    assert '"twelve"' in told(outcome)
    assert "which stays and costs no value" in told(outcome)
    assert world.columns() == "id BIGINT, name VARCHAR(10), long VARCHAR(6)"
    assert world.live.rows() == [(1, "12", "x"), (2, "twelve", "y")]


def test_values_are_converted(world: InMemoryPipeline) -> None:
    world.drop(ID, NAME)
    world.live.run("INSERT INTO public.t VALUES (1, '12'), (2, NULL)")

    outcome = world.drop(ID, a_column("name", "INTEGER"), allowed_changes=["retype"])

    assert outcome.status is Status.APPLIED
    assert world.live.rows(["id", "name"]) == [(1, 12), (2, None)]


def test_null_where_it_is_to_be_forbidden_is_a_refusal(world: InMemoryPipeline) -> None:
    world.drop(ID, a_column("n", default=0))
    world.live.run("INSERT INTO public.t VALUES (1, NULL)")

    outcome = world.drop(
        ID, a_column("n", default=0, nullable=False), allowed_changes=["nullability"]
    )

    assert "nullability nullable becomes not null" in told(outcome)
    assert 'null value in column "n"' in told(outcome)
    assert world.live.rows() == [(1, None)]


@pytest.mark.parametrize(
    "wanted",
    [a_column("name", "VARCHAR(20)"), a_column("name", "INTEGER"), None],
    ids=["widen", "retype", "drop"],
)
def test_a_view_that_needs_the_column_is_named_before_anything_is_done(
    world: InMemoryPipeline, wanted: dict[str, Any] | None
) -> None:
    world.drop(ID, NAME, a_column("other", "VARCHAR(3)"))
    world.live.run("CREATE VIEW public.v_names AS SELECT name FROM public.t")
    columns = [ID, a_column("other", "VARCHAR(6)"), *([wanted] if wanted else [])]

    outcome = world.drop(*columns, allowed_changes=["retype", "drop"])

    assert "column 'name' is used by the view public.v_names" in told(outcome)
    assert "Nothing was changed" in told(outcome)
    assert outcome.statements == ()
    world.live.run("DROP VIEW public.v_names")
    assert world.drop(*columns, allowed_changes=["retype", "drop"]).status is Status.APPLIED


def test_a_view_does_not_stop_what_it_does_not_need(world: InMemoryPipeline) -> None:
    world.drop(ID, NAME)
    world.live.run("CREATE VIEW public.v_ids AS SELECT id FROM public.t")

    assert (
        world.drop(ID, a_column("name", "VARCHAR(20)"), a_column("more")).status is Status.APPLIED
    )


def test_a_crash_at_any_point_is_repaired_by_the_retry(world: InMemoryPipeline) -> None:
    """Before every statement, before every commit, and after a lone statement that has committed."""
    columns = [
        ID,
        a_column("name", "VARCHAR(20)"),
        a_column("n", "BIGINT", encode="zstd"),
        a_column("more", "DATE"),
    ]
    steps, crashed = 0, True
    while crashed:
        steps, crashed = steps + 1, False
        world.drop(ID, NAME, a_column("n"), allowed_changes=["drop", "retype", "narrow"])
        world.live.run("DELETE FROM public.t")
        world.live.run("INSERT INTO public.t (id, name, n) VALUES (1, 'a', 7)")
        left = steps

        def crash(word: str) -> None:
            nonlocal left, crashed
            left -= 1
            if left == 0:
                crashed = True
                raise ConnectionLostError("the connection broke")

        world.warehouse.before = crash
        with suppress(ConnectionLostError):
            world.drop(*columns, allowed_changes=["retype"])
        world.warehouse.before = lambda word: None
        if crashed:
            assert world.again().status is Status.APPLIED
        assert world.again().status is Status.DUPLICATE
        assert sorted(world.columns().split(", ")) == [
            "id BIGINT",
            "more DATE",
            "n BIGINT",
            "name VARCHAR(20)",
        ]
        assert world.live.rows(["id", "name", "n", "more"]) == [(1, "a", 7, None)]
    assert steps > 15


def test_a_table_that_somebody_alters_back_all_the_time_is_tried_again_later(
    world: InMemoryPipeline,
) -> None:
    world.drop(ID, NAME)
    real = world.live.alone

    class Idle:
        def execute(self, statement: Any) -> None:
            """The column is as it was when it is looked at again."""

    def pretend(word: str) -> None:
        world.live.alone = Idle() if word == "ALONE" else real  # type: ignore[assignment]

    world.warehouse.before = pretend
    try:
        with pytest.raises(LockConflictError, match="altered by somebody else"):
            world.drop(ID, a_column("name", "VARCHAR(20)"))
    finally:
        world.live.alone = real


def test_a_table_that_was_there_is_taken_over_and_the_log_says_so(world: InMemoryPipeline) -> None:
    world.live.run("CREATE TABLE public.t (id bigint NOT NULL, name varchar(10)) DISTKEY (id)")

    outcome = world.drop(a_column("id", "BIGINT", nullable=False), NAME)

    assert outcome.status is Status.UNCHANGED
    assert outcome.statements == (
        "-- adopted public.t, which was there: id bigint not null, name character varying(10)",
    )


def test_what_is_taken_over_may_get_columns_and_longer_texts(world: InMemoryPipeline) -> None:
    world.live.run("CREATE TABLE public.t (id bigint, name varchar(10))")

    outcome = world.drop(ID, a_column("name", "VARCHAR(20)"), a_column("more"))

    assert outcome.status is Status.APPLIED
    assert [text.split('"t"')[-1].split('"')[0].strip() for text in outcome.statements] == [
        "ALTER COLUMN", "-- adopted public.t, which was there: id bigint, name character varying(20)", "ADD COLUMN",
    ]  # fmt: skip


def test_what_is_taken_over_is_not_changed_beyond_that(world: InMemoryPipeline) -> None:
    world.live.run('CREATE TABLE public.t (id bigint, "old" date)')

    for allowed in ([], ["drop"]):
        message = told(world.drop(ID, allowed_changes=allowed))
        assert "was not made by this pipeline" in message
        assert "allowed_changes" not in message
    assert world.columns() == "id BIGINT, old DATE"
