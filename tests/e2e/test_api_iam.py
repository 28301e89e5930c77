"""An API that authorizes with IAM: the AWS server checks the signatures of the command line."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

import pytest

from etl_cli.api_client import ApiClient, ApiError
from etl_cli.stack_outputs import StackSource
from tests.e2e.conftest import Lake

SOURCE = StackSource("local")


@contextmanager
def a_caller(lake: Lake, resource: str | None) -> Iterator[dict[str, Any]]:
    """Yield the access key of a new user, who may call the API only if `resource` is given."""
    iam, name = lake.client.aws.client("iam"), f"caller-{uuid.uuid4().hex[:8]}"
    iam.create_user(UserName=name)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    if resource is not None:
        statement = {"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": resource}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        iam.put_user_policy(UserName=name, PolicyName="ask", PolicyDocument=policy)
    yield {"access_key_id": key["AccessKeyId"], "secret_access_key": key["SecretAccessKey"]}
    if resource is not None:
        iam.delete_user_policy(UserName=name, PolicyName="ask")
    iam.delete_access_key(UserName=name, AccessKeyId=key["AccessKeyId"])
    iam.delete_user(UserName=name)


@pytest.fixture
def iam_outputs(lake: Lake) -> Iterator[dict[str, Any]]:
    """The outputs of a stack whose API has one path, /tables, with IAM."""
    gateway: Any = lake.client.aws.client("apigateway")
    functions = lake.client.aws.client("lambda").list_functions()["Functions"]
    [query] = [each for each in functions if each["Handler"] == "handlers.query.handler"]
    api = gateway.create_rest_api(name="with-iam")["id"]
    root = gateway.get_resources(restApiId=api)["items"][0]["id"]
    resource = gateway.create_resource(restApiId=api, parentId=root, pathPart="tables")["id"]
    method = {"restApiId": api, "resourceId": resource, "httpMethod": "ANY"}
    gateway.put_method(**method, authorizationType="AWS_IAM")
    uri = f"arn:aws:apigateway:{lake.client.outputs.region}:lambda:path/2015-03-31/functions"
    gateway.put_integration(
        **method, type="AWS_PROXY", integrationHttpMethod="POST",
        uri=f"{uri}/{query['FunctionArn']}/invocations",
    )  # fmt: skip
    gateway.create_deployment(restApiId=api, stageName="v1")
    account = query["FunctionArn"].split(":")[4]
    lake.client.aws.client("lambda").add_permission(
        FunctionName=query["FunctionName"], StatementId=f"api-{api}",
        Action="lambda:InvokeFunction", Principal="apigateway.amazonaws.com",
        SourceArn=f"arn:aws:execute-api:{lake.client.outputs.region}:{account}:{api}/v1/*",
    )  # fmt: skip
    url = f"{lake.client.outputs.aws_endpoint_url}/_aws/execute-api/{api}/v1"
    with a_caller(lake, f"arn:aws:execute-api:*:*:{api}/v1/*") as keys:
        yield {**asdict(lake.client.outputs), **keys, "api_url": url, "api_auth": "iam"}
    gateway.delete_rest_api(restApiId=api)
    lake.client.aws.client("lambda").remove_permission(
        FunctionName=query["FunctionName"], StatementId=f"api-{api}"
    )


def test_a_signed_request_is_answered_and_others_are_refused(
    lake: Lake, iam_outputs: dict[str, Any]
) -> None:
    api = ApiClient.of(iam_outputs, SOURCE)
    answer = api.get("/tables", {"limit": "1"})
    assert set(answer) == {"items", "count", "next_token", "hours"}

    forged = ApiClient.of({**iam_outputs, "secret_access_key": "x" * 40}, SOURCE)
    with a_caller(lake, None) as keys:
        stranger = ApiClient.of({**iam_outputs, **keys}, SOURCE)
        for other in (forged, stranger, ApiClient(api.url, lake.client.outputs.api_key)):
            with pytest.raises(ApiError) as caught:
                other.get("/tables")
            assert caught.value.status == 403
