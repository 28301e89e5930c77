"""Reads JSON values without changing them: members and elements are returned as their own text. Pure.

Numbers keep their digits, because COPY loads them as text. ValueError for text that is not well-formed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import NoReturn

_SPACE = re.compile(r"[ \t\n\r]*+")


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


_DECODER = json.JSONDecoder(parse_constant=_refuse_constant, parse_int=str, parse_float=str)


def check(text: str) -> None:
    """Raise ValueError unless the text is one JSON value."""
    _value_end(text, 0, len(text))


def members(text: str) -> Iterator[tuple[str, str]]:
    """Yield the names of an object and the text of their values."""
    at = _space(text, 1)
    while text[at] != "}":
        if text[at] != '"':
            raise ValueError("a name must be in double quotation marks")
        name, at = _DECODER.raw_decode(text, at)
        at = _space(text, at)
        if text[at] != ":":
            raise ValueError("a colon is missing after a name")
        start = _space(text, at + 1)
        _, end = _DECODER.raw_decode(text, start)
        yield name, text[start:end]
        at = _next(text, end, "}")


def elements(text: str) -> Iterator[str]:
    """Yield the text of each element of an array."""
    at = _space(text, 1)
    while text[at] != "]":
        _, end = _DECODER.raw_decode(text, at)
        yield text[at:end]
        at = _next(text, end, "]")


def plain(text: str) -> str | None:
    """Return a value as COPY loads it into a column: a string's content, None for null, all other text as it is."""
    if text == "null":
        return None
    return str(json.loads(text)) if text.startswith('"') else text


def _next(text: str, at: int, closing: str) -> int:
    at = _space(text, at)
    if text[at] == closing:
        return at
    if text[at] != ",":
        raise ValueError("a comma is missing between two values")
    at = _space(text, at + 1)
    if text[at] == closing:
        raise ValueError("a value is missing after a comma")
    return at


def _value_end(text: str, start: int, end: int) -> None:
    _, at = _DECODER.raw_decode(text, start)
    if _space(text, at) != end:
        raise ValueError("something follows the value")


def _space(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match else at
