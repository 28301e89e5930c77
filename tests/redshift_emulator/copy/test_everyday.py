"""200 everyday statements behave as AWS's pages say, except those that `everyday_differences.txt` lists."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import psycopg2
import pytest
from psycopg2.extensions import connection as Connection  # noqa: N812

from tests.redshift_emulator.copy.everyday import DONE, REFUSED, SETUP, Answer, Case, read_cases
from tests.redshift_emulator.copy.lake import BUCKET, Lake

DIFFERENCES = Path(__file__).with_name("everyday_differences.txt")
CASES = read_cases()
FILES = {
    "rows.json": b'{"a": 1, "b": "x"}\n{"a": 2}\n',
    "rows.fixed": b"1  x \n22 yz\n",
    "rows.parquet": b"PAR1",
}


def listed() -> dict[str, str]:
    """Return the statements that do not behave as documented, with the reason."""
    lines = DIFFERENCES.read_text("utf-8").splitlines()
    return dict(line.split(": ", 1) for line in lines if line and not line.startswith("#"))


@pytest.fixture(scope="module")
def shop(shared_lake: Lake) -> Iterator[Lake]:
    """The lake with the schema `shop`, its tables and files. Nothing of it stays."""
    shared_lake.sql("CREATE SCHEMA shop; SET search_path TO shop, public")
    shared_lake.sql(SETUP)
    for key, body in FILES.items():
        shared_lake.put(body, key)
    yield shared_lake
    shared_lake.sql("DROP SCHEMA shop CASCADE; SET search_path TO public")
    drop_globals(shared_lake.connection)


def drop_globals(connection: Connection) -> None:
    """Drop the databases, users and roles that the statements create."""
    names = {
        "DATABASE": ["d1", "d2", "d3"],
        "USER": ["u1", "u5", "p1", "p2", "p3", "p4"],
        "ROLE": ["everyday_role", "r1", "r2", "r3", "r4", "r5", "sg"],
        "GROUP": ["everyday_group"],
    }
    with connection.cursor() as cursor:
        for kind, objects in names.items():
            for name in objects:
                try:
                    cursor.execute(f"DROP {kind} {name}")
                except psycopg2.Error:
                    connection.rollback()


@pytest.fixture
def session(shop: Lake) -> Iterator[Connection]:
    """A session of its own in the schema `shop`."""
    with shop.connect() as own:
        own.sql("SET search_path TO shop, public")
        yield own.connection


def answer(connection: Connection, statements: list[str]) -> Answer:
    """Run the statements and return what the last one answers.

    A limit of the emulator is neither a result nor Redshift's refusal.
    """
    with connection.cursor() as cursor:
        for statement in statements[:-1]:
            cursor.execute(statement)
        try:
            cursor.execute(statements[-1])
        except psycopg2.Error as error:
            return f"limit: {error}" if "emulator" in str(error) else REFUSED
        if cursor.description is None:
            return DONE
        return ["|".join(map(text, row)) for row in cursor.fetchall()]


def text(value: object) -> str:
    """Return a value as the list of statements writes it."""
    return "NULL" if value is None else str(value).replace("\n", "\\n")


def agrees(actual: Answer, expected: Answer, *, prefix: bool) -> bool:
    """Whether an answer is the documented one. Numbers are compared as numbers."""
    if expected == DONE:
        return actual == DONE or isinstance(actual, list)
    if isinstance(actual, str) or isinstance(expected, str):
        return actual == expected
    if prefix:
        width = len(expected[0].split("|"))
        actual = ["|".join(row.split("|")[:width]) for row in actual]
    return len(actual) == len(expected) and all(map(same_row, actual, expected))


def same_row(actual: str, expected: str) -> bool:
    """Whether two rows have the same values."""
    pairs = zip(actual.split("|"), expected.split("|"), strict=False)
    return actual.count("|") == expected.count("|") and all(same_value(*pair) for pair in pairs)


def same_value(actual: str, expected: str) -> bool:
    """Whether two values are the same text or the same number."""
    try:
        return actual == expected or float(actual) == float(expected)
    except ValueError:
        return False


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_a_statement_behaves_as_documented(shop: Lake, session: Connection, case: Case) -> None:
    statements = [
        statement.replace("{bucket}", BUCKET).replace("{role}", shop.role)
        for statement in case.statements
    ]
    try:
        actual = answer(session, statements)
    except psycopg2.Error as error:
        actual = f"a statement before it failed: {error}"
    as_documented = agrees(actual, case.answer, prefix=statements[-1].startswith("SHOW "))
    is_listed = case.name in listed()
    assert as_documented != is_listed, f"{case.name}: {actual!r}, documented is {case.answer!r}"


def test_the_list_has_200_statements_and_three_of_each_kind() -> None:
    assert len(CASES) >= 200
    counts = Counter(case.kind for case in CASES)
    assert min(counts.values()) >= 3
    assert all(case.page for case in CASES)


def test_95_percent_of_the_statements_behave_as_documented() -> None:
    assert set(listed()) <= {case.name for case in CASES}
    assert len(listed()) <= 0.05 * len(CASES)
