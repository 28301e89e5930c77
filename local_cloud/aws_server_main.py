"""Run ministack with S3's own answer to `encoding-type=url` in a list of versions: `python -P aws_server_main.py`.

XML 1.0 cannot carry control characters, so S3 encodes keys on request (API reference,
ListObjectVersions), and boto3 always asks for it. ministack 1.x encodes the lists of objects only:
one key with a NUL makes every list of versions unreadable. This is run as a file so that the
server's import path does not contain the project.
"""

from __future__ import annotations

import importlib
import re
import runpy
from collections.abc import Callable, Mapping
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


def main() -> None:
    s3: Any = importlib.import_module("ministack.services.s3")
    s3._list_object_versions = encoding(s3._list_object_versions)
    runpy.run_module("ministack", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
