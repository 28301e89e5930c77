"""How COPY reads a file: by the schema in force at its arrival, into the columns under their
current names. How rows are counted.
"""

from __future__ import annotations

import bz2
import gzip

import pytest

from etl_core.loading import data_file
from etl_core.loading.data_file import CopyShape, DataFile, Head, open_file, shape_of
from etl_core.loading.file_scan import scan_small
from etl_core.loading.ledger import LedgerRow
from etl_core.model.errors import HeaderMismatchError, InvalidDataFileError
from etl_core.schema_files.schema_file import CsvOptions
from tests.builders import a_column, a_ledger_row, a_spec
from tests.fakes import FakeStore


def a_file(content: bytes, compression: str | None = None) -> DataFile:
    store = FakeStore()
    opened = store.open(store.put("dev/append/t/x.csv", content))
    return open_file(store, "id", opened, compression)


def history(*columns: list[dict[str, object]]) -> list[LedgerRow]:
    """Return the schema rows of a table, oldest first."""
    return [a_ledger_row("schema", schema_file=a_spec(*each)) for each in columns]


ID, NAME = a_column(), a_column("name", "VARCHAR(20)")


def test_a_file_is_loaded_into_columns_that_were_renamed_later() -> None:
    schemas = history(
        [ID, NAME],
        [ID, a_column("label", "VARCHAR(20)", renamed_from="name")],
        [ID, a_column("label")],
    )

    assert shape_of(a_file(b"NAME,id\na,1\n"), schemas).columns == ("label", "id")


def test_an_earlier_rename_is_not_applied_twice() -> None:
    """A new column `name` is not the column that was renamed from `name` to `label`."""
    label = a_column("label", "VARCHAR(20)", renamed_from="name")

    assert shape_of(
        a_file(b"id,label\n1,a\n"), history([ID, label], [ID, label, NAME])
    ).columns == ("id", "label")
    assert shape_of(
        a_file(b"id,name\n1,a\n"), history([ID, NAME], [ID, label], [ID, label, NAME])
    ).columns == (
        "id",
        "label",
    )


def test_columns_added_later_get_their_defaults() -> None:
    assert shape_of(a_file(b"id\n1\n"), history([ID], [ID, NAME])).columns == ("id",)


def test_a_column_dropped_later_is_named_with_the_fix() -> None:
    with pytest.raises(
        HeaderMismatchError, match="the file names 'name', which a later schema file dropped"
    ):
        shape_of(a_file(b"id,name\n1,a\n"), history([ID, NAME], [ID]))


def test_a_column_dropped_and_added_again_is_read_by_its_name() -> None:
    schemas = history([ID, NAME], [ID], [ID, NAME])
    assert shape_of(a_file(b"id,name\n1,a\n"), schemas).columns == ("id", "name")


def test_a_column_renamed_to_the_name_of_a_dropped_one_is_another_column() -> None:
    label = a_column("label", "VARCHAR(20)")
    renamed = a_column("name", "VARCHAR(20)", renamed_from="label")
    with pytest.raises(HeaderMismatchError, match="which a later schema file dropped"):
        shape_of(a_file(b"id,name\n1,a\n"), history([ID, NAME], [ID, label], [ID, renamed]))


def test_the_header_is_matched_to_the_schema_in_force_at_arrival() -> None:
    with pytest.raises(HeaderMismatchError, match="'note' is not in the table"):
        shape_of(a_file(b"id,note\n1,a\n"), history([ID], [ID, a_column("note")]))


TWO = CopyShape(("a", "b"), None, CsvOptions())


def count_rows(file: DataFile, shape: CopyShape) -> int | None:
    scan = scan_small(file, shape, a_spec(a_column("a"), a_column("b")))
    return None if scan is None else scan.rows


@pytest.mark.parametrize(
    ("content", "rows"),
    [
        (b"a,b\n", 0),
        (b"a,b\n1,2", 1),
        (b"a,b\r\n1,2\r\n\r\n3,4\r\n", 2),
        (b'a,b\n"1\n\n1",2\n', 1),
        ("a,b\nä,é\n".encode("latin-1"), 1),
        (b'a,b\n1,"2\n', None),
        (b'a,b\n1,2"3\n', None),
    ],
)
def test_rows_are_counted_like_copy_counts_them(content: bytes, rows: int | None) -> None:
    assert count_rows(a_file(content), TWO) == rows


def test_compressed_rows_are_counted() -> None:
    content = b"a,b\n" + b"1,2\n" * 1000

    assert (
        count_rows(
            a_file(gzip.compress(content), "GZIP"), CopyShape(("a", "b"), "GZIP", CsvOptions())
        )
        == 1000
    )
    with pytest.raises(InvalidDataFileError, match="ends in the middle of its BZIP2 data"):
        count_rows(
            a_file(bz2.compress(content)[:-9], "BZIP2"),
            CopyShape(("a", "b"), "BZIP2", CsvOptions()),
        )


def test_a_file_too_large_to_be_counted_is_not_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data_file, "MAX_COUNTED_BYTES", 100_000)
    shape = CopyShape(("a", "b"), "GZIP", CsvOptions())

    assert count_rows(a_file(gzip.compress(b"a,b\n" + b"1,2\n" * 20_000), "GZIP"), shape) == 20_000
    assert count_rows(a_file(gzip.compress(b"a,b\n" + b"1,2\n" * 200_000), "GZIP"), shape) is None


def test_the_first_bytes_are_read_once() -> None:
    head = Head(b"a", iter([b"b", b"c"]))

    assert next(iter(head)) == b"a"
    assert list(head) == list(head) == [b"a", b"b", b"c"]
