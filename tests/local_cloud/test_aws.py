"""Converting Pulumi inputs to the parameters of AWS operations."""

from __future__ import annotations

import boto3
import pytest

from local_cloud.aws import UnknownInputError, to_parameters


def shape_of(service: str, operation: str):
    client = boto3.client(
        service, region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x"
    )
    shape = client.meta.service_model.operation_model(operation).input_shape
    client.close()
    return shape


@pytest.mark.parametrize(
    ("service", "operation", "inputs", "parameters"),
    [
        pytest.param("lambda", "CreateFunction", {"timeout": 3}, {"Timeout": 3}, id="case"),
        pytest.param(
            "ec2",
            "CreateVpcEndpoint",
            {"routeTableIds": ["a"]},
            {"RouteTableIds": ["a"]},
            id="plural",
        ),
        pytest.param(
            "apigateway",
            "CreateRestApi",
            {"apiKeySource": "HEADER"},
            {"apiKeySource": "HEADER"},
            id="camel",
        ),
        pytest.param(
            "apigateway",
            "CreateRestApi",
            {"endpointConfiguration": {"types": "REGIONAL"}},
            {"endpointConfiguration": {"types": ["REGIONAL"]}},
            id="single value for a list",
        ),
        pytest.param(
            "lambda",
            "CreateFunction",
            {"environment": {"variables": {"LAKE_BUCKET": "lake"}}},
            {"Environment": {"Variables": {"LAKE_BUCKET": "lake"}}},
            id="map keys are unchanged",
        ),
        pytest.param(
            "apigateway",
            "PutGatewayResponse",
            {"statusCode": 404},
            {"statusCode": "404"},
            id="text",
        ),
    ],
)
def test_inputs_become_parameters(service, operation, inputs, parameters):
    assert to_parameters(shape_of(service, operation), inputs) == parameters


def test_an_unknown_input_is_an_error_at_any_depth():
    with pytest.raises(UnknownInputError, match=r"'environment\.variabels'"):
        to_parameters(shape_of("lambda", "CreateFunction"), {"environment": {"variabels": {}}})
