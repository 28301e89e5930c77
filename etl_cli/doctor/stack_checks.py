"""What is broken in a deployed stack, judged from what was read of it. Pure.

The order is that of an upload: bucket, rule, workflow, functions, warehouse, COPY; then the notices, the
API and the account's limits.
"""

from __future__ import annotations

from collections.abc import Iterator

from etl_cli.doctor.evidence import (
    ApiAnswers,
    Concurrency,
    FunctionState,
    Machine,
    Permission,
    Rule,
    StackEvidence,
    Trust,
)
from etl_cli.doctor.findings import Finding, Missing, Unread, absent, broken, ok, unchecked
from etl_cli.doctor.notice_checks import check_notices
from etl_core.access.probe import Link, ProbeAnswer
from etl_core.model import function_settings as env
from etl_core.recovery.tables_requests import ProbeResult

_UP = "Run pulumi up, which restores it"
_REFRESH = "Run pulumi refresh, then pulumi up, which restores it"
_REDSHIFT = ("redshift.amazonaws.com", "redshift-serverless.amazonaws.com")
_PROBED = {
    Link.OBJECTS: "the lake, from a function",
    Link.LOG: "the log, from a function",
    Link.CREDENTIALS: "credentials of the loads",
    Link.CONNECTION: "connection to the warehouse",
    Link.LOGIN: "login to the warehouse",
    Link.RIGHTS: "rights in the warehouse",
}
_PROBE_FIXES = {
    Link.OBJECTS: "Check the function's role, and that its network has an endpoint for S3 or a NAT gateway",
    Link.LOG: "Check the function's role, and that its network has an endpoint for DynamoDB or a NAT gateway",
    Link.CREDENTIALS: "Check the secret or the workgroup, the function's role, and that its network has an "
    "endpoint for Secrets Manager (a login with IAM: for Redshift)",
    Link.CONNECTION: "Check that the warehouse runs, its security group and the routes of the functions' subnets",
    Link.LOGIN: "Run etl bootstrap as the administrator, which writes the loader's user and password again",
    Link.RIGHTS: "Run etl bootstrap as the administrator",
}


def check_stack(evidence: StackEvidence) -> Iterator[Finding]:
    """Yield a finding for each link."""
    yield from _account(evidence)
    yield from _events(evidence)
    yield from _rule(evidence)
    yield from _machine(evidence)
    for noun in evidence.functions:
        yield from _function(evidence, noun)
    yield from _probes(evidence)
    yield from _copy_role(evidence)
    yield from check_notices(evidence.notices)
    yield from _api(evidence)
    yield from _quota(evidence)


def _account(evidence: StackEvidence) -> Iterator[Finding]:
    check, names = "account and region", evidence.names
    subject = f"{names.account} {names.region}"
    if not isinstance(evidence.account, str):
        yield absent(check, subject, evidence.account, "Log in to AWS")
    elif evidence.account != names.account:
        yield broken(
            check,
            subject,
            f"the stack is in the account {names.account}, but your AWS credentials are for {evidence.account}",
            f"Use credentials for {names.account}, for example with AWS_PROFILE",
        )
    elif evidence.region != names.region:
        yield broken(
            check,
            subject,
            f"the stack is in {names.region}, but its outputs name the region {evidence.region}",
            "Write the outputs file again: pulumi stack output --json --show-secrets",
        )
    else:
        yield ok(check, subject)


def _events(evidence: StackEvidence) -> Iterator[Finding]:
    check, bucket = "bucket notification", evidence.names.lake_bucket
    if not isinstance(evidence.events_on, bool):
        yield absent(check, bucket, evidence.events_on, _REFRESH)
    elif evidence.events_on:
        yield ok(check, bucket, "sends its events to EventBridge")
    else:
        yield broken(
            check,
            bucket,
            "the bucket sends no events to EventBridge, so no upload starts a load",
            f"{_REFRESH}; five minutes later run etl reconcile, which sends what was missed",
        )


def _rule(evidence: StackEvidence) -> Iterator[Finding]:
    check, rules = "event rule", evidence.rules
    machine = evidence.names.state_machine_arn
    if not isinstance(rules, tuple):
        yield absent(check, machine, rules, _REFRESH)
        return
    own = [rule for rule in rules if rule.names_bucket(evidence.names.lake_bucket)]
    if not own:
        yield broken(
            check,
            machine,
            f"no rule for uploads to {evidence.names.lake_bucket} has the state machine as its target",
            f"{_REFRESH}; then run etl reconcile, which sends what was missed",
        )
    for rule in own:
        yield _enabled(check, rule)
        yield from _target(evidence, rule)


