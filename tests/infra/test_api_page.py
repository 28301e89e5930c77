"""docs/reference/api.md agrees with docs/openapi.json."""

import json
import re

import pytest

from infra.api_contract import GATEWAY_RESPONSES, KEY_HEADER
from infra.bundle import ROOT
from infra.openapi import ENTRY, STATUSES, render_document

PAGE = (ROOT / "docs" / "reference" / "api.md").read_text("utf-8")
OPERATION = render_document()["paths"]["/logs"]["get"]
SCHEMAS = render_document()["components"]["schemas"]


def names(heading: str) -> list[str]:
    """Return the names in the first column of the first table below a heading."""
    section = re.split(rf"^#+ {heading}$", PAGE, flags=re.MULTILINE)[1]
    rows = re.findall(r"^\| ([^|]+) \|", re.split(r"^#", section, flags=re.MULTILINE)[0], re.M)
    return [name.strip(" `") for row in rows[1:] for name in row.split(",")]


def examples() -> list[dict]:
    """Return the JSON responses below the heading Example."""
    blocks = re.findall(r"^```json\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    return [json.loads(block) for block in blocks]


def test_the_page_has_every_parameter_in_the_order_of_the_document():
    assert names("Parameters") == [parameter["name"] for parameter in OPERATION["parameters"]]


def test_the_page_has_the_limit_of_the_document():
    limit = next(p["schema"] for p in OPERATION["parameters"] if p["name"] == "limit")
    assert f"from {limit['minimum']} to {limit['maximum']}. Default: {limit['default']}. |" in PAGE


def test_the_page_has_every_field_of_a_page_and_of_an_entry():
    assert names("Response") == list(SCHEMAS["Page"]["properties"])
    assert sorted(names("Log entries")) == sorted(ENTRY)


def test_the_page_has_every_status():
    assert names("Statuses") == list(STATUSES)


def test_the_page_has_every_http_status():
    described = {int(name) for name in names("Errors")}
    assert described - {404} == {int(status) for status in OPERATION["responses"]}
    assert {response.status for response in GATEWAY_RESPONSES} <= described


def test_the_page_names_the_header_of_the_key():
    assert f"`{KEY_HEADER}`" in PAGE


@pytest.mark.parametrize("example", examples(), ids=lambda example: next(iter(example)))
def test_an_example_has_the_fields_of_the_document(example):
    schema = SCHEMAS["Error" if "error" in example else "Page"]
    assert set(schema["required"]) <= set(example) <= set(schema["properties"])
    for item in example.get("items", []):
        assert set(SCHEMAS["Entry"]["required"]) <= set(item) <= set(ENTRY)


def test_the_page_has_an_example_of_a_page_and_of_an_error():
    assert [next(iter(example)) for example in examples()] == ["items", "error"]
    messages = {response.error["message"] for response in GATEWAY_RESPONSES}
    assert examples()[1]["error"]["message"] in messages
