"""Which permissions the roles of a stack need, derived from what was read of it. Pure.

One action stands for each right whose loss breaks loads: not every action of a policy is here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from etl_cli.doctor.evidence import FunctionState, Machine, Permission, Rule, StackNames
from etl_core.model import function_settings as env

Variables = Mapping[str, str]


def needs_of_machine(names: StackNames, machine: Machine) -> Iterator[Permission]:
    """Yield what the state machine does with its role."""
    for arn in sorted(set(machine.functions().values())):
        yield Permission(machine.role_arn, "lambda:InvokeFunction", arn)
    for table in machine.tables():
        yield Permission(machine.role_arn, "dynamodb:BatchGetItem", _table(names, table))
    for table in machine.claimed_tables():
        yield Permission(machine.role_arn, "dynamodb:UpdateItem", _table(names, table))
    if topic := machine.notice_topic():
        yield Permission(machine.role_arn, "sns:Publish", topic)


def needs_of_rule(names: StackNames, rule: Rule) -> Iterator[Permission]:
    """Yield what EventBridge does with the role of the rule's target."""
    for target in rule.targets:
        if target.arn == names.state_machine_arn and target.role_arn is not None:
            yield Permission(target.role_arn, "states:StartExecution", names.state_machine_arn)


def needs_of_function(
    names: StackNames, noun: str, function: FunctionState
) -> Iterator[Permission]:
    """Yield what the function does with its role."""
    role, variables = function.role_arn, function.variables
    if function.is_in_network:
        yield Permission(role, "ec2:CreateNetworkInterface", "*")
    for action, resource in _calls(names, noun, variables):
        yield Permission(role, action, resource)


def _calls(names: StackNames, noun: str, variables: Variables) -> Iterator[tuple[str, str]]:
    log = _table(names, variables.get(env.LOG_TABLE, ""))
    match noun:
        case "record":
            yield "dynamodb:UpdateItem", log
            if leases := variables.get(env.LEASE_TABLE):
                yield "dynamodb:PutItem", _table(names, leases)
        case "load" | "tables":
            yield from _loads(names, variables)
            yield "dynamodb:Query", log
            if noun == "load":
                yield "dynamodb:UpdateItem", log
        case "reconcile":
            yield "s3:ListBucketVersions", _bucket(names, names.lake_bucket)
            yield "dynamodb:Query", log
            yield "states:StartExecution", names.state_machine_arn
            yield "lambda:InvokeFunction", _function(names, names.tables_function)
        case "webhook":
            yield "secretsmanager:GetSecretValue", variables.get(env.WEBHOOK_SECRET_ARN, "")
        case "query":
            yield "dynamodb:Query", f"{log}/index/any"


def _loads(names: StackNames, variables: Variables) -> Iterator[tuple[str, str]]:
    lake = _bucket(names, variables.get(env.LAKE_BUCKET, ""))
    work = _bucket(names, variables.get(env.WORK_BUCKET, ""))
    yield "s3:GetObjectVersion", f"{lake}/any"
    yield "s3:ListBucketVersions", lake
    yield "s3:PutObject", f"{work}/any"
    if secret := variables.get(env.WAREHOUSE_SECRET_ARN):
        yield "secretsmanager:GetSecretValue", secret


def needs_of_copy(names: StackNames, role_arn: str, variables: Variables) -> Iterator[Permission]:
    """Yield what COPY does with its role."""
    for name in (variables.get(env.LAKE_BUCKET, ""), variables.get(env.WORK_BUCKET, "")):
        bucket = _bucket(names, name)
        yield Permission(role_arn, "s3:GetObject", f"{bucket}/any")
        yield Permission(role_arn, "s3:ListBucket", bucket)


def _bucket(names: StackNames, name: str) -> str:
    return f"arn:{names.partition}:s3:::{name}"


def _table(names: StackNames, name: str) -> str:
    return f"arn:{names.partition}:dynamodb:{names.region}:{names.account}:table/{name}"


def _function(names: StackNames, name: str) -> str:
    return f"arn:{names.partition}:lambda:{names.region}:{names.account}:function:{name}"
