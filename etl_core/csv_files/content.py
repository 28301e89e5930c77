"""What a file is, by its first bytes: files that are not CSV as expected are refused by name. Pure."""

from __future__ import annotations

import codecs
import re
from typing import NamedTuple

from etl_core.csv_files.messages import (
    ADVISE_COMPRESSED,
    ADVISE_COMPRESSED_TWICE,
    ADVISE_EXPORT,
    ADVISE_SPREADSHEET,
    ADVISE_UTF16,
    ADVISE_ZIP,
    LINES_END_IN_CR_CR_LF,
    NOT_CSV,
)
from etl_core.model.errors import InvalidDataFileError
from etl_core.model.messages import MessageText
from etl_core.schema_files.schema_file import CsvOptions

_COMPRESSED = {
    b"\x1f\x8b": ("gzip", ".csv.gz"),
    b"BZh": ("bzip2", ".csv.bz2"),
    b"\x28\xb5\x2f\xfd": ("zstd", ".csv.zst"),
}
_SPREADSHEETS = (
    b"[Content_Types].xml",
    b"_rels/",
    b"xl/",
    b"docProps/",
    b"mimetypeapplication/vnd.oasis",
)
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_PROBE = 512
_MARKUP = (b"<!doctype", b"<html", b"<?xml")
_JSON = re.compile(rb"[\[{]\s*+(?:[\[{\]}\"0-9-]|$)")


class _Format(NamedTuple):
    start: bytes
    name: str


_BINARY = (
    _Format(b"\xd0\xcf\x11\xe0", "an old Excel workbook (.xls)"),
    _Format(b"PAR1", "Parquet"),
    _Format(b"ORC", "ORC"),
    _Format(b"Obj\x01", "Avro"),
    _Format(b"SQLite format 3\x00", "an SQLite database"),
    _Format(b"%PDF", "a PDF document"),
    _Format(b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    _Format(b"Rar!", "a RAR archive"),
    _Format(b"\xfd7zXZ\x00", "compressed with xz"),
    _Format(b"\x89PNG", "a PNG image"),
)
_TEXTUAL = (
    _Format(b"<!doctype html", "an HTML page"),
    _Format(b"<html", "an HTML page"),
    _Format(b"<?xml", "XML"),
    _Format(b"<", "HTML or XML"),
    _Format(b"{\\rtf", "an RTF document"),
    _Format(b"{", "JSON"),
    _Format(b"[", "JSON"),
)


def check_content(first_bytes: bytes, compression: str | None, options: CsvOptions) -> None:
    """Raise InvalidDataFileError if the uncompressed first bytes cannot be CSV as the options say."""
    for start, (name, extension) in _COMPRESSED.items():
        if first_bytes.startswith(start) and not _is_plain(first_bytes):
            advice = (
                ADVISE_COMPRESSED_TWICE() if compression else ADVISE_COMPRESSED(extension=extension)
            )
            raise _not_csv(f"compressed with {name}" + (" twice" if compression else ""), advice)
    if first_bytes.startswith(b"PK\x03\x04"):
        if any(mark in first_bytes for mark in _SPREADSHEETS):
            raise _not_csv("an Excel workbook or another spreadsheet", ADVISE_SPREADSHEET())
        raise _not_csv("a zip archive", ADVISE_ZIP())
    for start, name in _BINARY:
        if first_bytes.startswith(start) and not _is_plain(first_bytes):
            advice = ADVISE_SPREADSHEET() if "Excel" in name else ADVISE_EXPORT()
            raise _not_csv(name, advice)
    if options.encoding == "UTF8":
        _check_encoding(first_bytes)
        if b"\r\r\n" in first_bytes.partition(b"\n")[0] + b"\n":
            raise InvalidDataFileError(LINES_END_IN_CR_CR_LF())


def _is_plain(first_bytes: bytes) -> bool:
    """Return whether the bytes are text after all: a header may begin with BZh, ORC or PAR1."""
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(first_bytes[:_PROBE])
    except UnicodeDecodeError:
        return False
    return all(character.isprintable() or character in "\t\r\n" for character in text)


def _check_encoding(first_bytes: bytes) -> None:
    sample = first_bytes[:_PROBE]
    if sample.startswith(_UTF16):
        raise _not_csv("UTF-16 text", ADVISE_UTF16(encoding="UTF16"))
    odd, even = sample[1::2], sample[::2]
    if len(sample) >= 4 and odd.count(0) * 2 > len(odd) and not even.count(0):
        raise _not_csv("UTF-16 text", ADVISE_UTF16(encoding="UTF16LE"))
    if len(sample) >= 4 and even.count(0) * 2 > len(even) and not odd.count(0):
        raise _not_csv("UTF-16 text", ADVISE_UTF16(encoding="UTF16BE"))


def check_text(first_bytes: bytes, delimiter: str) -> None:
    """Raise InvalidDataFileError if a file whose columns nobody knows is HTML, XML or JSON.

    A header of CSV may begin with a name in brackets: `[id],[name]`, `<id>,<name>`.
    """
    text = first_bytes.removeprefix(codecs.BOM_UTF8).lstrip()
    if text.startswith((b"{", b"[")) and _JSON.match(text) is None:
        return
    is_tag = text.startswith(b"<") and not text.lower().startswith(_MARKUP)
    if is_tag and delimiter.encode() in text.partition(b"\n")[0]:
        return
    if (name := _text_format(first_bytes)) is not None:
        raise _not_csv(name, ADVISE_EXPORT())


def other_text_format(first_bytes: bytes) -> MessageText | None:
    """Return the message of a text that is HTML, XML or JSON. A header may begin like that, so it must not match."""
    name = _text_format(first_bytes)
    return None if name is None else NOT_CSV(what=name, fix=ADVISE_EXPORT())


def _text_format(first_bytes: bytes) -> str | None:
    start = first_bytes.removeprefix(codecs.BOM_UTF8).lstrip()[:32].lower()
    return next((name for mark, name in _TEXTUAL if start.startswith(mark)), None)


def _not_csv(what: str, advice: str) -> InvalidDataFileError:
    return InvalidDataFileError(NOT_CSV(what=what, fix=advice))
