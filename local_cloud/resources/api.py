"""API Gateway: REST APIs built from explicit resources.

The AWS server cannot import an OpenAPI document.
"""

from __future__ import annotations

from typing import Any

from local_cloud.resources.registry import Context, Created, Resource, resource

SERVICE = "apigateway"


@resource("aws:apigateway/restApi:RestApi", {"failOnWarnings": "concerns imported documents only"})
def rest_api(context: Context, item: Resource) -> Created:
    if "body" in item.inputs:
        raise ValueError(
            "the AWS server cannot import an OpenAPI document; "
            "build the API from explicit resources"
        )
    name = item.physical_name()
    response = context.aws.call(SERVICE, "create_rest_api", item.rest(), name=name)
    api_id = response["id"]
    root = context.aws.client(SERVICE).get_resources(restApiId=api_id)["items"][0]["id"]
    return Created(
        api_id, _rest_api_outputs(context, api_id) | {"rootResourceId": root, "name": name}
    )


def _rest_api_outputs(context: Context, api_id: str) -> dict[str, str]:
    arn = f"arn:aws:apigateway:{context.aws.region}::/restapis/{api_id}"
    return {"arn": arn, "executionArn": context.aws.arn("execute-api", api_id)}


def _rest_of_api(item: Resource) -> tuple[str, dict[str, Any]]:
    """Return the API's id, which the provider calls restApi or restApiId, and the other inputs."""
    api_id = item.take("restApi") or item.need("restApiId")
    return str(api_id), item.rest()


@resource("aws:apigateway/resource:Resource")
def api_resource(context: Context, item: Resource) -> Created:
    api_id, inputs = _rest_of_api(item)
    response = context.aws.call(SERVICE, "create_resource", inputs, restApiId=api_id)
    return Created(response["id"], {"path": response["path"]})


@resource("aws:apigateway/requestValidator:RequestValidator")
def request_validator(context: Context, item: Resource) -> Created:
    api_id, inputs = _rest_of_api(item)
    inputs.setdefault("name", item.name)
    return Created(
        context.aws.call(SERVICE, "create_request_validator", inputs, restApiId=api_id)["id"]
    )


@resource("aws:apigateway/model:Model")
def model(context: Context, item: Resource) -> Created:
    api_id, inputs = _rest_of_api(item)
    response = context.aws.call(
        SERVICE, "create_model", {"name": item.name} | inputs, restApiId=api_id
    )
    return Created(response["id"], {"name": response["name"]})


@resource("aws:apigateway/method:Method")
def method(context: Context, item: Resource) -> Created:
    api_id, inputs = _rest_of_api(item)
    authorization = inputs.pop("authorization", "NONE")
    context.aws.call(
        SERVICE, "put_method", inputs, restApiId=api_id, authorizationType=authorization
    )
    return Created(f"agm-{api_id}-{inputs['resourceId']}-{inputs['httpMethod']}")


@resource("aws:apigateway/methodResponse:MethodResponse")
def method_response(context: Context, item: Resource) -> Created:
    api_id, inputs = _rest_of_api(item)
    context.aws.call(SERVICE, "put_method_response", inputs, restApiId=api_id)
    return Created(
        f"agmr-{api_id}-{inputs['resourceId']}-{inputs['httpMethod']}-{inputs['statusCode']}"
    )


@resource("aws:apigateway/integration:Integration")
def integration(context: Context, item: Resource) -> Created:
    api_id, inputs = _rest_of_api(item)
    back = inputs.pop("integrationHttpMethod", None)
    extra = {"integrationHttpMethod": back} if back else {}
    milliseconds = inputs.pop("timeoutMilliseconds", None)
    if milliseconds:
        extra["timeoutInMillis"] = milliseconds
    context.aws.call(SERVICE, "put_integration", inputs, restApiId=api_id, **extra)
    return Created(f"agi-{api_id}-{inputs['resourceId']}-{inputs['httpMethod']}")


@resource("aws:apigateway/integrationResponse:IntegrationResponse")
def integration_response(context: Context, item: Resource) -> Created:
    api_id, inputs = _rest_of_api(item)
    context.aws.call(SERVICE, "put_integration_response", inputs, restApiId=api_id)
    return Created(
        f"agir-{api_id}-{inputs['resourceId']}-{inputs['httpMethod']}-{inputs['statusCode']}"
    )


