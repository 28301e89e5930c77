"""Files that are not CSV as expected are refused by name, with the likely mistake first."""

from __future__ import annotations

import bz2
import gzip
import io
import zipfile
from typing import Any

import pytest

from etl_core.csv_files.compression import compression_of
from etl_core.csv_files.opening import open_csv, read_names
from etl_core.model.errors import HeaderMismatchError, InvalidDataFileError, RejectedError
from etl_core.model.messages import MessageText
from etl_core.schema_files.schema_file import CsvOptions
from tests.builders import a_column, a_spec

COLUMNS = (a_column("id", "INTEGER"), a_column("name", "VARCHAR(20)"))


def zipped(name: str) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr(name, "x")
    return archive.getvalue()


def refused(content: bytes, compression: str | None = None, **csv: Any) -> RejectedError:
    with pytest.raises((InvalidDataFileError, HeaderMismatchError)) as caught:
        open_csv(iter([content]), compression, a_spec(*COLUMNS, csv=csv))
    return caught.value


NOT_CSV = {
    "Excel": (zipped("xl/workbook.xml"), None, "Excel workbook", "CSV UTF-8"),
    "zip": (zipped("a.csv"), None, "a zip archive", ".csv.gz"),
    "old Excel": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", None, "old Excel workbook", "CSV UTF-8"),
    "gzip": (gzip.compress(b"id,name\n"), None, "compressed with gzip", "Name it .csv.gz"),
    "bzip2": (bz2.compress(b"id,name\n"), None, "compressed with bzip2", "Name it .csv.bz2"),
    "gzip twice": (
        gzip.compress(gzip.compress(b"id,name\n")),
        "GZIP",
        "twice",
        "Decompress it once",
    ),
    "UTF-16": ("id,name\n".encode("utf-16"), None, "UTF-16", 'csv.encoding to "UTF16"'),
    "UTF-16 without a mark": ("id,name\n".encode("utf-16-le"), None, "UTF-16", '"UTF16LE"'),
    "UTF-16BE without a mark": ("id,name\n".encode("utf-16-be"), None, "UTF-16", '"UTF16BE"'),
    "HTML": (b"<!DOCTYPE html>\n<html>", None, "an HTML page", "Write the data as CSV"),
    "HTML in capitals": (b"\n <HTML><body>", None, "an HTML page", "Write the data as CSV"),
    "XML": (b"<?xml version='1.0'?>", None, "XML", "Write the data as CSV"),
    "JSON": (b'{"id": 1}\n{"id": 2}\n', None, "JSON", "Write the data as CSV"),
    "JSON array": (b'[{"id": 1}]', None, "JSON", "Write the data as CSV"),
    "Parquet": (b"PAR1\x15\x04\x15\x10", None, "Parquet", "Write the data as CSV"),
    "PDF": (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", None, "a PDF document", "Write the data as CSV"),
}


@pytest.mark.parametrize(("content", "compression", "what", "fix"), NOT_CSV.values(), ids=NOT_CSV)
def test_another_format_is_named_with_the_fix(
    content: bytes, compression: str | None, what: str, fix: str
) -> None:
    error = refused(content, compression)

    assert isinstance(error.message, MessageText)
    assert error.message.id == "file.not_csv"
    assert what in error.message
    assert fix in error.message.fix


@pytest.mark.parametrize("name", ["BZh", "ORC", "PAR1", "{a}", "[a]", "<b>", "Obj", "PK"])
def test_a_header_that_only_looks_like_another_format_is_accepted(name: str) -> None:
    opened = open_csv(
        iter([f"{name},x\n1,2\n".encode()]), None, a_spec(a_column(name), a_column("x"))
    )

    assert opened.columns == (name.lower(), "x")


MISTAKES = {
    "semicolons": (b"id;name\r\n1;Anna\r\n", "header.wrong_delimiter", 'csv.delimiter to ";"'),
    "tabs": (b"id\tname\n1\tAnna\n", "header.wrong_delimiter", 'csv.delimiter to "\\t"'),
    "bars, other columns": (b"name|id|more\n", "header.wrong_delimiter", 'csv.delimiter to "|"'),
    "sep=": (b"sep=;\r\nid;name\r\n", "header.delimiter_line", "Remove this line"),
    "comments": (b"# export\n# of today\nid,name\n1,a\n", "header.below", "lines above the header: 2"),
    "a title": (b"My export\n\nid,name\n1,a\n", "header.below", "above"),
    "no header": (b"1,Anna\n2,Ben\n", "header.none", 'csv.header to "none"'),
    "Latin-1": ("id,größe\n".encode("latin-1"), "header.not_utf8", "iconv -f cp1252"),
    "CR CR LF": (b"id,name\r\r\n1,Anna\r\r\n", "file.lines_end_in_cr_cr_lf", "newline=''"),
}  # fmt: skip


@pytest.mark.parametrize(("content", "code", "fix"), MISTAKES.values(), ids=MISTAKES)
def test_the_likely_mistake_comes_first(content: bytes, code: str, fix: str) -> None:
    message = refused(content).message

    assert isinstance(message, MessageText)
    assert (message.id, fix in message.fix) == (code, True)


def test_a_column_that_may_be_left_out_is_answered_with_the_option() -> None:
    message = refused(b"id\n1\n").message

    assert "column 'name' is missing" in message
    assert "csv.missing_columns" in message


def test_a_mismatch_without_a_likely_mistake_stays_what_it_is() -> None:
    error = refused(b"id,nmae\n1,a\n")

    assert "did you mean 'name'?" in error.message
    assert len(error.details) == 2


@pytest.mark.parametrize(
    ("file", "code", "fix"),
    [
        ("a.tsv", "file.text_extension", 'csv.delimiter to "\\t"'),
        ("a.txt", "file.text_extension", "Name it .csv"),
        ("a.TXT.gz", "file.text_extension", "Name it .csv.gz"),
        ("a.xlsx", "file.spreadsheet_extension", "CSV UTF-8"),
        ("a.zip", "file.archive_extension", "Unpack it"),
        ("a.parquet", "file.wrong_extension", "Write the data as CSV"),
        ("0000_part_00.gz", "file.wrong_extension", "Write the data as CSV"),
    ],
)
def test_a_wrong_extension_is_answered_with_the_fix(file: str, code: str, fix: str) -> None:
    with pytest.raises(InvalidDataFileError) as caught:
        compression_of(file)

    message = caught.value.message
    assert isinstance(message, MessageText)
    assert (message.id, fix in message.fix) == (code, True)


@pytest.mark.parametrize(("content", "compression", "what", "fix"), NOT_CSV.values(), ids=NOT_CSV)
def test_another_format_is_named_also_if_nobody_knows_the_columns(
    content: bytes, compression: str | None, what: str, fix: str
) -> None:
    """`infer` reads files that have no schema file yet."""
    with pytest.raises(InvalidDataFileError) as caught:
        read_names([content], compression, CsvOptions())

    assert isinstance(caught.value.message, MessageText)
    assert what in caught.value.message
    assert fix in caught.value.message.fix


@pytest.mark.parametrize("content", [b"[\n {}]", b'{"a": 1, "b": 2}\n', b"<a>x</a>\n", b"[1, 2]"])
def test_other_texts_are_named_if_nobody_knows_the_columns(content: bytes) -> None:
    with pytest.raises(InvalidDataFileError, match="by its first bytes"):
        read_names([content], None, CsvOptions())


@pytest.mark.parametrize("name", ["[id]", "{id}", "<id>", "ORC", "BZh"])
def test_a_header_of_unknown_columns_may_begin_like_another_format(name: str) -> None:
    assert read_names([f"{name},x\n".encode()], None, CsvOptions()) == (name, "x")
