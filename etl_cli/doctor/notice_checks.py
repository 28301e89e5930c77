"""What is broken in the way of the notices of refused uploads. Pure.

state machine -> event bus -> rule -> webhook function -> secret with the URL
state machine -> topic -> subscriptions
"""

from __future__ import annotations

from collections.abc import Iterator

from etl_cli.doctor.evidence import NoticeLinks, Rule, Subscribers, WebhookLinks
from etl_cli.doctor.findings import Finding, Missing, Read, Unread, absent, broken, ok, unchecked
from etl_core.model.notices import EVENT_SOURCE

_REFRESH = "Run pulumi refresh, then pulumi up, which restores it"
_SHOWN = 5


def check_notices(notices: Read[NoticeLinks]) -> Iterator[Finding]:
    """Yield a finding for each link of the notices."""
    check = "notice topic"
    if isinstance(notices, Missing | Unread):
        yield absent(check, "", notices, _REFRESH)
        return
    if notices.topic_arn is None or notices.bus is None:
        reason = "the stack is of a version that sends no notices: run pulumi up"
        yield unchecked(check, "", reason)
        return
    yield from _topic(notices.topic_arn, notices.subscribers)
    if isinstance(notices.bus_found, str):
        yield ok("event bus of the notices", notices.bus)
    else:
        yield absent("event bus of the notices", notices.bus, notices.bus_found, _REFRESH)
    if notices.webhook is not None:
        yield from _webhook(notices.webhook)


def _topic(arn: str, subscribers: Read[Subscribers | None]) -> Iterator[Finding]:
    if not isinstance(subscribers, Subscribers):
        yield absent("notice topic", arn, subscribers or Missing(), _REFRESH)
        return
    yield ok("notice topic", arn)
    check = "subscriptions of the notice topic"
    if not subscribers.pending:
        yield ok(check, arn, f"{subscribers.confirmed} confirmed")
        return
    shown = ", ".join(subscribers.pending_addresses[:_SHOWN])
    yield broken(
        check,
        arn,
        f"{subscribers.pending} not confirmed, so no notice is sent there: {shown}".removesuffix(
            ": "
        ),
        "Open the link in the message of AWS to this address. If it has expired: aws sns subscribe "
        f"--topic-arn {arn} --protocol PROTOCOL --notification-endpoint ADDRESS",
    )


def _webhook(webhook: WebhookLinks) -> Iterator[Finding]:
    yield from _rules(webhook)
    check, arn = "permission of the webhook's rule", webhook.function_arn
    if webhook.may_invoke is True:
        yield ok(check, arn)
    elif isinstance(webhook.may_invoke, Unread):
        yield unchecked(check, arn, webhook.may_invoke.reason)
    else:
        yield broken(check, arn, "EventBridge may not invoke the function", _REFRESH)
    check, secret = "secret of the webhook", webhook.secret_arn
    if not isinstance(webhook.has_value, bool):
        fix = "Create the secret with the URL of the webhook, set notifyWebhookSecretArn, and run pulumi up"
        yield absent(check, secret, webhook.has_value, fix)
    elif webhook.has_value:
        yield ok(check, secret)
    else:
        yield broken(
            check,
            secret,
            "it has no current value, or it is to be deleted",
            f"aws secretsmanager restore-secret --secret-id {secret}; then put the URL of the webhook into it",
        )


def _rules(webhook: WebhookLinks) -> Iterator[Finding]:
    check, arn, rules = "rule of the webhook", webhook.function_arn, webhook.rules
    if isinstance(rules, Missing | Unread):
        yield absent(check, arn, rules, _REFRESH)
        return
    own = [rule for rule in rules if rule.pattern.get("source") == [EVENT_SOURCE]]
    if not own:
        yield broken(check, arn, "no rule for notices has the function as its target", _REFRESH)
    yield from (_enabled(check, rule) for rule in own)


def _enabled(check: str, rule: Rule) -> Finding:
    if rule.is_enabled:
        return ok(check, rule.name, "enabled")
    fix = f"aws events enable-rule --name {rule.name}"
    return broken(
        check, rule.name, "the rule is disabled, so no notice reaches the chat service", fix
    )
