"""The parameters of a COPY statement as one value. Pure.

Source: the Redshift COPY page and its parameter pages. Errors are worded as in PostgreSQL 8 where
Redshift kept the text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

from redshift_emulator.copy.authorization import Authorization
from redshift_emulator.errors import SqlError

MAX_ERRORS = 100_000


class CompUpdate(Enum):
    """Whether a COPY into an empty table chooses column encodings (copy-parameters-data-load).

    DEFAULT: only if every column is RAW.
    """

    DEFAULT = "default"
    ON = "on"
    OFF = "off"


class Compression(Enum):
    """How all files of a COPY are compressed. It is never inferred from the file name."""

    NONE = "none"
    GZIP = "gzip"
    BZIP2 = "bzip2"
    ZSTD = "zstd"


@dataclass(frozen=True)
class Json:
    """JSON: 'auto', 'auto ignorecase', 'noshred' or the URL of a JSONPaths file."""

    option: str


@dataclass(frozen=True)
class FixedWidth:
    """FIXEDWIDTH: the widths of the columns."""

    widths: tuple[int, ...]


@dataclass(frozen=True)
class Parquet:
    """PARQUET. With SERIALIZETOJSON nested values load into SUPER columns."""

    serialize_to_json: bool


NEVER = "\0\0"
"""A NULL AS that no value equals, for formats that write NULL in their own way."""


@dataclass(frozen=True)
class CopyOptions:
    """One COPY statement.

    ``format`` is None for text and CSV. ``quote`` is None for plain delimited text (not CSV).
    Escapes are resolved: an octal delimiter is the character.
    ``date_format`` and ``time_format`` None are Redshift's defaults.
    """

    schema: str | None
    table: str
    columns: tuple[str, ...] | None
    source: str
    authorization: Authorization
    format: Json | FixedWidth | Parquet | None = None
    delimiter: str = ","
    quote: str | None = '"'
    ignore_header: int = 0
    manifest: bool = False
    region: str | None = None
    compression: Compression = Compression.NONE
    null_as: str = "\\N"
    empty_as_null: bool = False
    blanks_as_null: bool = False
    trim_blanks: bool = False
    accept_inv_chars: str | None = None
    accept_any_date: bool = False
    date_format: str | None = None
    time_format: str | None = None
    encoding: str = "utf-8"
    fill_record: bool = False
    ignore_blank_lines: bool = False
    truncate_columns: bool = False
    round_decimals: bool = False
    explicit_ids: bool = False
    max_error: int = 0
    ignore_all_errors: bool = False
    no_load: bool = False
    comp_update: CompUpdate = CompUpdate.DEFAULT

    @property
    def format_name(self) -> str:
        """The format as the load history shows it."""
        match self.format:
            case None:
                return "csv" if self.quote else "text"
            case Json():
                return "json"
            case FixedWidth():
                return "text"
            case Parquet():
                return "parquet"

    @property
    def tolerated_errors(self) -> int:
        """How many rows may be rejected. MAXERROR 0 and 1 both fail on the first."""
        return 2**62 if self.ignore_all_errors else max(self.max_error - 1, 0)


_OCTAL = re.compile(r"\\([0-7]{1,3})")
_ESCAPES = {"\\t": "\t", "\\n": "\n", "\\r": "\r"}


def parse_delimiter(text: str) -> str:
    """Return the delimiter: one ASCII character, written as itself, as ``\\t`` or in octal.

    Raises SqlError.
    """
    octal = _OCTAL.fullmatch(text)
    character = chr(int(octal[1], 8)) if octal else _ESCAPES.get(text, text)
    if len(character) != 1 or not 1 <= ord(character) <= 127 or character in "\r\n":
        raise SqlError("42601", f'COPY delimiter must be a single ASCII character, not "{text}"')
    return character


def parse_null(text: str) -> str:
    """Return the text of NULL AS; ``\\0`` and ``\\000`` are the NUL character.

    Raises SqlError for a line feed.
    """
    if text in ("\\0", "\\000"):
        return "\0"
    if text in ("\\n", "\n"):
        raise SqlError("42601", "NULL AS '\\n' is not valid: a line feed always ends a row")
    return text