def _enabled(check: str, rule: Rule) -> Finding:
    if rule.is_enabled:
        return ok(check, rule.name, "enabled")
    return broken(
        check,
        rule.name,
        "the rule is disabled, so no upload starts a load",
        f"aws events enable-rule --name {rule.name}; then run etl reconcile, which sends what was missed",
    )


def _target(evidence: StackEvidence, rule: Rule) -> Iterator[Finding]:
    check, machine = "role of the rule's target", evidence.names.state_machine_arn
    for target in rule.targets:
        if target.arn != machine:
            continue
        if target.role_arn is None:
            detail = "the target has no role, so EventBridge cannot start the state machine"
            yield broken(check, rule.name, detail, _REFRESH)
        else:
            yield _role(evidence, check, target.role_arn, ("events.amazonaws.com",))


def _machine(evidence: StackEvidence) -> Iterator[Finding]:
    check, machine = "state machine", evidence.machine
    arn = evidence.names.state_machine_arn
    if not isinstance(machine, Machine):
        yield absent(check, arn, machine, _REFRESH)
        return
    if machine.status == "ACTIVE":
        yield ok(check, arn)
    else:
        yield broken(check, arn, f"its status is {machine.status}", _REFRESH)
    yield _role(evidence, "role of the state machine", machine.role_arn, ("states.amazonaws.com",))


def _function(evidence: StackEvidence, noun: str) -> Iterator[Finding]:
    check, function = f"function {noun}", evidence.functions[noun]
    if not isinstance(function, FunctionState):
        yield absent(check, noun, function, _REFRESH)
        return
    if function.state == "Pending":
        yield unchecked(
            check, function.arn, "it is being created or changed; try again in a minute"
        )
    elif function.state not in ("Active", "Inactive"):
        detail = f"its state is {function.state}: {function.reason}".removesuffix(": ")
        yield broken(check, function.arn, detail, _UP)
    elif function.reserved == 0:
        detail = "its reserved concurrency is 0, so it never runs"
        name = function.arn.rpartition(":")[2]
        fix = f"aws lambda delete-function-concurrency --function-name {name}"
        yield broken(check, function.arn, detail, fix)
    else:
        yield ok(check, function.arn)
    yield _role(
        evidence, f"role of the function {noun}", function.role_arn, ("lambda.amazonaws.com",)
    )


def _role(
    evidence: StackEvidence, check: str, arn: str, services: tuple[str, ...], fix: str = _REFRESH
) -> Finding:
    """Return whether one of the services can assume the role, and the role can do what it is for."""
    trust = evidence.trusts.get(arn, Unread("it was not read"))
    if not isinstance(trust, Trust):
        return absent(check, arn, trust, fix)
    if not any(trust.admits(service, evidence.names.account) for service in services):
        detail = f"its trust policy does not let {' or '.join(services)} assume it"
        return broken(check, arn, detail, fix)
    known = {each: value for each, value in evidence.permissions.items() if each.role_arn == arn}
    denied = [each for each, value in known.items() if value is False or isinstance(value, Missing)]
    if denied:
        shown = "; ".join(map(_describe, denied[:3]))
        return broken(check, arn, f"its policies do not allow {shown}", fix)
    unknown = [value for value in known.values() if isinstance(value, Unread)]
    if unknown:
        return unchecked(check, arn, f"its policies could not be simulated: {unknown[0].reason}")
    return ok(check, arn, f"{len(known)} permissions simulated")


def _describe(permission: Permission) -> str:
    return f"{permission.action} on {permission.resource}"


def _probes(evidence: StackEvidence) -> Iterator[Finding]:
    probes, check = evidence.probes, "answer of the tables function"
    subject = evidence.names.tables_function
    if not isinstance(probes, ProbeResult):
        reason = probes.reason if isinstance(probes, Unread) else ""
        if "is not one of" in reason:
            yield unchecked(
                check, subject, "the stack is of a version before etl doctor: run pulumi up"
            )
        elif isinstance(evidence.functions.get("tables"), FunctionState):
            yield broken(check, subject, reason, "Look into its log group, then run pulumi up")
        else:
            yield unchecked(check, subject, reason)
        return
    yield ok(check, subject)
    for answer in probes.answers:
        yield _probe(answer)


