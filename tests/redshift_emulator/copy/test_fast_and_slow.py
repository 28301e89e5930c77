"""A row is stored the same on the fast path and when it is converted field by field."""

from __future__ import annotations

import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from redshift_emulator.backend import Backend, CopyIn
from redshift_emulator.copy.columns import Column, Kind
from redshift_emulator.copy.fast_path import build_fast_path
from redshift_emulator.copy.load_errors import Rejection
from redshift_emulator.copy.stream import RowStream
from redshift_emulator.errors import BackendError
from tests.redshift_emulator.copy.builders import column, options
from tests.redshift_emulator.copy.lake import Lake

TYPES = {
    "smallint": (Column("a", Kind.SMALLINT), ["0", "-32767", "29999", "007"]),
    "integer": (Column("b", Kind.INTEGER), ["0", "2099999999", "-1", "NA"]),
    "bigint": (Column("c", Kind.BIGINT), ["8999999999999999999", "-5", "1"]),
    "numeric(6,3)": (Column("d", Kind.NUMERIC, precision=6, scale=3), ["1", "-1.5", "999.999", "1.", "000.1"]),
    "real": (Column("e", Kind.REAL), ["1", "-1.5e10", "0.1", "1e-29", "123456789e29"]),
    "double precision": (Column("f", Kind.DOUBLE), ["1", "-1.5e99", "0.1", "1.e-99", "12345678901234567"]),
    "boolean": (Column("g", Kind.BOOLEAN), ["t", "TRUE", "n", "No", "0", "F"]),
    "char(3)": (column(Kind.CHAR, 3, "h"), ["abc", "a", "", " ", " b"]),
    "varchar(6)": (column(Kind.VARCHAR, 6, "i"), ["é", "NA", "x y", " x", "", "\\N", "a\\b", "a,b",
    "it''s", "日本", '"']),
    "date": (Column("j", Kind.DATE), ["2024-12-31", "1999-02-28", "2999-01-01"]),
    "time": (Column("k", Kind.TIME), ["00:00:00", "23:59:59.999999"]),
    "timestamp": (Column("l", Kind.TIMESTAMP), ["2024-12-31 23:59:59.5", "2024-01-01T00:00:00Z", "2024-01-01", ""]),
    "timestamptz": (Column("m", Kind.TIMESTAMPTZ), ["2024-12-31 23:59:59+0530",
    "2024-01-01 00:00:00", "2024-01-01T00:00:00-08:00"]),
    "super": (Column("n", Kind.SUPER), ["null", "true", "12", "1.5", '"x"']),
}  # fmt: skip


def some_rows(dice: random.Random, count: int) -> Iterator[str]:
    for _ in range(count):
        fields = []
        for _, candidates in TYPES.values():
            field = dice.choice([*candidates, *candidates, "", "NA"])
            quoted = '"' + field.replace('"', '""') + '"'
            fields.append(quoted if dice.random() < 0.3 or set(field) & set(',"') else field)
        yield ",".join(fields)


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize(
    "parameters",
    [
        "",
        "NULL AS 'NA'",
        "NULL AS ''",
        "EMPTYASNULL",
        "NULL AS 'NA' EMPTYASNULL BLANKSASNULL",
        "TIMEFORMAT 'auto' TRIMBLANKS",
    ],
)
def test_the_fast_path_and_the_conversion_store_the_same_rows(
    lake: Lake, parameters: str, newline: str
) -> None:
    columns = [target for target, _ in TYPES.values()]
    fast_path = build_fast_path(columns, options(parameters), newline.encode())
    fast = [
        row
        for row in some_rows(random.Random(7), 4000)
        if fast_path.accept((row + newline).encode(), 0)
    ]
    names = ", ".join(f"{target.name} {shown}" for shown, (target, _) in TYPES.items())
    tables = [lake.table(f"number int, {names}, last varchar(1)") for _ in range(2)]
    # A quote after a blank in the last field forces the second table's rows off the fast path.
    for table, last in zip(tables, ("x", ' "x"'), strict=True):
        body = "".join(f"{number},{row},{last}{newline}" for number, row in enumerate(fast))
        lake.copy(table, lake.put(body.encode()), f"csv {parameters}")
    assert len(fast) > 20
    assert lake.rows(tables[0]) == lake.rows(tables[1])


class RefusingCopy(CopyIn):
    """A PostgreSQL COPY that rejects the second line sent to it."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []

    def write(self, data: bytes | memoryview) -> None:
        self.sent.append(bytes(data))

    def poll(self) -> None:
        pass

    def finish(self) -> int:
        raise BackendError(
            {"C": "22003", "M": "out of range", "W": 'COPY t, line 2, column a: "99"'}
        )

    def abort(self, message: str) -> None:
        pass


class RefusingBackend(Backend):
    """A connection whose COPY rejects the second line."""

    def __init__(self) -> None:
        self.statements: list[str] = []

    def copy_in(self, sql: str) -> CopyIn:
        self.statements.append(sql)
        return RefusingCopy()


def test_a_row_that_postgresql_rejects_is_reported_with_its_file_and_line() -> None:
    rejected: list[Rejection] = []
    targets = [column(Kind.INTEGER, name="a"), column(Kind.INTEGER, name="b")]
    with RowStream(RefusingBackend(), '"t"', targets, options(), rejected.append) as stream:
        stream.begin_file("s3://b/first")
        stream.feed(b"1,1\n")
        stream.end_file()
        stream.begin_file("s3://b/second")
        stream.feed(b' "5",1\n99,1\n')
        stream.end_file()
        with pytest.raises(BackendError):
            stream.finish()
    [rejection] = rejected
    assert (rejection.file, rejection.line, rejection.error.code) == ("s3://b/second", 2, 1204)
    assert rejection.error.column is targets[0]
    assert rejection.error.value == b"99"


def test_twenty_sessions_load_at_the_same_time(lake: Lake) -> None:
    url = lake.put(b"".join(b"%d,some text %d\n" % (n, n) for n in range(20_000)))
    tables = [lake.table("a int, b varchar(40)") for _ in range(20)]

    def load(table: str) -> int:
        with lake.connect() as session:
            session.copy(table, url)
            return session.count(table)

    with ThreadPoolExecutor(20) as pool:
        assert list(pool.map(load, tables)) == [20_000] * 20
