"""What a COPY statement says, as one value. Pure: a statement gives CopyOptions or SqlError.

Source: the Redshift COPY page and its parameter pages. Texts of refusals are PostgreSQL 8's where Redshift kept them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import Enum

from redshift_emulator.errors import SqlError

MAX_ERRORS = 100_000


class CompUpdate(Enum):
    """Whether a COPY into an empty table chooses encodings: unsaid, only when no column has one (copy-parameters-data-load)."""

    UNSAID = "unsaid"
    ON = "on"
    OFF = "off"


class Compression(Enum):
    """How the files are packed; one keyword for all of them, never inferred from a suffix."""

    NONE = "none"
    GZIP = "gzip"
    BZIP2 = "bzip2"
    ZSTD = "zstd"


@dataclass(frozen=True)
class Roles:
    """IAM_ROLE 'arn,arn': assumed one through the other."""

    arns: tuple[str, ...]


@dataclass(frozen=True)
class DefaultRole:
    """IAM_ROLE default."""


@dataclass(frozen=True)
class AccessKeys:
    """The caller's own keys."""

    key_id: str
    secret: str = field(repr=False)
    token: str | None = field(default=None, repr=False)


Authorization = Roles | DefaultRole | AccessKeys


@dataclass(frozen=True)
class CopyOptions:
    """One COPY statement. ``quote`` is None when the data is plain delimited text (no CSV); strings are as the server
    means them (an octal delimiter is the character). ``date_format``/``time_format`` None are Redshift's defaults."""

    schema: str | None
    table: str
    columns: tuple[str, ...] | None
    source: str
    authorization: Authorization
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
    comp_update: CompUpdate = CompUpdate.UNSAID

    @property
    def tolerated_errors(self) -> int:
        """How many rows may be rejected: MAXERROR 0 and 1 both fail on the first."""
        return 2**62 if self.ignore_all_errors else max(self.max_error - 1, 0)

    @property
    def shown_table(self) -> str:
        """The table as messages name it: without its schema."""
        return self.table


_OCTAL = re.compile(r"\\([0-7]{1,3})")
_ESCAPES = {"\\t": "\t", "\\n": "\n", "\\r": "\r"}


def parse_delimiter(text: str) -> str:
    """One ASCII character, as it is, as ``\\t`` or in octal. SqlError 42601 for anything else."""
    octal = _OCTAL.fullmatch(text)
    character = chr(int(octal[1], 8)) if octal else _ESCAPES.get(text, text)
    if len(character) != 1 or not 1 <= ord(character) <= 127 or character in "\r\n":
        raise SqlError("42601", f'COPY delimiter must be a single ASCII character, not "{text}"')
    return character


def parse_null(text: str) -> str:
    """NULL AS: the text, or the NUL character for ``\\0``/``\\000``. A line feed can never be one."""
    if text in ("\\0", "\\000"):
        return "\0"
    if text in ("\\n", "\n"):
        raise SqlError("42601", "NULL AS '\\n' is not valid: a line feed always ends a row")
    return text


_ROLE_ARN = re.compile(r"arn:[\w-]+:iam::\d{12}:role/[\w+=,.@/-]+")
_INVALID_CREDENTIALS = (
    "Invalid credentials. Must be of the format: credentials 'aws_iam_role=...' or "
    "'aws_access_key_id=...;aws_secret_access_key=...[;token=...]'"
)


def parse_roles(text: str) -> Roles:
    """``arn`` or ``arn,arn`` (a chain, no blanks). SqlError for anything that is not a role's ARN."""
    arns = tuple(re.split(r",(?=arn:)", text))
    if not all(_ROLE_ARN.fullmatch(arn) for arn in arns):
        raise SqlError(
            "42601",
            f"Invalid IAM_ROLE '{text}': the ARN of a role, or several joined by commas, is needed",
        )
    return Roles(arns)


def parse_credentials(text: str) -> Authorization:
    """CREDENTIALS 'aws_iam_role=...' or keys; names are case-sensitive, no blanks."""
    pairs = dict(part.split("=", 1) for part in text.split(";") if "=" in part)
    match pairs:
        case {"aws_iam_role": role} if len(pairs) == 1:
            return parse_roles(role)
        case {"aws_access_key_id": key_id, "aws_secret_access_key": secret}:
            return AccessKeys(key_id, secret, pairs.get("token"))
    raise SqlError("42601", _INVALID_CREDENTIALS)


def missing_credentials() -> SqlError:
    """The error of a COPY that names no credentials at all."""
    return SqlError("42601", _INVALID_CREDENTIALS)
