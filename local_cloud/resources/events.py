"""EventBridge: rules, targets and archives."""

from __future__ import annotations

from typing import Any

from local_cloud.resources.registry import Context, Created, Resource, resource

DEFAULT_BUS = "default"


@resource(
    "aws:cloudwatch/eventRule:EventRule", {"forceDestroy": "the local cloud is deleted as a whole"}
)
def rule(context: Context, item: Resource) -> Created:
    name = item.physical_name()
    response = context.aws.call("events", "put_rule", item.rest(), Name=name)
    return Created(name, {"arn": response["RuleArn"], "name": name, "eventBusName": DEFAULT_BUS})


@resource(
    "aws:cloudwatch/eventTarget:EventTarget",
    {"forceDestroy": "the local cloud is deleted as a whole"},
)
def target(context: Context, item: Resource) -> Created:
    """Create a target.

    The AWS server stores retry policy and dead-letter queue without using them.
    """
    rule_name, target_id = item.need("rule"), item.take("targetId") or item.name
    bus = item.take("eventBusName", DEFAULT_BUS)
    context.aws.call(
        "events",
        "put_targets",
        {"targets": [_target(item) | {"id": target_id}]},
        Rule=rule_name,
        EventBusName=bus,
    )
    return Created(f"{rule_name}-{target_id}", {"targetId": target_id})


def _target(item: Resource) -> dict[str, Any]:
    """Return the target's parameters under AWS's names. The provider renames some of them."""
    description = item.rest()
    renamed = {"deadLetterConfig": "DeadLetterConfig", "retryPolicy": "RetryPolicy"}
    return {renamed.get(key, key): value for key, value in description.items()}


@resource("aws:scheduler/schedule:Schedule")
def schedule(context: Context, item: Resource) -> Created:
    """Create a schedule that is switched off: a run that nobody asked for would disturb what people try."""
    name = item.physical_name()
    response = context.aws.call(
        "scheduler", "create_schedule", item.rest(), Name=name, State="DISABLED"
    )
    return Created(name, {"arn": response["ScheduleArn"], "name": name})


@resource("aws:cloudwatch/eventArchive:EventArchive")
def archive(context: Context, item: Resource) -> Created:
    name = item.physical_name()
    response = context.aws.call("events", "create_archive", item.rest(), ArchiveName=name)
    return Created(name, {"arn": response["ArchiveArn"], "name": name})
