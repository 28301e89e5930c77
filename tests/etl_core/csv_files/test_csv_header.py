"""Headers: read from the first bytes of any file, matched by folded name, within bounded time and memory."""

from __future__ import annotations

import bz2
import gzip
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from backports import zstd
from hypothesis import given
from hypothesis import strategies as st

from etl_core.csv_files import header as csv_header
from etl_core.csv_files.compression import compression_of, decompressed
from etl_core.csv_files.header import IGNORED, match_columns, read_header
from etl_core.model.errors import HeaderMismatchError, InvalidDataFileError
from etl_core.model.lake_key import Action, has_extension
from etl_core.model.names import fold
from etl_core.schema_files.schema_file import CsvOptions
from tests.builders import a_column, a_spec

COMPRESS: dict[str | None, Callable[[bytes], bytes]] = {
    None: bytes, "GZIP": gzip.compress, "BZIP2": bz2.compress, "ZSTD": zstd.compress,
}  # fmt: skip


def header(
    content: bytes, compression: str | None = None, chunk: int = 1 << 16, **options: Any
) -> tuple[str, ...]:
    chunks = (content[start : start + chunk] for start in range(0, len(content), chunk))
    return read_header(chunks, compression, CsvOptions(**options))


@pytest.mark.parametrize(
    ("content", "options", "names"),
    [
        (b"id,name\n1,a\n", {}, ("id", "name")),
        (b"id,name\r\n1,a\r\n", {}, ("id", "name")),
        (b"id,name", {}, ("id", "name")),
        (b"\xef\xbb\xbfid,name\n", {}, ("id", "name")),
        (b'\xef\xbb\xbf"id","na""me"\n', {}, ("id", 'na"me')),
        (b'"a,b",c\n', {}, ("a,b", "c")),
        (b"a;b\n", {"delimiter": ";"}, ("a", "b")),
        (b"a\tb c\n", {"delimiter": "\t"}, ("a", "b c")),
        (b"'a,b',c\n", {"quote": "'"}, ("a,b", "c")),
        ("é,ü\n".encode(), {}, ("é", "ü")),
        ("a,é\n1,2\n".encode("utf-16"), {"encoding": "UTF16"}, ("a", "é")),
        ("a,\u0a0a\n1,2\n".encode("utf-16-le"), {"encoding": "UTF16LE"}, ("a", "\u0a0a")),
        ("\ufeffa,b\n".encode("utf-16-be"), {"encoding": "UTF16BE"}, ("a", "b")),
        (b"id\n", {}, ("id",)),
        (b"id,\n", {}, ("id", "")),
        (b'"id" , "name"\n1,a\n', {}, ("id", "name")),
        (b'"id","name" \r\n"1","Anna" \r\n', {}, ("id", "name")),
        (b'"","id"\n', {}, ("", "id")),
        (b"id\x01name\n", {"delimiter": "\x01"}, ("id", "name")),
        (b"1,a\n", {"header": "none"}, ()),
        (b"", {"header": "none"}, ()),
        (b"id,name\n\xff\xfe,1\n", {}, ("id", "name")),
    ],
)
@pytest.mark.parametrize("compression", COMPRESS)
@pytest.mark.parametrize("chunk", [1, 7, 1 << 16])
def test_a_header_is_read_in_every_format(
    content: bytes,
    options: dict[str, Any],
    names: tuple[str, ...],
    compression: str | None,
    chunk: int,
) -> None:
    assert header(COMPRESS[compression](content), compression, chunk, **options) == names


