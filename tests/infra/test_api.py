import json

import pytest

from etl_core.model.api import OPERATIONS
from etl_core.model.api_types import Problem
from handlers import query
from infra.api_contract import STAGE, gateway_responses
from infra.openapi import DOCUMENT, EXAMPLES, render_document, render_text
from infra.program import main
from infra.setting_kinds import ApiAuth
from tests.infra.engine import Mode, Stack, run

RESOURCE = "aws:apigateway/resource:Resource"
METHOD_TYPE = "aws:apigateway/method:Method"
INTEGRATION = "aws:apigateway/integration:Integration"
DEPLOYMENT = "aws:apigateway/deployment:Deployment"
RESPONSE = "aws:apigateway/response:Response"
API = "redshift-lake-loader-dev-api"
API_ID = f"{API}-id"


def paths(stack: Stack) -> dict[str, str]:
    """Return the path of each resource by its id."""
    known = {f"{API}-root": ""}
    for _ in range(5):
        for resource in stack.of(RESOURCE):
            parent = known.get(resource.inputs["parentId"])
            if parent is not None:
                known[f"{resource.name}-id"] = f"{parent}/{resource.inputs['pathPart']}"
    return known


@pytest.mark.parametrize("name", ["plain", "everything"])
def test_every_operation_has_a_path_and_only_health_and_the_page_need_no_key(
    name: str, request: pytest.FixtureRequest
):
    any_stack: Stack = request.getfixturevalue(name)
    known = paths(any_stack)
    methods = {
        (known[m.inputs["resourceId"]] or "/", m.inputs["httpMethod"]): m.inputs["apiKeyRequired"]
        for m in any_stack.of(METHOD_TYPE)
    }
    assert {path: needed for (path, verb), needed in methods.items() if verb == "ANY"} == {
        operation.path: operation.needs_key for operation in OPERATIONS
    }
    assert {path for (path, verb), needed in methods.items() if not needed and verb == "ANY"} == {
        "/",
        "/health",
    }
    options = {path: needed for (path, verb), needed in methods.items() if verb == "OPTIONS"}
    assert options == dict.fromkeys((operation.path for operation in OPERATIONS), False)


def test_the_query_function_serves_every_method_and_has_a_route_for_every_path(plain: Stack):
    integrations = plain.of(INTEGRATION)
    assert len(integrations) == len(plain.of(METHOD_TYPE)) == 2 * len(OPERATIONS)
    for integration in integrations:
        inputs = integration.inputs
        assert (inputs["type"], inputs["integrationHttpMethod"]) == ("AWS_PROXY", "POST")
        assert inputs["uri"].endswith("Function/redshift-lake-loader-dev-query/invocations")
        assert inputs["restApi"] == API_ID
    assert list(query._ROUTES) == [operation.path for operation in OPERATIONS]


def test_only_this_stage_of_this_api_can_invoke_the_function(plain: Stack):
    permission = plain.one("aws:lambda/permission:Permission", "-api").inputs
    api = f"arn:aws:execute-api:eu-central-1:123456789012:{API}"
    assert permission["sourceArn"] == f"{api}/{STAGE}/*"
    assert permission["principal"] == "apigateway.amazonaws.com"
    assert permission["function"] == "redshift-lake-loader-dev-query"


def test_the_deployment_is_replaced_if_an_integration_or_the_authorization_changes(
    plain: Stack, joined: Stack, iam: Stack
):
    """The hash covers the URI of the function: the same contract with another function is another one."""
    other = run(main, Mode.DEPLOY, stack="prod")
    contracts = [
        each.one(DEPLOYMENT).inputs["triggers"]["contract"] for each in (plain, joined, other, iam)
    ]
    assert contracts[0] == contracts[1]
    assert len(set(contracts)) == 3


def test_with_iam_every_request_for_data_is_signed_and_there_is_no_key(iam: Stack, plain: Stack):
    known = paths(iam)
    methods = {
        (known[m.inputs["resourceId"]] or "/", m.inputs["httpMethod"]): m.inputs["authorization"]
        for m in iam.of(METHOD_TYPE)
    }
    assert {path: kind for (path, verb), kind in methods.items() if verb == "ANY"} == {
        operation.path: "AWS_IAM" if operation.needs_key else "NONE" for operation in OPERATIONS
    }
    assert {kind for (_, verb), kind in methods.items() if verb == "OPTIONS"} == {"NONE"}
    assert not any(m.inputs["apiKeyRequired"] for m in iam.of(METHOD_TYPE))
    assert not iam.has("aws:apigateway/apiKey:ApiKey")
    assert (iam.outputs["api_auth"], plain.outputs["api_auth"]) == ("iam", "key")
    assert {m.inputs["authorization"] for m in plain.of(METHOD_TYPE)} == {"NONE"}


def test_the_deployment_depends_on_every_part_of_the_api(any_stack: Stack):
    deployment = any_stack.one(DEPLOYMENT)
    for part in [
        *any_stack.of(METHOD_TYPE),
        *any_stack.of(INTEGRATION),
        *any_stack.of(RESPONSE),
    ]:
        assert deployment.depends_on(part), part.name
    assert deployment.inputs["triggers"]["contract"]


