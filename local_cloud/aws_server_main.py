"""Run ministack with three corrections: `python -P aws_server_main.py`.

Lists of versions: S3's own answer to `encoding-type=url`. XML 1.0 cannot carry control characters, so
S3 encodes keys on request (API reference, ListObjectVersions), and boto3 always asks for it.
ministack 1.x encodes the lists of objects only: one key with a NUL makes every list of versions
unreadable. This is run as a file so that the server's import path does not contain the project.

Events of S3: in a bucket with versioning, S3's own events name the version (EventBridge event message
structure, `object.version-id`). ministack gives the version only to the other targets of a bucket.

JSONata: each expression is parsed once, because parsing takes half of the time of a state. The limit
of one second for an evaluation is not applied: it would count the time of all other executions.
"""

from __future__ import annotations

import importlib
import inspect
import json
import re
import runpy
import threading
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import Any
from urllib.parse import quote
from xml.sax.saxutils import unescape

Answer = tuple[int, Mapping[str, str], bytes]
_NAMES = re.compile(r"<(Key|Prefix|KeyMarker|NextKeyMarker|Delimiter)>([^<]*)</\1>")
_END = "</ListVersionsResult>"


def encode_names(body: str) -> str:
    """Return a list of versions with its keys and prefixes URL-encoded, as S3 answers."""
    encoded = _NAMES.sub(_encode, body)
    return encoded.replace(_END, f"<EncodingType>url</EncodingType>{_END}")


def _encode(match: re.Match[str]) -> str:
    name, text = match.groups()
    return f"<{name}>{quote(unescape(text), safe='/')}</{name}>"


def encoding(list_versions: Callable[..., Answer]) -> Callable[..., Answer]:
    """Return ministack's function with encoded names, if the request asks for them."""

    def run(bucket: str, query: Mapping[str, Any]) -> Answer:
        status, headers, body = list_versions(bucket, query)
        asked = query.get("encoding-type", "")
        if status != 200 or "url" not in asked:
            return status, headers, body
        return status, headers, encode_names(body.decode()).encode()

    return run


_VERSION: ContextVar[str | None] = ContextVar("version", default=None)


def knowing_version(fire: Callable[..., None]) -> Callable[..., None]:
    """Return ministack's function that sends an event of S3, and remember its version while it does."""
    parameters = inspect.signature(fire)

    def run(*arguments: Any, **options: Any) -> None:
        version = parameters.bind(*arguments, **options).arguments.get("version_id")
        token = _VERSION.set(version)
        try:
            fire(*arguments, **options)
        finally:
            _VERSION.reset(token)

    return run


def naming_version(dispatch: Callable[..., Any]) -> Callable[..., Any]:
    """Return EventBridge's function with the version in events of S3."""

    def run(event: Mapping[str, Any], *arguments: Any, **options: Any) -> Any:
        version = _VERSION.get()
        if version and event["Source"] == "aws.s3":
            detail = json.loads(event["Detail"])
            detail["object"]["version-id"] = version
            event = {**event, "Detail": json.dumps(detail)}
        return dispatch(event, *arguments, **options)

    return run


def remembering(parse: Callable[..., Any]) -> Callable[..., Any]:
    """Return the parser's method with one syntax tree per expression. An evaluation does not change the tree."""
    trees: dict[tuple[Any, ...], Any] = {}
    one_at_a_time = threading.Lock()

    def run(parser: Any, *expression: Any) -> Any:
        if expression not in trees:
            with one_at_a_time:
                trees[expression] = parse(parser, *expression)
        return trees[expression]

    return run


def unlimited(make: Callable[..., Any]) -> Callable[..., Any]:
    """Return the function that makes an expression, without a time limit."""

    def run(expression: str, *, timeout: int | None = None) -> Any:
        return make(expression)

    return run


def main() -> None:
    jsonata: Any = importlib.import_module("jsonata")
    parser: Any = importlib.import_module("jsonata.parser")
    parser.Parser.parse = remembering(parser.Parser.parse)
    jsonata.Jsonata.jsonata = unlimited(jsonata.Jsonata.jsonata)
    # Each thread, so each execution, would build a parser of its own, only to read the tree of another.
    shared = parser.Parser()
    jsonata.Jsonata.get_parser = lambda: shared
    s3: Any = importlib.import_module("ministack.services.s3")
    s3._list_object_versions = encoding(s3._list_object_versions)
    s3._fire_s3_event = knowing_version(s3._fire_s3_event)
    eventbridge: Any = importlib.import_module("ministack.services.eventbridge")
    eventbridge._dispatch_event = naming_version(eventbridge._dispatch_event)
    runpy.run_module("ministack", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
