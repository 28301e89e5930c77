"""Upserts in the in-memory pipeline: what they replace, what they refuse, and any order of arrival."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from etl_core.model.status import Status
from etl_core.model.upload import Upload
from tests.builders import LAKE, NOON, a_schema_file
from tests.etl_core.in_memory_pipeline import InMemoryPipeline

KEYED: dict[str, Any] = {
    "primary_key": ["id"],
    "allowed_operations": ["append", "truncate", "upsert", "schema"],
}
Step = tuple[str, tuple[int, ...]]
"""An action, and the keys of the file's rows."""


def keyed(**more: Any) -> InMemoryPipeline:
    """Return a pipeline with an empty table t (id integer, name varchar(20)) that allows upserts."""
    started = InMemoryPipeline()
    started.drop("dev/schema/t/s.json", a_schema_file(**(KEYED | more)))
    return started


def csv_of(rows: Sequence[tuple[object, str]]) -> bytes:
    return "".join(["id,name\n", *(f"{key},{name}\n" for key, name in rows)]).encode()


def test_rows_with_the_same_key_are_replaced_and_others_are_added() -> None:
    pipeline = keyed()
    pipeline.drop("dev/append/t/a.csv", b"id,name\n1,a\n2,b\n2,again\n3,c\n")

    outcome = pipeline.drop("dev/upsert/t/u.csv", b"id,name\n2,new\n4,d\n")

    assert (outcome.status, outcome.rows_loaded) == (Status.LOADED, 2)
    assert pipeline.warehouse.table("t") == [["1", "a"], ["3", "c"], ["2", "new"], ["4", "d"]]
    assert [text.split(" ")[0] for text in outcome.statements] == [
        "CREATE", "COPY", "SELECT", "DELETE", "INSERT", "DROP",
    ]  # fmt: skip
    assert outcome.statements[3] == (
        'DELETE FROM "public"."t" USING "etl_upload_rows" '
        'WHERE "public"."t"."id" = "etl_upload_rows"."id"'
    )
    assert pipeline.warehouse.ledger("public__t")[-1]["action"] == "upsert"
    assert pipeline.warehouse.ledger("public__t")[-1]["format_version"] == 3


def test_an_upsert_needs_an_action_that_the_schema_file_lists() -> None:
    pipeline = keyed(allowed_operations=["append", "truncate", "schema"])

    outcome = pipeline.drop("dev/upsert/t/u.csv", b"id,name\n2,new\n")

    assert outcome.status is Status.REJECTED
    assert outcome.error is not None
    assert outcome.error.type == "ActionNotAllowedError"


def test_a_schema_file_without_allowed_operations_does_not_allow_upserts() -> None:
    pipeline = InMemoryPipeline()
    pipeline.drop("dev/schema/t/s.json", a_schema_file(primary_key=["id"]))

    assert pipeline.drop("dev/upsert/t/u.csv", b"id,name\n2,b\n").status is Status.REJECTED


def test_a_key_twice_in_the_file_is_refused_with_its_first_two_lines() -> None:
    pipeline = keyed()
    pipeline.drop("dev/append/t/a.csv", b"id,name\n1,a\n")

    outcome = pipeline.drop("dev/upsert/t/u.csv", b'id,name\n5,"x\ny"\n7,a\n8,b\n7,c\n7,d\n')

    assert outcome.status is Status.REJECTED
    assert outcome.error is not None
    assert outcome.error.message == (
        "lines 4 and 6 have the same primary key: id is '7'; a file may have one row for each key. "
        "Keep one of the rows, or upload them as two files"
    )
    assert (outcome.error.place.line, outcome.error.place.column) == (6, "id")
    assert outcome.error.code == "upsert.key_repeated_at"
    assert pipeline.warehouse.table("t") == [["1", "a"]]
    assert len(pipeline.warehouse.ledger("public__t")) == 2


def test_an_empty_text_in_the_key_is_refused_with_its_line() -> None:
    columns = (
        {"name": "id", "type": "VARCHAR(20)", "nullable": False},
        {"name": "name", "type": "VARCHAR(20)"},
    )
    pipeline = InMemoryPipeline()
    pipeline.drop("dev/schema/t/s.json", a_schema_file(*columns, **KEYED))

    outcome = pipeline.drop("dev/upsert/t/u.csv", b"id,name\na,1\n ,2\n")

    assert outcome.status is Status.REJECTED
    assert outcome.error is not None
    assert outcome.error.code == "upsert.key_empty_at"
    assert outcome.error.place.line == 3
    assert pipeline.warehouse.table("t") == []