@pytest.mark.parametrize(
    ("content", "compression", "options", "says"),
    [
        (b"", None, {}, "the file is empty"),
        (b"\n1,2\n", None, {}, "the file is empty, or its first row is"),
        (b"\xef\xbb\xbf", None, {}, "the file is empty"),
        (gzip.compress(b"", mtime=0), "GZIP", {}, "the file is empty"),
        (b"a,b\r1,2\r", None, {}, "bare CR"),
        (b'"a\nb",c\n1,2\n', None, {}, "a line break inside a name"),
        (b"a,b\r" * 400_000, None, {}, "bare CR"),
        (b'"a,b\n1,2\n' * 3, None, {}, "line break inside a name"),
        (b'"a"x,b\n', None, {}, "not valid CSV: it has a quote inside a field"),
        (b'id,"name\n', None, {}, "not valid CSV"),
        (b"\xef\xbb\xbf1,a\n", None, {"header": "none"}, "byte order mark"),
        (b"\xff\xfea,b\n", None, {}, "not UTF8 text"),
        ("a,b\n".encode("utf-16"), None, {}, "set csv.encoding in the schema file"),
        (b"a,b\n", "GZIP", {}, "not compressed at all, name it .csv"),
        (b"a,b\n", "BZIP2", {}, "not compressed at all, name it .csv"),
        (b"a,b\n", "ZSTD", {}, "not compressed at all, name it .csv"),
        (
            gzip.compress(b"alpha,beta,gamma\n1,2,3\n", mtime=0)[:18],
            "GZIP",
            {},
            "in the middle of its GZIP data",
        ),
        (
            gzip.compress(b"alpha,beta,gamma\n", mtime=0)[:-12] + b"x" * 12,
            "GZIP",
            {},
            "not valid GZIP",
        ),
        (bz2.compress(b"alpha,beta,gamma\n")[:20], "BZIP2", {}, "in the middle of its BZIP2 data"),
        (
            zstd.compress(b"alpha,beta,gamma\n" * 9)[:12],
            "ZSTD",
            {},
            "in the middle of its ZSTD data",
        ),
    ],
)
def test_a_file_without_a_readable_header_is_rejected_with_the_reason(
    content: bytes, compression: str | None, options: dict[str, Any], says: str
) -> None:
    with pytest.raises(InvalidDataFileError) as caught:
        header(content, compression, **options)

    assert says in caught.value.message


@pytest.mark.parametrize("compression", [name for name in COMPRESS if name])
def test_joined_members_are_one_file(compression: str) -> None:
    members = b"".join(
        COMPRESS[compression](part) for part in (b"id,", b"", b"na", b"me\n", b"1,a\n")
    )

    assert header(members, compression) == ("id", "name")


@given(st.binary(max_size=3000), st.sampled_from(list(COMPRESS)), st.integers(1, 700))
def test_decompression_gives_the_same_bytes_for_every_chunk_size(
    content: bytes, compression: str | None, chunk: int
) -> None:
    packed = COMPRESS[compression](content) + COMPRESS[compression](content[:50])
    chunks = (packed[start : start + chunk] for start in range(0, len(packed), chunk))

    assert b"".join(decompressed(chunks, compression)) == content + content[:50]


def test_a_compression_bomb_is_decompressed_in_small_pieces() -> None:
    bomb = gzip.compress(b"a" * 50_000_000, 1)

    assert max(len(piece) for piece in decompressed([bomb], "GZIP")) <= 1 << 16


def test_reading_stops_at_the_end_of_the_header() -> None:
    def chunks() -> Iterator[bytes]:
        yield b"id,na"
        yield b"me\n1,a\n"
        pytest.fail("read beyond the header")

    assert read_header(chunks(), None, CsvOptions()) == ("id", "name")


ENDLESS = {
    "a bomb": (gzip.compress(b"a" * 50_000_000, 1), "GZIP", "does not end within"),
    "no line break": (b"abc," * 1_000_000, None, "does not end within"),
    "an open quote": (b'"' + b"\n" * 2_000_000, None, "does not end within"),
    "empty members": (gzip.compress(b"") * 400_000, "GZIP", "have no header"),
    "members of one byte": (gzip.compress(b"a", 1) * 300_000, "GZIP", "have no header"),
}


