"""The calls of doctor about notices: the topic, the event bus and the webhook. Changes nothing."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from etl_cli.doctor.evidence import (
    FunctionState,
    Machine,
    NoticeLinks,
    Rule,
    Subscribers,
    WebhookLinks,
)
from etl_cli.doctor.findings import Read, T
from etl_core.model import function_settings as env

ClientOf = Callable[[str], Any]
Attempt = Callable[[Callable[[], T]], Read[T]]

WEBHOOK = "-notices-webhook"
_EVENTS = "events.amazonaws.com"


def find_webhook(client_of: ClientOf, stack: str) -> str | None:
    """Return the ARN of the stack's webhook function, None if it has none."""
    for page in client_of("lambda").get_paginator("list_functions").paginate():
        for function in page["Functions"]:
            if function["FunctionName"].startswith(f"{stack}{WEBHOOK}"):
                return str(function["FunctionArn"])
    return None


def read_links(
    client_of: ClientOf,
    attempt: Attempt[Any],
    rule: Callable[[Any, str], Rule],
    machine: Machine,
    webhook: FunctionState | None,
) -> NoticeLinks:
    """Return what was read of the parts that the workflow's definition names, and of the webhook."""
    topic, bus = machine.notice_topic(), machine.notice_bus()
    return NoticeLinks(
        topic,
        bus,
        attempt(partial(_subscribers, client_of, topic)) if topic else None,
        attempt(partial(_bus, client_of, bus)) if bus else "",
        None if webhook is None else _webhook(client_of, attempt, rule, webhook),
    )


def _subscribers(client_of: ClientOf, topic: str) -> Subscribers:
    """Return the counts, and the pending addresses of the first page: they have no ARN yet."""
    client = client_of("sns")
    counts = client.get_topic_attributes(TopicArn=topic)["Attributes"]
    found = client.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    pending = [each["Endpoint"] for each in found if not each["SubscriptionArn"].startswith("arn:")]
    return Subscribers(
        int(counts["SubscriptionsConfirmed"]), int(counts["SubscriptionsPending"]), tuple(pending)
    )


def _bus(client_of: ClientOf, bus: str) -> str:
    return str(client_of("events").describe_event_bus(Name=bus)["Arn"])


def _webhook(
    client_of: ClientOf,
    attempt: Attempt[Any],
    rule: Callable[[Any, str], Rule],
    function: FunctionState,
) -> WebhookLinks:
    secret = function.variables.get(env.WEBHOOK_SECRET_ARN, "")
    return WebhookLinks(
        function.arn,
        attempt(partial(_rules, client_of, rule, function.arn)),
        attempt(partial(_may_invoke, client_of, function.arn)),
        secret,
        attempt(partial(_has_value, client_of, secret)),
    )


def _rules(client_of: ClientOf, rule: Callable[[Any, str], Rule], arn: str) -> tuple[Rule, ...]:
    events = client_of("events")
    names = events.list_rule_names_by_target(TargetArn=arn)["RuleNames"]
    return tuple(rule(events, name) for name in names)


def _may_invoke(client_of: ClientOf, arn: str) -> bool:
    """Return whether the function's own policy lets EventBridge invoke it."""
    policy = json.loads(client_of("lambda").get_policy(FunctionName=arn)["Policy"])
    return any(map(_admits_events, policy["Statement"]))


def _admits_events(statement: Mapping[str, Any]) -> bool:
    principal = statement.get("Principal")
    service = principal.get("Service") if isinstance(principal, Mapping) else principal
    return statement.get("Effect") == "Allow" and service == _EVENTS


def _has_value(client_of: ClientOf, secret: str) -> bool:
    """Return whether the secret has a current value and is not to be deleted. The value is not read."""
    found = client_of("secretsmanager").describe_secret(SecretId=secret)
    stages = [stage for each in found.get("VersionIdsToStages", {}).values() for stage in each]
    return "DeletedDate" not in found and "AWSCURRENT" in stages