@resource("aws:apigateway/response:Response")
def gateway_response(context: Context, item: Resource) -> Created:
    api_id, inputs = _rest_of_api(item)
    context.aws.call(SERVICE, "put_gateway_response", inputs, restApiId=api_id)
    return Created(f"aggr-{api_id}-{inputs['responseType']}")


@resource(
    "aws:apigateway/deployment:Deployment", {"triggers": "every start is the first deployment"}
)
def deployment(context: Context, item: Resource) -> Created:
    api_id, inputs = _rest_of_api(item)
    return Created(context.aws.call(SERVICE, "create_deployment", inputs, restApiId=api_id)["id"])


@resource(
    "aws:apigateway/stage:Stage",
    {
        "accessLogSettings": "the AWS server writes no access log",
        "xrayTracingEnabled": "the AWS server has no tracing",
    },
)
def stage(context: Context, item: Resource) -> Created:
    api_id, inputs = _rest_of_api(item)
    deployment_id = inputs.pop("deployment")
    context.aws.call(SERVICE, "create_stage", inputs, restApiId=api_id, deploymentId=deployment_id)
    name = inputs["stageName"]
    outputs = {
        "invokeUrl": f"{context.aws.endpoint_url}/_aws/execute-api/{api_id}/{name}",
        "executionArn": context.aws.arn("execute-api", f"{api_id}/{name}"),
        "arn": f"arn:aws:apigateway:{context.aws.region}::/restapis/{api_id}/stages/{name}",
    }
    return Created(f"ags-{api_id}-{name}", outputs)


@resource("aws:apigateway/methodSettings:MethodSettings")
def method_settings(context: Context, item: Resource) -> Created:
    """Apply the settings so that AWS validates them. The usage plan does the actual throttling."""
    api_id, inputs = _rest_of_api(item)
    settings, prefix = inputs["settings"], f"/{inputs['methodPath']}"
    operations = [
        {"op": "replace", "path": prefix + METHOD_SETTINGS[key], "value": str(value).lower()}
        for key, value in settings.items()
    ]
    context.aws.client(SERVICE).update_stage(
        restApiId=api_id, stageName=inputs["stageName"], patchOperations=operations
    )
    return Created(f"{api_id}-{inputs['stageName']}-{inputs['methodPath']}")


METHOD_SETTINGS = {
    "metricsEnabled": "/metrics/enabled",
    "loggingLevel": "/logging/loglevel",
    "dataTraceEnabled": "/logging/dataTrace",
    "throttlingBurstLimit": "/throttling/burstLimit",
    "throttlingRateLimit": "/throttling/rateLimit",
    "cachingEnabled": "/caching/enabled",
}


@resource(
    "aws:apigateway/account:Account", {"cloudwatchRoleArn": "the AWS server writes no access log"}
)
def account(context: Context, item: Resource) -> Created:
    return Created("api-gateway-account")


@resource("aws:apigateway/apiKey:ApiKey")
def api_key(context: Context, item: Resource) -> Created:
    name, enabled = item.physical_name(), item.take("enabled", default=True)
    response = context.aws.call(SERVICE, "create_api_key", item.rest(), name=name, enabled=enabled)
    return Created(
        response["id"], {"value": response["value"], "name": name, "arn": response["id"]}
    )


@resource("aws:apigateway/usagePlan:UsagePlan")
def usage_plan(context: Context, item: Resource) -> Created:
    name = item.physical_name()
    inputs = item.rest()
    renamed = {"throttleSettings": "throttle", "quotaSettings": "quota"}
    response = context.aws.call(
        SERVICE,
        "create_usage_plan",
        {renamed.get(key, key): value for key, value in inputs.items()},
        name=name,
    )
    return Created(response["id"], {"name": name, "arn": response["id"]})


@resource("aws:apigateway/usagePlanKey:UsagePlanKey")
def usage_plan_key(context: Context, item: Resource) -> Created:
    response = context.aws.call(SERVICE, "create_usage_plan_key", item.rest())
    return Created(response["id"], {"value": response.get("value", "")})
