"""Lambda: functions, which run on an interpreter with only the packages of the Lambda layer.

They are declared as `provided.al2023` with our own client of the Runtime API. Otherwise the state
machine would not see the class name of an exception, which decides its retries. Layers are not
mounted; the interpreter has their packages.
"""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any

from local_cloud.archive import EXECUTABLE, Member, members, zip_bytes
from local_cloud.resources.registry import Context, Created, Resource, resource

LOCAL_RUNTIME = "provided.al2023"
BOOTSTRAP = Path(__file__).parents[1] / "bootstrap.py"
BOOTSTRAP_MEMBER = "_local_bootstrap.py"


@resource(
    "aws:lambda/function:Function",
    {
        "runtime": "the functions run on the local interpreter, through the Runtime API",
        "architectures": "the functions run on this machine's processor",
        "sourceCodeHash": "computed from the archive",
        "publish": "one version is enough",
        "layers": "the local interpreter has the layer's packages",
        "ephemeralStorage": "the functions write to this machine's disk",
        "vpcConfig": "the local cloud has no network model",
        "replaceSecurityGroupsOnDestroy": "the local cloud has no network model",
        "replacementSecurityGroupIds": "the local cloud has no network model",
        "skipDestroy": "the local cloud is deleted as a whole",
    },
)
def function(context: Context, item: Resource) -> Created:
    name, reserved = item.physical_name(), item.take("reservedConcurrentExecutions")
    code = with_bootstrap(context, item)
    response = context.aws.call(
        "lambda",
        "create_function",
        item.rest(),
        FunctionName=name,
        Runtime=LOCAL_RUNTIME,
        Code={"ZipFile": code},
    )
    if reserved is not None:
        context.aws.client("lambda").put_function_concurrency(
            FunctionName=name, ReservedConcurrentExecutions=reserved
        )
    return Created(name, function_outputs(context, response) | {"name": name})


def with_bootstrap(context: Context, item: Resource) -> bytes:
    """Return the program's archive with the files that start it locally."""
    content = {
        member.name: member for member in members(item.need("code"), context.working_directory)
    }
    interpreter = context.function_interpreter
    start = f'#!/bin/sh\nexec "{interpreter}" -u "$LAMBDA_TASK_ROOT/{BOOTSTRAP_MEMBER}"\n'
    content["bootstrap"] = Member("bootstrap", start.encode(), EXECUTABLE)
    content[BOOTSTRAP_MEMBER] = Member(BOOTSTRAP_MEMBER, BOOTSTRAP.read_bytes())
    return zip_bytes(content)


def function_outputs(context: Context, response: dict[str, Any]) -> dict[str, Any]:
    arn = response["FunctionArn"]
    path = f"lambda:path/2015-03-31/functions/{arn}/invocations"
    invoke = f"arn:aws:apigateway:{context.aws.region}:{path}"
    return {"arn": arn, "invokeArn": invoke, "qualifiedArn": f"{arn}:$LATEST", "version": "$LATEST"}


@resource(
    "aws:lambda/layerVersion:LayerVersion",
    {
        "code": "layers are not mounted; the local interpreter has the layer's packages",
        "sourceCodeHash": "computed from the archive",
        "skipDestroy": "the local cloud is deleted as a whole",
    },
)
def layer_version(context: Context, item: Resource) -> Created:
    """Create a layer with an empty archive.

    Its ARN is real, and the local interpreter has its packages.
    """
    name = item.need("layerName")
    empty = zip_bytes(
        {"python/README": Member("python/README", b"not mounted by the local cloud\n")}
    )
    response = context.aws.call(
        "lambda", "publish_layer_version", item.rest(), LayerName=name, Content={"ZipFile": empty}
    )
    return Created(
        response["LayerVersionArn"],
        {"arn": response["LayerVersionArn"], "layerArn": response["LayerArn"]},
    )


@resource(
    "aws:lambda/invocation:Invocation",
    {
        "triggers": "every start invokes it",
        "lifecycleScope": "the local cloud is deleted as a whole",
    },
)
def invocation(context: Context, item: Resource) -> Created:
    """Invoke a function once, when the warehouse is ready. Raises ValueError if the function fails."""
    name, text = item.need("functionName"), item.need("input")
    context.await_warehouse()
    response = context.aws.client("lambda").invoke(FunctionName=name, Payload=text.encode())
    result = response["Payload"].read().decode()
    if "FunctionError" in response:
        raise ValueError(f"the function {name} failed: {result}")
    return Created(f"{name}-invocation", {"result": result})


@resource("aws:lambda/permission:Permission")
def permission(context: Context, item: Resource) -> Created:
    statement = item.take("statementId") or f"{item.name}-{secrets.token_hex(4)}"
    function_name = item.need("function")
    context.aws.call(
        "lambda", "add_permission", item.rest(), FunctionName=function_name, StatementId=statement
    )
    return Created(statement, {"statementId": statement})


@resource("aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig")
def event_invoke_config(context: Context, item: Resource) -> Created:
    name = item.need("functionName")
    context.aws.call("lambda", "put_function_event_invoke_config", item.rest(), FunctionName=name)
    return Created(name)
