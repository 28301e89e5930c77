import json

import pytest

from etl_core.model import status
from etl_core.upload_log import entry, query
from infra.api_contract import GATEWAY_RESPONSES, METHOD, PATH, STAGE
from infra.openapi import ACTIONS, DOCUMENT, ENTRY, STATUSES, render_document, render_text
from tests.infra.engine import Stack

METHOD_TYPE = "aws:apigateway/method:Method"
INTEGRATION = "aws:apigateway/integration:Integration"
DEPLOYMENT = "aws:apigateway/deployment:Deployment"
RESPONSE = "aws:apigateway/response:Response"
API_ID = "redshift-lake-loader-dev-api-id"


def test_a_request_needs_an_api_key_and_a_table_name(any_stack: Stack):
    method = any_stack.one(METHOD_TYPE).inputs
    assert (method["httpMethod"], method["apiKeyRequired"], method["authorization"]) == (
        "GET",
        True,
        "NONE",
    )
    required = {name for name, needed in method["requestParameters"].items() if needed}
    assert required == {"method.request.querystring.table_name"}
    validator = any_stack.one("aws:apigateway/requestValidator:RequestValidator")
    assert validator.inputs["validateRequestParameters"] is True
    assert any_stack.one(METHOD_TYPE).depends_on(validator)


def test_the_query_function_serves_the_method(plain: Stack):
    integration = plain.one(INTEGRATION).inputs
    assert (integration["type"], integration["integrationHttpMethod"]) == ("AWS_PROXY", "POST")
    assert integration["uri"].endswith("Function/redshift-lake-loader-dev-query/invocations")
    assert integration["restApi"] == API_ID


def test_only_this_method_of_this_stage_can_invoke_the_function(plain: Stack):
    permission = plain.one("aws:lambda/permission:Permission", "-api").inputs
    api = "arn:aws:execute-api:eu-central-1:123456789012:redshift-lake-loader-dev-api"
    assert permission["sourceArn"] == f"{api}/{STAGE}/{METHOD}/{PATH}"
    assert "*" not in permission["sourceArn"]
    assert permission["principal"] == "apigateway.amazonaws.com"
    assert permission["function"] == "redshift-lake-loader-dev-query"


def test_the_deployment_depends_on_every_part_of_the_api(any_stack: Stack):
    deployment = any_stack.one(DEPLOYMENT)
    for part in [any_stack.one(METHOD_TYPE), any_stack.one(INTEGRATION), *any_stack.of(RESPONSE)]:
        assert deployment.depends_on(part), part.name
    assert deployment.inputs["triggers"]["contract"]


def test_the_key_belongs_to_a_usage_plan_that_throttles_the_stage(plain: Stack):
    plan = plain.one("aws:apigateway/usagePlan:UsagePlan").inputs
    assert plan["apiStages"] == [{"apiId": API_ID, "stage": STAGE}]
    assert plan["throttleSettings"] == {"rateLimit": 20, "burstLimit": 40}
    plan_key = plain.one("aws:apigateway/usagePlanKey:UsagePlanKey").inputs
    assert plan_key["keyId"] == "redshift-lake-loader-dev-api-id"
    assert plan_key["keyType"] == "API_KEY"
    settings = plain.one("aws:apigateway/methodSettings:MethodSettings").inputs
    assert settings["methodPath"] == "*/*"
    assert settings["settings"]["throttlingRateLimit"] == 20


def test_aws_generates_the_key(any_stack: Stack):
    assert "value" not in any_stack.one("aws:apigateway/apiKey:ApiKey").inputs


@pytest.mark.parametrize("expected", GATEWAY_RESPONSES, ids=lambda r: r.response_type)
def test_a_gateway_response_is_json_with_a_message(plain: Stack, expected):
    response = plain.one(RESPONSE, expected.response_type.lower().replace("_", "-")).inputs
    body = json.loads(response["responseTemplates"]["application/json"])
    assert set(body) == {"error"}
    assert len(body["error"]["message"]) > 20
    assert response["statusCode"] == str(expected.status)
    assert "$" not in response["responseTemplates"]["application/json"], (
        "no part of the request may be echoed"
    )


def test_the_response_to_a_missing_table_name_names_the_parameter(plain: Stack):
    response = plain.one(RESPONSE, "bad-request-parameters").inputs
    assert (
        json.loads(response["responseTemplates"]["application/json"])["error"]["parameter"]
        == "table_name"
    )


def test_the_openapi_document_is_current():
    assert DOCUMENT.read_text() == render_text(), "run: .venv/bin/python -m infra.openapi"


def test_the_openapi_document_describes_the_deployed_api(plain: Stack):
    document = render_document()
    path = plain.one("aws:apigateway/resource:Resource").inputs
    method = plain.one(METHOD_TYPE).inputs
    assert path["parentId"].endswith("-root")
    assert list(document["paths"]) == [f"/{path['pathPart']}"]
    (operations,) = document["paths"].values()
    assert list(operations) == [method["httpMethod"].lower()]
    described = {
        p["name"]: p["required"] for p in operations["get"]["parameters"] if p["in"] == "query"
    }
    assert described == {
        name.removeprefix("method.request.querystring."): needed
        for name, needed in method["requestParameters"].items()
    }
    assert bool(document["security"]) is method["apiKeyRequired"]
    assert document["components"]["securitySchemes"]["api_key"]["in"] == "header"
    assert plain.one("aws:apigateway/restApi:RestApi").inputs["apiKeySource"] == "HEADER"
    returned = {r.inputs["statusCode"] for r in plain.of(RESPONSE)} - {"404"}
    assert returned <= set(operations["get"]["responses"])


def test_the_openapi_document_has_the_parameters_of_the_function():
    (operation,) = (
        o for operations in render_document()["paths"].values() for o in operations.values()
    )
    assert tuple(p["name"] for p in operation["parameters"]) == query.PARAMETERS
    limit = next(p["schema"] for p in operation["parameters"] if p["name"] == "limit")
    assert (limit["default"], limit["maximum"]) == (query.DEFAULT_LIMIT, query.MAX_LIMIT)


def test_the_openapi_document_has_the_statuses_and_fields_of_the_log():
    assert tuple(status.Status) == STATUSES
    assert set(ACTIONS) == {"append", "truncate", "schema"}
    assert {"table_name", "landed_timestamp", "status", "rows_loaded", "error", "attempts"} <= set(
        ENTRY
    )
    assert entry.SORT_KEY not in ENTRY


def test_references_within_the_openapi_document_resolve():
    document = render_document()
    for reference in json.dumps(document).split('"$ref": "')[1:]:
        *_, name = reference.split('"')[0].split("/")
        assert name in document["components"]["schemas"]
