"""The JSON between the command line, the reconcile function and the tables function: typed on both sides.

The types of the requests and responses are in `reconcile_requests` and `tables_requests`. Parsing
is strict and names every problem.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from typing import Annotated, Any, ClassVar, Generic, Protocol, Self, TypeVar

from pydantic import AfterValidator, BeforeValidator, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from etl_core.model.errors import StackError
from etl_core.model.names import fold
from etl_core.model.table_ref import TableRef
from etl_core.model.times import parse_utc_time
from etl_core.model.upload import SIZE_LIMIT, Upload
from etl_core.recovery.messages import REQUEST_INVALID, RESPONSE_INVALID
from etl_core.recovery.services import FunctionClient

Json = dict[str, Any]
_SHOWN_PROBLEMS = 5


class InvalidRequestError(ValueError):
    """The JSON describes no request. The message names every problem."""


class _HasMarker(Protocol):
    @property
    def marker(self) -> Any: ...


T = TypeVar("T")
R = TypeVar("R")
P = TypeVar("P", bound=_HasMarker)


@dataclass(frozen=True, kw_only=True)
class Request(Generic[R]):
    """A request whose response has the type R."""

    response: ClassVar[type[Any]]

    def parse_response(self, value: object) -> R:
        """Return the response that the JSON describes. Raises StackError if it describes none."""
        try:
            parsed: R = from_json(self.response, value)
        except ValidationError as error:
            raise StackError(RESPONSE_INVALID(problems=describe_problems(error))) from None
        return parsed


@dataclass(frozen=True, kw_only=True)
class PagedRequest(Request[P]):
    """A request for one page.

    `marker` says where it starts; None: at the beginning. Subclasses give it a type.
    """

    marker: Any = None

    def at(self, marker: Any) -> Self:
        """Return the request for another page."""
        return replace(self, marker=marker)


def ask(function: FunctionClient, request: Request[R]) -> R:
    """Send a request to a function. Raises StackError, and the errors of FunctionClient.ask."""
    return request.parse_response(function.ask(to_json(request)))


def parse_request(kinds: Any, value: object) -> Any:
    """Return the request that the JSON describes.

    `kinds` is the union of all, distinguished by `kind`. Raises InvalidRequestError.
    """
    try:
        return _adapter(kinds).validate_json(json.dumps(value), strict=True)
    except ValidationError as error:
        raise InvalidRequestError(REQUEST_INVALID(problems=describe_problems(error))) from None


def to_json(value: Any) -> Json:
    """Return a dataclass as JSON: times as `2026-11-22T09:30:00Z`, enums as their values."""
    dataclass_type: Any = type(value)
    values: Json = _adapter(dataclass_type).dump_python(value, mode="json")
    return values


def from_json(kind: type[T], value: object) -> T:
    """Return the dataclass that the JSON describes.

    Unknown fields are ignored. Raises pydantic's ValidationError.
    """
    dataclass_type: Any = kind
    parsed: T = _adapter(dataclass_type).validate_json(json.dumps(value), strict=True)
    return parsed


def describe_problems(error: ValidationError) -> str:
    """Return what is wrong, the field first: `findings[0].size: Input should be a valid integer`."""
    problems = [_describe(each) for each in error.errors(include_url=False)]
    more = len(problems) - _SHOWN_PROBLEMS
    return "; ".join([*problems[:_SHOWN_PROBLEMS], *([f"and {more} more"] if more > 0 else [])])


def _describe(problem: ErrorDetails) -> str:
    context = problem.get("ctx", {})
    if problem["type"] == "union_tag_invalid":
        return f"the kind {context['tag']!r} is not one of {context['expected_tags']}"
    if problem["type"] == "union_tag_not_found":
        return "it has no 'kind'"
    path = "".join(f"[{each}]" if isinstance(each, int) else f".{each}" for each in problem["loc"])
    message = problem["msg"].removeprefix("Value error, ")
    return f"{path.removeprefix('.')}: {message}" if path else message


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def _utc(value: object) -> datetime:
    if isinstance(value, datetime):
        return value
    if not isinstance(value, str):
        raise ValueError("a time such as 2026-11-22T09:30:00Z is needed")
    return parse_utc_time(value)


def _checked_upload(upload: Upload) -> Upload:
    """Apply the rules of Upload.from_event, except that the etag may be unknown.

    Raises ValueError.
    """
    for fault in _faults(upload):
        raise ValueError(fault)
    return replace(
        upload,
        version_id=None if upload.version_id in ("", "null") else upload.version_id,
        sequencer=upload.sequencer or "0",
        landed_at=parse_utc_time(upload.landed_at.isoformat()),
    )


def _faults(upload: Upload) -> Iterator[str]:
    if not upload.key or not upload.bucket:
        yield "an upload needs a bucket and a key"
    if upload.size is not None and not 0 <= upload.size < SIZE_LIMIT:
        yield f"the size {upload.size} is not a number of bytes"


def _with_etag(upload: Upload) -> Upload:
    if not upload.etag:
        raise ValueError("an upload that is sent needs an etag")
    return upload


def _folded(table: TableRef) -> TableRef:
    return TableRef(fold(table.database), fold(table.schema), fold(table.name))


UtcTime = Annotated[datetime, BeforeValidator(_utc)]
AnyUpload = Annotated[Upload, AfterValidator(_checked_upload)]
"""An upload of a finding. Its log entry may have been rebuilt without an etag."""
SendableUpload = Annotated[AnyUpload, AfterValidator(_with_etag)]
FoldedTable = Annotated[TableRef, AfterValidator(_folded)]