def test_the_key_belongs_to_a_usage_plan_that_throttles_the_stage(plain: Stack):
    plan = plain.one("aws:apigateway/usagePlan:UsagePlan").inputs
    assert plan["apiStages"] == [{"apiId": API_ID, "stage": STAGE}]
    assert plan["throttleSettings"] == {"rateLimit": 20, "burstLimit": 40}
    plan_key = plain.one("aws:apigateway/usagePlanKey:UsagePlanKey").inputs
    assert plan_key["keyId"] == API_ID
    assert plan_key["keyType"] == "API_KEY"
    settings = plain.one("aws:apigateway/methodSettings:MethodSettings").inputs
    assert settings["methodPath"] == "*/*"
    assert settings["settings"]["throttlingRateLimit"] == 20
    assert plain.one("aws:apigateway/restApi:RestApi").inputs["apiKeySource"] == "HEADER"


def test_aws_generates_the_key(any_stack: Stack):
    assert "value" not in any_stack.one("aws:apigateway/apiKey:ApiKey").inputs


@pytest.mark.parametrize("auth", ApiAuth)
def test_every_gateway_response_is_a_problem_with_a_message(
    plain: Stack, iam: Stack, auth: ApiAuth
):
    stack = iam if auth is ApiAuth.IAM else plain
    assert len(stack.of(RESPONSE)) == len(gateway_responses(auth))
    for expected in gateway_responses(auth):
        check_response(stack, expected)


def check_response(stack: Stack, expected):
    response = stack.one(RESPONSE, expected.response_type.lower().replace("_", "-")).inputs
    body = json.loads(response["responseTemplates"]["application/json"])
    assert set(body) == Problem.__required_keys__
    assert body["detail"] == body["error"]["message"]
    assert len(body["detail"]) > 20
    assert response["statusCode"] == str(expected.status) == str(body["status"])
    assert response["responseParameters"] == {
        "gatewayresponse.header.Content-Type": "'application/problem+json'"
    }
    assert "$" not in response["responseTemplates"]["application/json"], (
        "no part of the request may be echoed"
    )


def test_with_an_origin_the_answers_of_api_gateway_and_of_the_function_allow_it(everything: Stack):
    for response in everything.of(RESPONSE):
        header = "gatewayresponse.header.Access-Control-Allow-Origin"
        assert response.inputs["responseParameters"][header] == "'https://dash.example.com'"
    function = everything.one("aws:lambda/function:Function", "-query").inputs
    assert function["environment"]["variables"]["CORS_ORIGIN"] == "https://dash.example.com"


def test_the_openapi_document_is_current():
    assert DOCUMENT.read_text() == render_text(), "run: .venv/bin/python -m infra.openapi"


def test_the_openapi_document_has_a_description_an_example_and_a_tag_everywhere():
    document = render_document()
    known = {tag["name"] for tag in document["tags"]}
    for path, operations in document["paths"].items():
        for operation in operations.values():
            assert operation["description"]
            assert operation["summary"]
            assert set(operation["tags"]) <= known
            assert operation["operationId"]
            for parameter in operation["parameters"]:
                assert {"description", "example"} <= set(parameter), path
            for code, response in operation["responses"].items():
                for kind, content in response.get("content", {}).items():
                    assert "example" in content or kind == "text/html", (path, code)


def test_the_examples_of_the_openapi_document_fit_their_schemas():
    jsonschema = pytest.importorskip("jsonschema")
    document = render_document()
    for operation in OPERATIONS:
        responses = document["paths"][operation.path]["get"]["responses"]
        for response in responses.values():
            for content in response.get("content", {}).values():
                if "example" in content:
                    schema = {**content["schema"], "components": document["components"]}
                    jsonschema.Draft202012Validator(schema).validate(content["example"])
        assert operation.answer is None or operation.name in EXAMPLES


def test_references_within_the_openapi_document_resolve():
    document = render_document()
    for reference in json.dumps(document).split('"$ref": "')[1:]:
        *_, name = reference.split('"')[0].split("/")
        assert name in document["components"]["schemas"]


STAGE_TYPE, ACCOUNT = "aws:apigateway/stage:Stage", "aws:apigateway/account:Account"


def test_requests_are_logged_only_if_the_account_can(plain: Stack, iam: Stack, everything: Stack):
    assert "accessLogSettings" not in plain.one(STAGE_TYPE).inputs
    assert not iam.has(ACCOUNT), "the account's own role stays"
    for stack in (iam, everything):
        logged = stack.one(STAGE_TYPE).inputs["accessLogSettings"]
        group = stack.one("aws:cloudwatch/logGroup:LogGroup", "-access")
        assert logged["destinationArn"].endswith(group.name)
        line = json.loads(logged["format"])
        assert set(line) == {
            "request_id", "time", "ip", "api_key_id", "method", "path", "status", "error", "duration_ms",
        }  # fmt: skip
        assert all(value.startswith("$context.") for value in line.values())


def test_the_role_of_the_account_exists_before_the_stage(everything: Stack):
    account = everything.one(ACCOUNT)
    assert account.inputs["cloudwatchRoleArn"].endswith("-api-logs")
    assert everything.one(STAGE_TYPE).depends_on(account)
    assert account.depends_on(everything.one("aws:iam/rolePolicy:RolePolicy", "-api-logs"))
