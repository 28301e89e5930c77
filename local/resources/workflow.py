"""State machines."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from local.resources.registry import Context, Created, Resource, resource


@resource(
    "aws:sfn/stateMachine:StateMachine",
    {"publish": "one version is enough", "encryptionConfiguration": "the local AWS stores nothing at rest"},
)
def state_machine(context: Context, item: Resource) -> Created:
    name, logging = item.physical_name(), item.take("loggingConfiguration")
    inputs = item.rest() | ({"loggingConfiguration": _logging(logging)} if logging else {})
    arn = context.aws.call("stepfunctions", "create_state_machine", inputs, name=name)["stateMachineArn"]
    return Created(arn, {"arn": arn, "name": name, "status": "ACTIVE"})


def _logging(configuration: Mapping[str, Any]) -> dict[str, Any]:
    """The provider knows one destination, AWS a list of them."""
    group = configuration.get("logDestination")
    others = {key: value for key, value in configuration.items() if key != "logDestination"}
    return others | ({"destinations": [{"cloudWatchLogsLogGroup": {"logGroupArn": group}}]} if group else {})
