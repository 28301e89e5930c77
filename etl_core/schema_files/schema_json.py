"""Strict JSON parser for schema files: no repeated property, no NaN or Infinity, and numbers keep all their digits."""

from __future__ import annotations

import codecs
import json
from collections import Counter
from decimal import Decimal, InvalidOperation
from typing import Any

from etl_core.model.errors import InvalidSchemaFileError
from etl_core.schema_files.messages import (
    COMMENT_IN_JSON,
    CONSTANT_NOT_JSON,
    FILE_EMPTY,
    LONE_SURROGATE,
    NESTED_TOO_DEEPLY,
    NOT_AN_OBJECT,
    NOT_JSON,
    NOT_UTF8,
    NUMBER_OUT_OF_RANGE,
    PROPERTY_TWICE,
    SINGLE_QUOTES,
    TRAILING_COMMA,
)

_MAX_DEPTH = 20
"""Far below Python's recursion limit, whose effect depends on the caller's depth."""

_MAX_INTEGER_DIGITS = 400
"""The largest DOUBLE PRECISION has 309."""


def parse_json(text: bytes) -> dict[str, Any]:
    """Return the file's JSON object, with fractions as Decimal.

    Raises only InvalidSchemaFileError.
    """
    if not text.removeprefix(codecs.BOM_UTF8).strip():
        raise InvalidSchemaFileError(FILE_EMPTY())
    try:
        raw = json.loads(
            text.decode("utf-8-sig"),
            object_pairs_hook=_unique,
            parse_float=_number,
            parse_int=_integer,
            parse_constant=_constant,
        )
        if _is_deep(raw):
            raise RecursionError
    except UnicodeDecodeError as error:
        raise InvalidSchemaFileError(NOT_UTF8(error=error)) from None
    except RecursionError:
        raise InvalidSchemaFileError(NESTED_TOO_DEEPLY()) from None
    except json.JSONDecodeError as error:
        raise InvalidSchemaFileError(_describe_error(error)) from None
    except ValueError as error:
        raise InvalidSchemaFileError(NOT_JSON(error=error)) from None
    if not _is_text(raw):
        raise InvalidSchemaFileError(LONE_SURROGATE())
    if not isinstance(raw, dict):
        kind = {list: "a list", str: "a text", bool: "true or false"}.get(type(raw), "a number")
        raise InvalidSchemaFileError(NOT_AN_OBJECT(given="null" if raw is None else kind))
    return raw


def _describe_error(error: json.JSONDecodeError) -> str:
    """Return the sentence for a mistake that is often made; the parser's words for any other."""
    before, after = error.doc[: error.pos].rstrip(), error.doc[error.pos :].lstrip()
    if after.startswith(",") and after[1:].lstrip()[:1] in ("]", "}"):
        before, after = before + ",", after[1:].lstrip()  # where newer Pythons report it
    if before.endswith(",") and after[:1] in ("]", "}"):
        line, column = _place(error.doc, error.doc.rindex(",", 0, len(before)))
        return TRAILING_COMMA(line=line, column=column)
    line, column = _place(error.doc, len(error.doc) - len(after))
    if after.startswith(("//", "/*", "#")):
        return COMMENT_IN_JSON(line=line, column=column)
    if after.startswith("'"):
        return SINGLE_QUOTES(line=line, column=column)
    return NOT_JSON(error=error)


def _place(text: str, position: int) -> tuple[int, int]:
    """Return line and column, counted from 1."""
    return text.count("\n", 0, position) + 1, position - text.rfind("\n", 0, position)


def _is_deep(raw: Any) -> bool:
    level = [raw]
    for _ in range(_MAX_DEPTH):
        level = [
            child
            for part in level
            if isinstance(part, (dict, list))
            for child in (part.values() if isinstance(part, dict) else part)
        ]
        if not level:
            return False
    return True


def _is_text(raw: Any) -> bool:
    try:
        json.dumps(raw, ensure_ascii=False, default=str).encode()
    except UnicodeEncodeError:
        return False
    return True


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    unique = dict(pairs)
    if len(unique) < len(pairs):
        [(name, _)] = Counter(name for name, _ in pairs).most_common(1)
        raise ValueError(PROPERTY_TWICE(name=name))
    return unique


def _number(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:
        raise ValueError(NUMBER_OUT_OF_RANGE(number=text[:40])) from None


def _integer(text: str) -> int:
    """Return the number. Python itself refuses thousands of digits, with advice for programmers."""
    if len(text) > _MAX_INTEGER_DIGITS:
        raise ValueError(NUMBER_OUT_OF_RANGE(number=f"{text[:40]}..."))
    return int(text)


def _constant(text: str) -> Any:
    raise ValueError(CONSTANT_NOT_JSON(constant=text))


def render_short(value: Any) -> str:
    """Return the value as JSON for a message, cut to 80 characters."""
    text = (
        str(value)
        if isinstance(value, Decimal)
        else json.dumps(value, default=str, ensure_ascii=False)
    )
    return text if len(text) <= 80 else text[:77] + "..."