def _probe(answer: ProbeAnswer) -> Finding:
    check = _PROBED[answer.link]
    if not answer.was_tried:
        return unchecked(check, answer.subject, "something before it is broken")
    if answer.problem is None:
        return ok(check, answer.subject)
    return broken(check, answer.subject, answer.problem, _PROBE_FIXES[answer.link])


def _copy_role(evidence: StackEvidence) -> Iterator[Finding]:
    functions = [each for each in evidence.functions.values() if isinstance(each, FunctionState)]
    arns = {each.variables.get(env.COPY_ROLE_ARN) for each in functions} - {None}
    if not arns:
        yield unchecked("role for COPY", "", "no function names it")
    for arn in sorted(filter(None, arns)):
        yield _role(evidence, "role for COPY", arn, _REDSHIFT)
        yield _association(evidence, arn)


def _association(evidence: StackEvidence, arn: str) -> Finding:
    check, roles = "role for COPY in the warehouse", evidence.warehouse_roles
    if not isinstance(roles, frozenset):
        fix = "Check warehouseWorkgroup or warehouseCluster, then run pulumi up"
        return absent(check, arn, roles, fix)
    if arn in roles:
        return ok(check, arn)
    shown = ", ".join(sorted(roles)) or "none"
    return broken(
        check,
        arn,
        f"the role is not associated with the warehouse, so COPY cannot use it; associated: {shown}",
        "A cluster: aws redshift modify-cluster-iam-roles --cluster-identifier NAME --add-iam-roles "
        f"{arn}; Redshift Serverless: aws redshift-serverless update-namespace --iam-roles with all roles",
    )


def _api(evidence: StackEvidence) -> Iterator[Finding]:
    api, url = evidence.api, evidence.names.api_url
    if not isinstance(api, ApiAnswers):
        reason = api.reason if isinstance(api, Unread) else "it does not exist"
        yield broken("API", url, reason, _REFRESH)
        return
    if api.health == 200:
        yield ok("API", url)
    else:
        detail = f"/health answers {api.health}"
        yield broken(
            "API", url, detail, "Look into the log group of the query function, then run pulumi up"
        )
    yield _key(api, url)


def _key(api: ApiAnswers, url: str) -> Finding:
    check = "API key"
    if api.without_key == 200:
        return broken(check, url, "the API answers without a key or signature", _REFRESH)
    if api.with_key == 403:
        detail = "the API refuses the key of the stack's outputs, or your signature"
        return broken(
            check,
            url,
            detail,
            "Write the outputs again: pulumi stack output --json --show-secrets; if it goes on, run pulumi refresh "
            "and pulumi up. With apiAuth iam, you need execute-api:Invoke on the API",
        )
    if api.with_key == 200:
        return ok(check, url)
    return unchecked(check, url, f"the API answers {api.with_key} with the key")


def _quota(evidence: StackEvidence) -> Iterator[Finding]:
    check, limit = "functions at the same time", evidence.concurrency
    if not isinstance(limit, Concurrency):
        yield absent(check, evidence.names.account, limit, "Log in to AWS")
        return
    load, record = evidence.functions.get("load"), evidence.functions.get("record")
    if not isinstance(load, FunctionState) or not isinstance(record, FunctionState):
        yield unchecked(
            check, evidence.names.account, "the functions load and record were not read"
        )
        return
    loads = _number(record.variables.get(env.PARALLEL_LOADS))
    detail = (
        f"{limit.unreserved} of {limit.limit} are unreserved; {loads} loads run at the same time"
    )
    if load.reserved or loads < limit.unreserved:
        yield ok(check, evidence.names.account, detail)
        return
    yield broken(
        check,
        evidence.names.account,
        f"{detail}, which leaves none for the other functions",
        "Set a smaller maxParallelLoads, or ask AWS for a higher quota: aws service-quotas "
        "request-service-quota-increase --service-code lambda --quota-code L-B99A9384 --desired-value 1000",
    )


def _number(text: str | None) -> int:
    return int(text) if text is not None and text.isascii() and text.isdigit() else 0
