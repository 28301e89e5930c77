"""docs/reference/api.md agrees with docs/openapi.json."""

import json
import re

import pytest

from etl_core.model.api import OPERATIONS
from etl_core.upload_log.messages import TABLE_NAME_MISSING
from infra.api_contract import KEY_HEADER, STATUS_CODES, gateway_responses
from infra.bundle import ROOT
from infra.openapi import ENTRY, STATUSES, render_document
from infra.setting_kinds import ApiAuth

PAGE = (ROOT / "docs" / "reference" / "api.md").read_text("utf-8")
PATHS = render_document()["paths"]
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


def test_the_page_has_every_operation():
    assert names("The API") == [f"GET {operation.path}" for operation in OPERATIONS]


@pytest.mark.parametrize("path", ["/logs", "/uploads", "/tables"])
def test_the_page_has_every_parameter_in_the_order_of_the_document(path):
    parameters = PATHS[path]["get"]["parameters"]
    assert names(f"Parameters of {path}") == [parameter["name"] for parameter in parameters]


def test_the_page_has_the_limit_of_the_document():
    parameters = PATHS["/logs"]["get"]["parameters"]
    limit = next(p["schema"] for p in parameters if p["name"] == "limit")
    assert f"from {limit['minimum']} to {limit['maximum']}. Default: {limit['default']}. |" in PAGE


def test_the_page_has_every_field_of_a_page_and_of_an_entry():
    assert names("Response") == list(SCHEMAS["Page"]["properties"])
    assert sorted(names("Log entries")) == sorted(ENTRY)


def test_the_page_has_every_status():
    assert names("Statuses") == list(STATUSES)


def test_the_page_has_every_http_status():
    described = {int(name) for name in names("Errors")}
    assert described == {
        *STATUS_CODES,
        *(response.status for auth in ApiAuth for response in gateway_responses(auth)),
    }


def test_the_page_names_the_header_of_the_key():
    assert f"`{KEY_HEADER}`" in PAGE


@pytest.mark.parametrize("example", examples(), ids=lambda example: next(iter(example)))
def test_an_example_has_the_fields_of_the_document(example):
    schema = SCHEMAS["Problem" if "error" in example else "Page"]
    assert set(schema["required"]) <= set(example) <= set(schema["properties"])
    for item in example.get("items", []):
        assert set(SCHEMAS["Entry"]["required"]) <= set(item) <= set(ENTRY)


def test_the_page_has_an_example_of_a_page_and_of_an_error():
    assert [next(iter(example)) for example in examples()] == ["items", "type"]
    assert examples()[1]["error"]["message"] == TABLE_NAME_MISSING(name="table_name")
