"""Step Functions: state machines."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from local_cloud.resources.registry import Context, Created, Resource, resource


@resource(
    "aws:sfn/stateMachine:StateMachine",
    {
        "publish": "one version is enough",
        "encryptionConfiguration": "the AWS server stores nothing on disk",
    },
)
def state_machine(context: Context, item: Resource) -> Created:
    name, logging = item.physical_name(), item.take("loggingConfiguration")
    definition = _with_local_throttling(item.take("definition"))
    inputs = (
        item.rest()
        | {"definition": definition}
        | ({"loggingConfiguration": _logging(logging)} if logging else {})
    )
    arn = context.aws.call("stepfunctions", "create_state_machine", inputs, name=name)[
        "stateMachineArn"
    ]
    return Created(arn, {"arn": arn, "name": name, "status": "ACTIVE"})


def _logging(configuration: Mapping[str, Any]) -> dict[str, Any]:
    """Convert the provider's single log destination to AWS's list of destinations."""
    group = configuration.get("logDestination")
    others = {key: value for key, value in configuration.items() if key != "logDestination"}
    return others | (
        {"destinations": [{"cloudWatchLogsLogGroup": {"logGroupArn": group}}]} if group else {}
    )


def _with_local_throttling(definition: str) -> str:
    """Make the retrier for `Lambda.TooManyRequestsException` also handle `Lambda.Unknown`.

    AWS reports a throttled function with the first name, the AWS server with the second. The AWS
    server reports a function that died as `Runtime.ExitError`.
    """
    document = json.loads(definition)
    for state in document["States"].values():
        for retrier in state.get("Retry", ()):
            errors = [error for error in retrier["ErrorEquals"] if error != "Lambda.Unknown"]
            throttled = "Lambda.TooManyRequestsException" in errors
            retrier["ErrorEquals"] = [*errors, "Lambda.Unknown"] if throttled else errors
        state["Retry"] = [retrier for retrier in state.get("Retry", ()) if retrier["ErrorEquals"]]
        if not state["Retry"]:
            del state["Retry"]
    return json.dumps(document)