@pytest.mark.parametrize(("content", "compression", "says"), ENDLESS.values(), ids=ENDLESS)
def test_a_file_made_to_be_slow_is_rejected_quickly(
    content: bytes, compression: str | None, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(csv_header, "_MAX_READ_BYTES", 1 << 20)
    monkeypatch.setattr(csv_header, "MAX_HEADER_BYTES", 1 << 18)
    started = time.process_time()
    with pytest.raises(InvalidDataFileError, match=says):
        header(content, compression, 8 << 20)

    assert time.process_time() - started < 5


@given(
    st.binary(max_size=80) | st.text('ab,"\n\r', max_size=40).map(str.encode),
    st.sampled_from(list(COMPRESS)),
    st.booleans(),
)
def test_any_bytes_have_a_header_or_are_rejected(
    content: bytes, compression: str | None, packed: bool
) -> None:
    try:
        names = header(COMPRESS[compression](content) if packed else content, compression, 16)
    except InvalidDataFileError:
        return
    assert names


def matched(names: Sequence[str], *columns: dict[str, Any], **csv: Any) -> tuple[str, ...]:
    """Return the columns of a table that a header names."""
    return match_columns(names, a_spec(*columns, csv=csv))


def mismatch(names: Sequence[str], *columns: dict[str, Any], **csv: Any) -> HeaderMismatchError:
    with pytest.raises(HeaderMismatchError) as caught:
        matched(names, *columns, **csv)
    return caught.value


COLUMNS = tuple(map(a_column, ("id", "name", "first name")))


@pytest.mark.parametrize(
    ("names", "columns"),
    [
        (("id", "name", "first name"), ("id", "name", "first name")),
        (("First Name", " ID ", "NAME\u00a0"), ("first name", "id", "name")),
    ],
)
def test_names_match_without_regard_to_case_and_blanks(
    names: tuple[str, ...], columns: tuple[str, ...]
) -> None:
    assert matched(names, *COLUMNS) == columns


@pytest.mark.parametrize("name", ["größe", "gro\u0308ße", "GRÖSSE", "Größe ", "GRO\u0308ẞE"])
@pytest.mark.parametrize("column", ["größe", "Gro\u0308ße"])
def test_accents_and_letters_beyond_ascii_match_in_every_encoding_and_case(
    name: str, column: str
) -> None:
    assert matched(["id", name], a_column("id"), a_column(column))[1] == fold(column)


def test_a_column_may_have_other_names_in_a_header() -> None:
    columns = a_column("id", header="Customer No."), a_column("name", header=["Nom", "Naam"])

    assert matched(["NAAM", "customer no."], *columns) == ("name", "id")
    assert matched(["nom", "id"], *columns) == ("name", "id")
    assert mismatch(["Nom", "Naam"], *columns).details == (
        "column 'name' is named 2 times",
        "column 'id' is missing",
    )


def test_names_listed_in_two_spellings_are_told_apart_by_them() -> None:
    columns = a_column("a", header="P95"), a_column("b", header="p95")

    assert matched([" p95", "P95"], *columns) == ("b", "a")
    assert mismatch(["p95", "P95", "P95"], *columns).details == ("column 'a' is named 2 times",)
    columns = a_column("a", header="Ab"), a_column("b", header="aB")
    assert mismatch(["AB", "aB"], *columns).details == (
        "column 'AB' is not in the table (did you mean 'a'?)",
        "column 'a' is missing",
    )


def test_a_name_that_is_the_header_of_another_column_means_that_one() -> None:
    swapped = a_column("a", header="b"), a_column("b", header="a")

    assert matched(["a", "b"], *swapped) == ("b", "a")


def test_columns_without_a_name_are_told_apart_by_their_order() -> None:
    columns = a_column("row", header=""), a_column("id"), a_column("rest", header=["", "more"])

    assert matched(["", "id", " "], *columns) == ("row", "id", "rest")
    assert matched(["more", "row", "id"], *columns) == ("rest", "row", "id")
    assert mismatch(["", "id", "", ""], *columns).details == (
        'column 4 has no name (add "header": "" to the column of the schema file that it belongs to, '
        'or "" to csv.ignore_columns)',
    )


def test_ignored_columns_keep_their_place() -> None:
    columns = a_column("id"), a_column("name")

    assert matched(["", "Name", "x", "ID"], *columns, ignore_columns=["", "X"]) == (
        IGNORED,
        "name",
        IGNORED,
        "id",
    )
    assert matched(["id", "name"], *columns, ignore_columns="x") == ("id", "name")


def test_without_a_header_the_columns_are_those_of_the_schema_file() -> None:
    columns = a_column("b"), a_column("n", "INT", identity=[1, 1]), a_column("a")

    assert matched((), *columns, header="none") == ("b", "a")


@pytest.mark.parametrize(
    ("names", "details"),
    [
        (("id", "name"), ("column 'first name' is missing",)),
        (("id", "name", "first name", "more"), ("column 'more' is not in the table",)),
        (
            ("id", "nmae", "first name"),
            (
                "column 'nmae' is not in the table (did you mean 'name'?)",
                "column 'name' is missing",
            ),
        ),
        (("id", "name", "first name", "ID"), ("column 'id' is named 2 times",)),
        (
            ("id", "name", "first name", "x", "X", "x"),
            ("column 'x' is named 3 times", "column 'x' is not in the table"),
        ),
        (
            ("x9", "ID", "id"),
            (
                "column 'id' is named 2 times",
                "column 'x9' is not in the table",
                "column 'name' is missing",
                "column 'first name' is missing",
            ),
        ),
    ],
)
def test_a_mismatch_lists_every_column_at_fault(
    names: tuple[str, ...], details: tuple[str, ...]
) -> None:
    error = mismatch(names, *COLUMNS)

    assert error.details == details
    assert "The table's columns are: id, name, first name" in error.message


def test_optional_columns_may_be_absent() -> None:
    assert matched(("id",), *COLUMNS, missing_columns="default") == ("id",)


def test_a_header_of_very_many_or_very_long_names_is_rejected_quickly_and_briefly() -> None:
    spec = a_spec(*(a_column(f"column_{number:04}") for number in range(1600)))
    started = time.process_time()
    for names in ([f"c_{number}" for number in range(200_000)], ["x" * 100_000] * 9):
        with pytest.raises(HeaderMismatchError) as caught:
            match_columns(names, spec)
        assert len(caught.value.details) <= 101
        assert caught.value.message.count("is not in the table") <= 5
        assert len(caught.value.message) < 60_000

    assert time.process_time() - started < 4


@pytest.mark.parametrize(
    ("file", "keyword"),
    [
        ("a.csv", None),
        ("A.CSV", None),
        ("x/a b.csv.gz", "GZIP"),
        ("a.csv.bz2", "BZIP2"),
        ("a.csv.ZST", "ZSTD"),
    ],
)
def test_the_extension_decides_the_compression(file: str, keyword: str | None) -> None:
    assert compression_of(file) == keyword
    assert has_extension(file, Action.APPEND)


@pytest.mark.parametrize(
    "file", ["a.txt", "a.json", "a.gz", "csv", "a.csv.zip", "a.csv.gz.bak", "a.parquet"]
)
def test_another_extension_is_rejected_with_the_known_ones(file: str) -> None:
    with pytest.raises(
        InvalidDataFileError, match=r"\.csv, \.csv\.gz, \.csv\.bz2 or \.csv\.zst"
    ) as caught:
        compression_of(file)

    assert repr(file) in caught.value.message
    assert not has_extension(file, Action.TRUNCATE)


def test_a_header_must_leave_out_identity_columns() -> None:
    error = mismatch(("a", "K"), a_column("a"), a_column("k", "INT", identity=[1, 1]))

    assert "'K' is filled by the warehouse" in error.message
