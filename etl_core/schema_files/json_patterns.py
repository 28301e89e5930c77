"""Regular expressions of the published JSON Schema.

The parser does not use them; it has its own rules. Pure. They use only what Python and JavaScript
have in common: no flags (letters are listed in both cases) and no `\\Z`.
"""

from __future__ import annotations

from collections.abc import Iterable

from etl_core.model.names import SYSTEM_COLUMNS
from etl_core.schema_files.column_types import (
    MAX_LENGTHS,
    MAX_PRECISION,
    MAX_SCALE,
    WITHOUT_LENGTH,
    spellings,
)

_NOT_PRINTABLE = r"\u0000-\u001f\u007f-\u00a0\u00ad\u1680\u2000-\u200f\u2028-\u202f\u205f\u2060-\u206f\u3000\ufeff"
_END = r"(?![\s\S])"
"""The end of the text. In Python, `$` would also match before a last line break."""
NO_NUL = r"^[^\u0000]*$"
DELIMITER = r"^[\u0001-\u0009\u000b\u000c\u000e-\u005b\u005d-\u007f]" + _END
HEADER_NAME = r"^[^\u0000\n\r]*" + _END
ONE_ASCII_CHARACTER = r"^[\t\u0020-\u005b\u005d-\u007e]" + _END
PRINTABLE_WITHOUT_BACKSLASH = rf"^[^\\{_NOT_PRINTABLE}]+{_END}"


def any_case(words: Iterable[str]) -> str:
    """Return the pattern of one of these words, in any case."""
    return f"^{_one_of(map(_letters, words))}{_END}"


def column_name() -> str:
    """Return the pattern of a column name: printable, no blank at either end, not a system column."""
    system = _one_of(map(_letters, sorted(SYSTEM_COLUMNS)))
    return rf"^(?!{system}{_END})[^ {_NOT_PRINTABLE}](?:[^{_NOT_PRINTABLE}]*[^ {_NOT_PRINTABLE}])?{_END}"


def column_type(names: Iterable[str]) -> str:
    """Return the pattern of every spelling of these types, with the arguments that they take."""
    return rf"^\s*{_one_of(map(_type, names))}\s*{_END}"


def _type(name: str) -> str:
    if name == "numeric":
        scale = rf"(?:\s*,\s*0*(?:0|{_up_to(MAX_SCALE)}))?"
        return (
            _one_of(map(_letters, spellings(name)))
            + rf"(?:\s*\(\s*0*{_up_to(MAX_PRECISION)}{scale}\s*\))?"
        )
    if name not in MAX_LENGTHS:
        return _one_of(map(_letters, spellings(name)))
    with_length = _one_of(_letters(word) for word in spellings(name) if word not in WITHOUT_LENGTH)
    length = f"0*{_up_to(MAX_LENGTHS[name])}"
    if name == "character varying":
        length = f"(?:{length}|{_letters('max')})"
    plain = (_letters(word) for word in spellings(name) if word in WITHOUT_LENGTH)
    return _one_of([*plain, rf"{with_length}(?:\s*\(\s*{length}\s*\))?"])


def _letters(word: str) -> str:
    return "".join(
        r"\s+"
        if letter == " "
        else f"[{letter.lower()}{letter.upper()}]"
        if letter.isalpha()
        else letter
        for letter in word
    )


def _one_of(parts: Iterable[str]) -> str:
    return f"(?:{'|'.join(parts)})"


def _up_to(limit: int) -> str:
    """Return the pattern of the whole numbers from 1 to `limit`."""
    digits = str(limit)
    parts = [f"[1-9][0-9]{{0,{len(digits) - 2}}}"]
    for place, digit in enumerate(digits):
        least, rest = int(place == 0), len(digits) - place - 1
        if int(digit) > least:
            parts.append(f"{digits[:place]}[{least}-{int(digit) - 1}][0-9]{{{rest}}}")
    return _one_of([*parts, digits])