def test_a_file_without_a_column_of_the_key_is_refused() -> None:
    columns = (
        {"name": "id", "type": "INTEGER", "default": 7},
        {"name": "name", "type": "VARCHAR(20)"},
    )
    pipeline = InMemoryPipeline()
    spec = a_schema_file(*columns, csv={"missing_columns": "default"}, **KEYED)
    pipeline.drop("dev/schema/t/s.json", spec)

    outcome = pipeline.drop("dev/upsert/t/u.csv", b"name\na\n")

    assert outcome.status is Status.REJECTED
    assert outcome.error is not None
    assert outcome.error.code == "upsert.key_not_in_file"


def test_an_upsert_that_was_overwritten_while_it_was_copied_loads_its_own_version() -> None:
    pipeline = keyed()
    upload = pipeline.put("dev/upsert/t/u.csv", b"id,name\n1,first\n")
    pipeline.on("DELETE", lambda: pipeline.store.put("dev/upsert/t/u.csv", b"id,name\n1,second\n"))

    assert pipeline.load(upload).status is Status.LOADED
    assert pipeline.warehouse.table("t") == [["1", "first"]]


def test_an_error_after_the_delete_changes_nothing() -> None:
    pipeline = keyed()
    pipeline.drop("dev/append/t/a.csv", b"id,name\n1,a\n")
    pipeline.on("MOVE", RuntimeError("the connection is gone"))

    with pytest.raises(RuntimeError):
        pipeline.drop("dev/upsert/t/u.csv", b"id,name\n1,new\n")

    assert pipeline.warehouse.table("t") == [["1", "a"]]


def test_appends_around_a_pending_upsert_are_not_loaded_with_each_other() -> None:
    pipeline = keyed()
    pipeline.seconds = 60.0
    own = pipeline.put("dev/append/t/1.csv", b"id,name\n1,a\n")
    for upload in (
        pipeline.put("dev/upsert/t/2.csv", b"id,name\n1,b\n"),
        pipeline.put("dev/append/t/3.csv", b"id,name\n1,c\n"),
        pipeline.put("dev/append/t/4.csv", b"id,name\n1,d\n"),
    ):
        pipeline.backlog.note(upload)

    pipeline.load(own)

    assert pipeline.warehouse.table("t") == [["1", "b"], ["1", "c"], ["1", "d"]]
    assert all(each.status is Status.LOADED for each in pipeline.answers.written.values())


def test_a_late_append_before_an_upsert_costs_no_rows_of_the_table() -> None:
    """The rows of the table stay as they are: they may be adopted, and in no file."""
    pipeline = keyed()
    late = pipeline.put("dev/append/t/late.csv", b"id,name\n1,late\n2,late\n")
    pipeline.warehouse.states["dev"].rows["public", "t"] = [["1", "adopted"], ["9", "adopted"]]
    pipeline.drop("dev/upsert/t/u.csv", b"id,name\n1,upserted\n")

    outcome = pipeline.load(late)

    assert (outcome.status, outcome.rows_loaded) == (Status.LOADED, 2)
    assert pipeline.warehouse.table("t") == [
        ["9", "adopted"],
        ["1", "upserted"],
        ["2", "late"],
    ]


def test_a_late_upsert_after_one_with_another_key_fails_and_says_what_to_do() -> None:
    columns = [{"name": name, "type": "VARCHAR(20)", "nullable": False} for name in ("id", "name")]
    pipeline = InMemoryPipeline()
    pipeline.drop("dev/schema/t/s.json", a_schema_file(*columns, **KEYED))
    late = pipeline.put("dev/upsert/t/late.csv", b"id,name\n1,late\n")
    both = KEYED | {"primary_key": ["id", "name"]}
    changed = pipeline.drop("dev/schema/t/s.json", a_schema_file(*columns, **both))
    assert changed.status is Status.APPLIED
    pipeline.drop("dev/upsert/t/u.csv", b"id,name\n1,new\n")

    outcome = pipeline.load(late)

    assert outcome.status is Status.FAILED
    assert outcome.error is not None
    assert outcome.error.code == "upsert.key_changed"


