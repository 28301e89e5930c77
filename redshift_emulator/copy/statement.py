"""Parses one COPY statement.

Pure. SqlError for what Redshift refuses, and for what this emulator does not have.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from redshift_emulator.copy.authorization import (
    DefaultRole,
    choose_authorization,
    parse_credentials,
    parse_roles,
)
from redshift_emulator.copy.fixed_width import parse_widths
from redshift_emulator.copy.options import (
    MAX_ERRORS,
    NEVER,
    Compression,
    CompUpdate,
    CopyOptions,
    FixedWidth,
    Json,
    Parquet,
    parse_delimiter,
    parse_null,
)
from redshift_emulator.cursor import Cursor
from redshift_emulator.errors import SqlError
from redshift_emulator.lexer import Kind, Token, tokenize
from redshift_emulator.refusals import refusal

_FLAGS = {
    "manifest": "manifest",
    "emptyasnull": "empty_as_null",
    "blanksasnull": "blanks_as_null",
    "trimblanks": "trim_blanks",
    "acceptanydate": "accept_any_date",
    "fillrecord": "fill_record",
    "ignoreblanklines": "ignore_blank_lines",
    "truncatecolumns": "truncate_columns",
    "roundec": "round_decimals",
    "explicit_ids": "explicit_ids",
    "ignoreallerrors": "ignore_all_errors",
}
_COMPRESSIONS = {"gzip": Compression.GZIP, "bzip2": Compression.BZIP2, "zstd": Compression.ZSTD}
_ENCODINGS = {"utf8": "utf-8", "utf16": "utf-16", "utf16le": "utf-16-le", "utf16be": "utf-16-be"}
_NOT_AVAILABLE = frozenset(
    ("avro", "encrypted", "escape", "job", "lzop", "master_symmetric_key", "orc", "readratio", "removequotes",
     "shapefile", "ssh")
)  # fmt: skip


def parse_copy(sql: str, *, keep_case: bool = False) -> CopyOptions:
    """Parse ``COPY t [(columns)] FROM 's3://...' ...``.

    Parameters come in any order, with or without AS.
    """
    return _Parser(Cursor(sql, tokenize(sql), keep_case=keep_case)).statement()


def _plain_text(token: Token) -> str:
    """Return the text of a string: a doubled backslash is one, other backslashes are kept ('\\N', '\\t', '\\001')."""
    return token.value[1:-1].replace("''", "'").replace("\\\\", "\\")


class _Parser:
    """Collects the parameters of one statement. Each may be given once."""

    def __init__(self, cursor: Cursor) -> None:
        self.cursor = cursor
        self.values: dict[str, Any] = {}
        self.seen: set[str] = set()
        self.keys: dict[str, str] = {}
        self.csv = False

    def statement(self) -> CopyOptions:
        self.cursor.expect("copy")
        names = self.cursor.qualified_name()
        self.values["table"] = names[-1]
        self.values["schema"] = names[-2] if len(names) > 1 else None
        self.values["columns"] = self._columns()
        self.cursor.expect("from")
        self.values["source"] = self._source()
        while not self.cursor.at_end:
            self._parameter()
        return self._finish()

    def _columns(self) -> tuple[str, ...] | None:
        if not self.cursor.at("("):
            return None
        columns = tuple(self.cursor.name_list())
        repeated = next((name for name in columns if columns.count(name) > 1), None)
        if repeated is not None:
            raise SqlError("42701", f'column "{repeated}" specified more than once')
        return columns

    def _source(self) -> str:
        if self.cursor.token.kind is not Kind.STRING:
            raise self.cursor.syntax_error()
        source = self._string()
        if not source.startswith("s3://") or len(source) < 6 or source[5] == "/":
            raise SqlError("0A000", f"COPY FROM '{source}' is not supported: use s3://bucket/key")
        return source

    def _string(self) -> str:
        self.cursor.take("as")
        if self.cursor.token.kind is not Kind.STRING or self.cursor.token.value.startswith("$"):
            raise self.cursor.syntax_error()
        text = _plain_text(self.cursor.next())
        if "\0" in text:
            raise SqlError("42601", "a string of COPY cannot contain a NUL character; write '\\0'")
        return text

    def _parameter(self) -> None:
        token = self.cursor.token
        word = token.value if token.kind is Kind.WORD else ""
        if word == "with" and not self.seen:  # COPY ... WITH CREDENTIALS, an older spelling
            self.cursor.next()
            return
        read = _PARAMETERS.get(word)
        if word in _NOT_AVAILABLE:
            raise refusal("emulator", command=f"COPY ... {word.upper()}")
        if word in self.seen:
            raise SqlError(
                "42601", f"conflicting or redundant options: {word.upper()} is given twice"
            )
        self.seen.add(word)
        if word in _FLAGS:
            self.cursor.next()
            self.values[_FLAGS[word]] = True
        elif word in _COMPRESSIONS:
            self.cursor.next()
            self._set("compression", _COMPRESSIONS[word], word)
        elif read is not None:
            self.cursor.next()
            read(self)
        else:
            raise self.cursor.syntax_error()

    def _set(self, name: str, value: object, word: str) -> None:
        if name in self.values:
            raise SqlError(
                "42601",
                f"conflicting or redundant options: {word.upper()} contradicts an earlier parameter",
            )
        self.values[name] = value

    def format(self) -> None:
        self.cursor.take("as")
        if self.cursor.token.kind is not Kind.WORD:
            raise self.cursor.syntax_error()
        word = self.cursor.next().value
        read = _FORMATS.get(word)
        if read is None:
            raise refusal("emulator", command=f"COPY ... FORMAT {word.upper()}")
        read(self)
        self.seen.add(word)

    def json(self) -> None:
        given = self.cursor.at("as") or self.cursor.token.kind is Kind.STRING
        option = self._string() if given else "auto"
        if option not in _JSON_OPTIONS and not option.startswith("s3://"):
            raise SqlError(
                "42601",
                f"COPY JSON '{option}' is not valid: {', '.join(_JSON_OPTIONS)} or s3://...",
            )
        self._set("format", Json(option), "json")

    def fixed_width(self) -> None:
        self._set("format", FixedWidth(parse_widths(self._string())), "fixedwidth")

    def parquet(self) -> None:
        self._set("format", Parquet(self.cursor.take("serializetojson")), "parquet")

    def as_csv(self) -> None:
        if self.csv:
            raise SqlError("42601", "conflicting or redundant options: CSV is given twice")
        self.csv = True

    def quote(self) -> None:
        text = self._string()
        if len(text) != 1 or not text.isascii() or text in "\r\n":
            raise SqlError("42601", f'COPY quote must be a single ASCII character, not "{text}"')
        self.values["quote"] = text

    def delimiter(self) -> None:
        self.values["delimiter"] = parse_delimiter(self._string())

    def null(self) -> None:
        self.values["null_as"] = parse_null(self._string())

    def number(self, name: str, maximum: int) -> None:
        self.cursor.take("as")
        value = self.cursor.integer()
        if not 0 <= value <= maximum:
            shown = name.replace("_", "").upper()
            raise SqlError("22023", f"{shown} {value} is out of range: 0 to {maximum}")
        self.values[name] = value

    def encoding(self) -> None:
        self.cursor.take("as")
        token = self.cursor.next()
        word = (_plain_text(token) if token.kind is Kind.STRING else token.value).lower()
        if word not in _ENCODINGS:
            raise SqlError(
                "22023",
                f"ENCODING {word.upper()} is not supported: UTF8, UTF16, UTF16LE or UTF16BE",
            )
        self.values["encoding"] = _ENCODINGS[word]

    def accept_inv_chars(self) -> None:
        given = self.cursor.at("as") or self.cursor.token.kind is Kind.STRING
        text = self._string() if given else "?"
        if len(text) != 1 or not text.isascii():
            raise SqlError("42601", f'ACCEPTINVCHARS takes a single ASCII character, not "{text}"')
        self.values["accept_inv_chars"] = text

    def date_format(self, name: str) -> None:
        text = self._string()
        if not text:
            raise SqlError(
                "22023", f"{name.replace('_', '').upper()} is empty: give a format or 'auto'"
            )
        self.values[name] = text

    def region(self) -> None:
        self.values["region"] = self._string()

    def no_load(self) -> None:
        self.values["no_load"] = True
        if self.cursor.token.kind is Kind.NUMBER:
            self.cursor.integer()

    def comp_update(self) -> None:
        """COMPUPDATE [ON | OFF | PRESET]."""
        word = self.cursor.take_any("on", "off", "true", "false", "preset")
        self.values["comp_update"] = CompUpdate.OFF if word in ("off", "false") else CompUpdate.ON

    def stat_update(self) -> None:
        """STATUPDATE: accepted without effect."""
        self.cursor.take_any("on", "off", "true", "false")

    def comp_rows(self) -> None:
        """COMPROWS n: accepted without effect."""
        self.cursor.integer()

    def role(self) -> None:
        self.cursor.take("as")
        default = self.cursor.take("default")
        self._set(
            "authorization", DefaultRole() if default else parse_roles(self._string()), "iam_role"
        )

    def credentials(self) -> None:
        self._set("authorization", parse_credentials(self._string()), "credentials")

    def key(self, name: str) -> None:
        self.keys[name] = self._string()

    def _finish(self) -> CopyOptions:
        values = self.values
        self._check_format()
        values["authorization"] = choose_authorization(values.get("authorization"), self.keys)
        if "quote" in values and not self.csv:
            raise SqlError("42601", "COPY quote available only in CSV mode")
        values.setdefault("quote", '"' if self.csv else None)
        values.setdefault("delimiter", "," if self.csv else "|")
        if values["quote"] == values["delimiter"]:
            raise SqlError("42601", "COPY delimiter and quote must be different")
        if isinstance(values.get("format"), (Json, Parquet)):
            values["null_as"] = NEVER
        null_as = values.get("null_as", "")
        if null_as and values["delimiter"] in null_as:
            raise SqlError("42601", "COPY delimiter must not appear in the NULL specification")
        if null_as and self.csv and values["quote"] in null_as:
            raise SqlError("42601", "CSV quote character must not appear in the NULL specification")
        if "max_error" in values and "ignore_all_errors" in values:
            raise SqlError(
                "42601",
                "conflicting or redundant options: MAXERROR and IGNOREALLERRORS exclude each other",
            )
        return CopyOptions(**values)

    def _check_format(self) -> None:
        """Refuse the parameters that a format does not have (copy-parameters-data-format)."""
        given = self.values.get("format")
        excluded = next((words for kind, words in _EXCLUDED.items() if isinstance(given, kind)), ())
        for word in excluded:
            if word in self.seen:
                raise SqlError(
                    "0A000", f"{word.upper()} is not supported with {type(given).__name__.upper()}"
                )


_JSON_OPTIONS = ("auto", "auto ignorecase", "noshred")
_TEXT_ONLY = ("csv", "delimiter", "quote", "ignoreblanklines", "null")
_EXCLUDED: dict[type, tuple[str, ...]] = {
    Json: (*_TEXT_ONLY, "fillrecord"),
    FixedWidth: ("csv", "delimiter", "quote"),
    Parquet: (
        *_TEXT_ONLY, "acceptanydate", "blanksasnull", "compupdate", "dateformat", "emptyasnull", "encoding", "gzip",
        "bzip2", "zstd", "ignoreheader", "maxerror", "region", "roundec", "timeformat", "trimblanks", "truncatecolumns",
    ),
}  # fmt: skip
_FORMATS: dict[str, Callable[[_Parser], None]] = {
    "csv": _Parser.as_csv,
    "json": _Parser.json,
    "parquet": _Parser.parquet,
}
_PARAMETERS: dict[str, Callable[[_Parser], None]] = {
    "format": _Parser.format,
    "fixedwidth": _Parser.fixed_width,
    **_FORMATS,
    "quote": _Parser.quote,
    "delimiter": _Parser.delimiter,
    "null": _Parser.null,
    "ignoreheader": lambda parser: parser.number("ignore_header", 2**31 - 1),
    "maxerror": lambda parser: parser.number("max_error", MAX_ERRORS),
    "comprows": _Parser.comp_rows,
    "encoding": _Parser.encoding,
    "acceptinvchars": _Parser.accept_inv_chars,
    "dateformat": lambda parser: parser.date_format("date_format"),
    "timeformat": lambda parser: parser.date_format("time_format"),
    "region": _Parser.region,
    "noload": _Parser.no_load,
    "compupdate": _Parser.comp_update,
    "statupdate": _Parser.stat_update,
    "iam_role": _Parser.role,
    "credentials": _Parser.credentials,
    "access_key_id": lambda parser: parser.key("access_key_id"),
    "secret_access_key": lambda parser: parser.key("secret_access_key"),
    "session_token": lambda parser: parser.key("session_token"),
}
