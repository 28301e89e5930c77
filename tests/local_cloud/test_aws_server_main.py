"""The local AWS server's list of versions: names are encoded where the request asks for it, as S3 does."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from local_cloud.aws_server_main import Answer, encoding

KEY = 'dev/append/t/a\0\n\x1b<&>"é %2B+.csv'
BODY = (
    "<ListVersionsResult><KeyMarker /><Prefix>dev/a b</Prefix><Version><Key>"
    'dev/append/t/a\0\n\x1b&lt;&amp;&gt;"é %2B+.csv'
    "</Key><ETag>x</ETag></Version></ListVersionsResult>"
)


def _list(_: str, query: Mapping[str, Any]) -> Answer:
    return (404 if "missing" in query else 200), {}, BODY.encode()


def test_names_are_encoded_so_that_xml_can_carry_them() -> None:
    _, _, body = encoding(_list)("lake", {"encoding-type": ["url"]})

    root = ET.fromstring(body)
    assert root.findtext("EncodingType") == "url"
    assert unquote(root.findtext("Version/Key") or "") == KEY
    assert unquote(root.findtext("Prefix") or "") == "dev/a b"


def test_other_answers_are_left_alone() -> None:
    assert encoding(_list)("lake", {})[2] == BODY.encode()
    assert encoding(_list)("lake", {"encoding-type": ["url"], "missing": ""})[2] == BODY.encode()