def test_a_late_append_needs_the_file_of_a_later_upsert_and_names_it_if_it_is_gone() -> None:
    pipeline = keyed()
    late = pipeline.put("dev/append/t/late.csv", b"id,name\n1,late\n")
    pipeline.drop("dev/upsert/t/u.csv", b"id,name\n1,new\n")
    del pipeline.store.versions[LAKE, "dev/upsert/t/u.csv"]

    outcome = pipeline.load(late)

    assert outcome.status is Status.REJECTED
    assert outcome.error is not None
    assert "'dev/upsert/t/u.csv' arrived after it" in outcome.error.message
    assert pipeline.warehouse.table("t") == [["1", "new"]]


def test_the_same_append_again_after_an_upsert_is_no_repetition() -> None:
    """Its rows may have been replaced."""
    pipeline = keyed(csv={"on_repeat": "skip"})
    content = b"id,name\n1,a\n"
    pipeline.drop("dev/append/t/a.csv", content)
    assert pipeline.drop("dev/append/t/a.csv", content).status is Status.IGNORED
    pipeline.drop("dev/upsert/t/u.csv", b"id,name\n1,new\n")

    assert pipeline.drop("dev/append/t/a.csv", content).status is Status.LOADED
    assert pipeline.warehouse.table("t") == [["1", "new"], ["1", "a"]]


def test_only_ledger_rows_with_upserts_have_the_new_format() -> None:
    """So functions of an earlier version go on with the ledgers of all other tables."""
    pipeline = keyed()
    pipeline.drop("dev/append/t/a.csv", b"id,name\n1,a\n")
    pipeline.drop("dev/schema/other/s.json", a_schema_file())

    formats = [row["format_version"] for row in pipeline.warehouse.ledger("public__t")]
    assert formats == [3, 2]
    assert pipeline.warehouse.ledger("public__other")[0]["format_version"] == 2


def sequential(steps: Sequence[Step]) -> list[list[str]]:
    """Return the table after its uploads took effect one after another, sorted."""
    rows: list[list[str]] = []
    for number, (action, keys) in enumerate(steps):
        if action == "truncate":
            rows = []
        if action == "upsert":
            rows = [row for row in rows if int(row[0]) not in keys]
        rows += [[str(key), f"u{number}"] for key in keys]
    return sorted(rows)


KEYS = st.lists(st.integers(1, 4), max_size=3, unique=True).map(tuple)
STEPS = st.lists(
    st.tuples(st.sampled_from(["append", "upsert", "upsert", "append", "truncate"]), KEYS),
    min_size=1,
    max_size=7,
)


@st.composite
def deliveries(draw: st.DrawFn) -> tuple[list[Step], list[int], bool]:
    """Draw uploads in arrival order, the order in which they are loaded, with repetitions, and whether
    loads know the pending ones.
    """
    steps = draw(STEPS)
    numbers = list(range(len(steps)))
    repeated = draw(st.lists(st.sampled_from(numbers), max_size=2))
    return steps, draw(st.permutations([*numbers, *repeated])), draw(st.booleans())


@settings(max_examples=40)
@given(drawn=deliveries())
@example(drawn=([("append", (1,)), ("upsert", (1,)), ("append", (1,))], [2, 1, 0], False))
@example(drawn=([("upsert", (1, 2)), ("append", (1,)), ("upsert", (2,))], [1, 2, 0], False))
@example(
    drawn=(
        [("truncate", (1,)), ("append", (2,)), ("upsert", (1, 2)), ("append", (2,))],
        [1, 3, 2, 0],
        False,
    )
)
def test_any_order_and_repetition_gives_the_sequential_table(
    drawn: tuple[list[Step], list[int], bool],
) -> None:
    steps, order, are_pending = drawn
    pipeline = keyed()
    pipeline.seconds = 60.0 if are_pending else 20.0
    uploads = [_put(pipeline, number, step) for number, step in enumerate(steps)]
    if are_pending:
        for upload in uploads:
            pipeline.backlog.note(upload)
    for number in order:
        outcome = pipeline.load(uploads[number])
        assert outcome.status in {Status.LOADED, Status.DUPLICATE, Status.SUPERSEDED}
    assert sorted(pipeline.warehouse.table("t") or []) == sequential(steps)


def _put(pipeline: InMemoryPipeline, number: int, step: Step) -> Upload:
    action, keys = step
    content = csv_of([(key, f"u{number}") for key in keys])
    return pipeline.put(
        f"dev/{action}/t/{number}.csv", content, landed_at=NOON.replace(second=number + 2)
    )
