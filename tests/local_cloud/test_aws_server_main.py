"""The local AWS server's list of versions: names are encoded where the request asks for it, as S3 does."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import unquote

import pytest
from jsonata import Jsonata
from jsonata.parser import Parser

from local_cloud.aws_server_main import Answer, encoding, remembering, unlimited

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


def test_an_expression_is_parsed_once_and_gives_the_value_of_its_own_input() -> None:
    parsed: list[str] = []

    def parse(self: object, expression: str) -> str:
        parsed.append(expression)
        return f"tree of {expression}"

    remembered = remembering(parse)

    assert [remembered(object(), text) for text in ("a", "b", "a")] == [
        "tree of a",
        "tree of b",
        "tree of a",
    ]
    assert parsed == ["a", "b"]


def test_one_tree_serves_many_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Parser, "parse", remembering(Parser.parse))

    def evaluate(number: int) -> object:
        made = unlimited(Jsonata.jsonata)("$x.items[n > 1].n ~> $sum", timeout=1)
        return made.evaluate(None, {"x": {"items": [{"n": 1}, {"n": 2}, {"n": number}]}})

    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(evaluate, range(2, 400))) == [2 + n for n in range(2, 400)]
