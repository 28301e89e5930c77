"""The JSON of a schema file, read strictly: no property twice, no number that Python alone knows, every digit kept."""

from __future__ import annotations

import codecs
import json
from collections import Counter
from decimal import Decimal, InvalidOperation
from typing import Any

from etl_core.model.errors import InvalidSchemaFileError

_MAX_DEPTH = 20
"""Far below where Python's own recursion ends, which depends on who calls."""


def parse_json(text: bytes) -> dict[str, Any]:
    """The file's object; numbers with a fraction as Decimal. Raises InvalidSchemaFileError, and nothing else."""
    if not text.removeprefix(codecs.BOM_UTF8).strip():
        raise InvalidSchemaFileError(
            "the schema file is empty; it begins with { and lists the columns"
        )
    try:
        raw = json.loads(
            text.decode("utf-8-sig"),
            object_pairs_hook=_unique,
            parse_float=_number,
            parse_constant=_constant,
        )
        if _is_deep(raw):
            raise RecursionError
    except UnicodeDecodeError as error:
        raise InvalidSchemaFileError(
            f"the schema file is not UTF-8: {error}; save it as UTF-8"
        ) from None
    except RecursionError:
        raise InvalidSchemaFileError(
            "the schema file is nested too deeply; a schema file has four levels"
        ) from None
    except ValueError as error:
        raise InvalidSchemaFileError(f"the schema file is not valid JSON: {error}") from None
    if not _is_text(raw):
        raise InvalidSchemaFileError(
            "the schema file holds half a surrogate pair (\\ud800 to \\udfff alone), which is no character"
        )
    if not isinstance(raw, dict):
        raise InvalidSchemaFileError(
            "the schema file is not a JSON object; it begins with { and lists the columns"
        )
    return raw


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
    made = dict(pairs)
    if len(made) < len(pairs):
        [(name, _)] = Counter(name for name, _ in pairs).most_common(1)
        raise ValueError(f"the property {name!r} is written twice in one object")
    return made


def _number(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:
        raise ValueError(f"the number {text[:40]} is beyond any range") from None


def _constant(text: str) -> Any:
    raise ValueError(f"{text} is not JSON")
