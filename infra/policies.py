"""Policy documents as plain values, with the permissions that each part needs.

`"Resource": "*"` is used only where AWS supports no narrower resource: network interfaces of
functions in a VPC, and log delivery of Step Functions.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from etl_core.model.lake_key import Action
from etl_core.model.notices import EVENT_SOURCE, EVENT_TYPE

Document = dict[str, Any]
Statement = dict[str, Any]


def document(*statements: Statement) -> Document:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def allow(sid: str, actions: Sequence[str], resources: Sequence[str]) -> Statement:
    return {"Sid": sid, "Effect": "Allow", "Action": list(actions), "Resource": list(resources)}


def trust(services: Sequence[str], account: str) -> Document:
    """Return a trust policy: only these AWS services can assume the role, and only for this account.

    Redshift does not say that it sends `aws:SourceAccount` when it assumes a role for COPY, so its
    roles have no such condition (management guide, "Restricting access to IAM roles").
    """
    statement: Statement = {
        "Effect": "Allow",
        "Principal": {"Service": list(services)},
        "Action": "sts:AssumeRole",
    }
    if not any(service.startswith("redshift") for service in services):
        statement["Condition"] = {"StringEquals": {"aws:SourceAccount": account}}
    return document(statement)


def bucket(bucket_arn: str, *more: Statement) -> Document:
    """Return a bucket policy that refuses requests without TLS (S3 user guide, "Security best practices")."""
    tls_only = {
        "Sid": "TlsOnly",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [bucket_arn, f"{bucket_arn}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    return document(tls_only, *more)


def lake(bucket_arn: str, producers: Sequence[str], databases: Sequence[str]) -> Document:
    """Return the policy of the lake. Producers of other accounts may put objects below
    `database/action/`; keys of IAM are case-sensitive, so the action is in lower case.
    """
    if not producers:
        return bucket(bucket_arn)
    keys = [f"{bucket_arn}/{name}/{action}/*" for name in databases for action in Action]
    put = allow("PutUploads", ["s3:PutObject"], keys)
    principals = [_principal(bucket_arn, producer) for producer in producers]
    return bucket(bucket_arn, {**put, "Principal": {"AWS": principals}})


def _principal(bucket_arn: str, producer: str) -> str:
    """Return the ARN of a producer. An account id means everybody whom that account allows."""
    partition = bucket_arn.split(":")[1]
    return f"arn:{partition}:iam::{producer}:root" if producer.isdigit() else producer


def write_logs(log_group_arn: str) -> Statement:
    return allow("WriteLogs", ["logs:CreateLogStream", "logs:PutLogEvents"], [f"{log_group_arn}:*"])


def write_flow_log(log_group_arn: str) -> list[Statement]:
    """Return the permissions of VPC flow logs (VPC user guide, "IAM role for publishing flow logs")."""
    streams = ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"]
    groups = allow("FindLogGroup", ["logs:DescribeLogGroups"], ["*"])
    return [allow("WriteFlowLog", streams, [log_group_arn, f"{log_group_arn}:*"]), groups]


def read_secret(secret_arn: str) -> Statement:
    return allow("ReadCredentials", ["secretsmanager:GetSecretValue"], [secret_arn])


def use_keys(own: str | None, uploads: Sequence[str], services: Sequence[str]) -> list[Statement]:
    """Return the permissions to use KMS keys, only through these services.

    `own` encrypts what the stack stores, `uploads` encrypt uploads (KMS developer guide,
    "kms:ViaService").
    """
    statements = []
    if own is not None:
        actions = ["kms:Decrypt", "kms:GenerateDataKey"]
        via = [_endpoint_of(service, own) for service in services]
        statements.append(_through(allow("UseKey", actions, [own]), via))
    if uploads:
        decrypt = allow("DecryptUploads", ["kms:Decrypt"], list(uploads))
        via = sorted({_endpoint_of("s3", key) for key in uploads})
        statements.append(_through(decrypt, via))
    return statements


def _through(statement: Statement, endpoints: list[str]) -> Statement:
    return {**statement, "Condition": {"StringEquals": {"kms:ViaService": endpoints}}}


def _endpoint_of(service: str, key_arn: str) -> str:
    """Return the service's endpoint in the region of the key."""
    _, partition, _, region, *_ = key_arn.split(":")
    return f"{service}.{region}.amazonaws.com{'.cn' if partition == 'aws-cn' else ''}"


def log_in_to_workgroup(workgroup_arn: str) -> Statement:
    return allow("LogIn", ["redshift-serverless:GetCredentials"], [workgroup_arn])


def log_in_to_cluster(cluster_arn: str) -> Statement:
    """Return the permission of a login with IAM.

    Its resource is a database of the cluster (service authorization reference, Redshift).
    """
    databases = f"{cluster_arn.replace(':cluster:', ':dbname:')}/*"
    return allow("LogIn", ["redshift:GetClusterCredentialsWithIAM"], [databases])


def load_uploads(lake_arn: str, work_arn: str, table_arn: str, login: Statement) -> list[Statement]:
    """Return the permissions of the load function. COPY reads the data with its own role."""
    return [
        allow("ReadUploads", ["s3:GetObject", "s3:GetObjectVersion"], [f"{lake_arn}/*"]),
        allow("FindUploads", ["s3:ListBucket", "s3:ListBucketVersions"], [lake_arn]),
        allow("WriteManifests", ["s3:GetObject", "s3:PutObject"], [f"{work_arn}/*"]),
        login,
        allow("SeeWhoWaits", ["dynamodb:Query"], [table_arn, f"{table_arn}/index/*"]),
    ]


def copy_long(warehouse_arn: str, login: Statement) -> list[Statement]:
    """Return the permissions of the long-copy function: run statements in the stack's warehouse, and
    see its own ones.

    A statement has no ARN; its owner is a condition (Redshift management guide, "Configuring IAM
    permissions" of the Data API). The Data API logs in as its caller does.
    """
    own = allow(
        "SeeOwnStatements",
        ["redshift-data:DescribeStatement", "redshift-data:GetStatementResult"],
        ["*"],
    )
    condition = {"StringEquals": {"redshift-data:statement-owner-iam-userid": "${aws:userid}"}}
    return [
        allow("RunStatements", ["redshift-data:BatchExecuteStatement"], [warehouse_arn]),
        {**own, "Condition": condition},
        login,
    ]


def prepare_warehouse(administrator_arn: str, loader_arn: str | None) -> list[Statement]:
    """Return the permissions of the bootstrap function: the administrator's secret, and the loader's,
    whose password it writes.
    """
    own = [] if loader_arn is None else [
        allow(
            "WriteLogin",
            ["secretsmanager:GetSecretValue", "secretsmanager:PutSecretValue"],
            [loader_arn],
        )
    ]  # fmt: skip
    return [read_secret(administrator_arn), *own]


def secrets_endpoint(loader_arns: Sequence[str], administrator_arns: Sequence[str]) -> Document:
    """Return the policy of the Secrets Manager endpoint: only the stack's secrets are reachable through it."""
    read, write = "secretsmanager:GetSecretValue", "secretsmanager:PutSecretValue"
    statements = [
        {**allow(sid, actions, arns), "Principal": "*"}
        for sid, actions, arns in (
            ("LoaderSecret", [read, write], loader_arns),
            ("AdministratorSecret", [read], administrator_arns),
        )
        if arns
    ]
    return document(*statements)


def login_endpoint(login: Statement) -> Document:
    """Return the policy of the endpoint that gives temporary credentials."""
    return document({**login, "Principal": "*"})


def make_snapshots(namespace_arn: str) -> Document:
    """Return the permission of the daily snapshots of a serverless namespace.

    A new snapshot has no known ARN: its resource is every snapshot of the account and region.
    """
    snapshots = f"{namespace_arn.rsplit(':', 1)[0]}:snapshot/*"
    return document(
        allow("MakeSnapshots", ["redshift-serverless:CreateSnapshot"], [namespace_arn, snapshots])
    )


def push_api_logs() -> Document:
    """Return the permissions of the role with which API Gateway writes the logs of every API of the account.

    API Gateway checks for all of them (developer guide, "Permissions for CloudWatch logging").
    """
    actions = [
        "logs:CreateLogGroup",
        "logs:CreateLogStream",
        "logs:DescribeLogGroups",
        "logs:DescribeLogStreams",
        "logs:PutLogEvents",
        "logs:GetLogEvents",
        "logs:FilterLogEvents",
    ]
    return document(allow("PushApiLogs", actions, ["*"]))


def alarm_key(partition: str, account: str) -> Document:
    """Return the policy of the key of the alarms' topic: the account administers it, CloudWatch uses it."""
    alarms = {
        **allow("CloudWatchAlarms", ["kms:Decrypt", "kms:GenerateDataKey"], ["*"]),
        "Principal": {"Service": "cloudwatch.amazonaws.com"},
        "Condition": {"StringEquals": {"aws:SourceAccount": account}},
    }
    owner = {
        **allow("AdministerKey", ["kms:*"], ["*"]),
        "Principal": {"AWS": f"arn:{partition}:iam::{account}:root"},
    }
    return document(owner, alarms)


def invoke(function_arn: str) -> Document:
    return document(allow("Invoke", ["lambda:InvokeFunction"], [function_arn]))


def use_network_interfaces() -> list[Statement]:
    """Return the permissions that Lambda needs to attach a function to a VPC, denied to the function's own code.

    Lambda developer guide, "Giving Lambda functions access to resources in an Amazon VPC".
    """
    actions = [
        "ec2:CreateNetworkInterface",
        "ec2:DescribeNetworkInterfaces",
        "ec2:DescribeSubnets",
        "ec2:DeleteNetworkInterface",
        "ec2:AssignPrivateIpAddresses",
        "ec2:UnassignPrivateIpAddresses",
    ]
    deny = allow("NotFromTheCode", actions, ["*"])
    condition = {"ArnLike": {"lambda:SourceFunctionArn": "arn:*:lambda:*:*:function:*"}}
    return [
        allow("AttachToNetwork", actions, ["*"]),
        {**deny, "Effect": "Deny", "Condition": condition},
    ]


def answer_uploads(table_arn: str) -> list[Statement]:
    """Return the permission to write the final status of uploads of other executions that a load also loaded."""
    return [allow("AnswerUploads", ["dynamodb:UpdateItem"], [table_arn])]


def take_turns(lease_table_arn: str) -> list[Statement]:
    """Return the permissions to take leases and to give them back."""
    actions = [
        "dynamodb:BatchGetItem",
        "dynamodb:DeleteItem",
        "dynamodb:PutItem",
        "dynamodb:UpdateItem",
    ]
    return [allow("TakeTurns", actions, [lease_table_arn])]


def write_log_entries(table_arn: str) -> list[Statement]:
    return [
        allow("WriteLogEntries", ["dynamodb:UpdateItem"], [table_arn]),
    ]


def query_log_entries(table_arn: str, lake_arn: str) -> list[Statement]:
    """Return the permissions of the query function: it reads the log, and the schema files in the lake.

    The action in a key has any case; the usual ones are listed. IAM's `*` also matches slashes.
    """
    schema_files = [f"{lake_arn}/*/{action}/*" for action in ("schema", "Schema", "SCHEMA")]
    return [
        allow("QueryLogEntries", ["dynamodb:Query"], [table_arn, f"{table_arn}/index/*"]),
        allow("ReadSchemaFiles", ["s3:GetObject", "s3:GetObjectVersion"], schema_files),
    ]


def reconcile_uploads(
    lake_arn: str, table_arn: str, machine_arn: str, tables_arn: str
) -> list[Statement]:
    """Return the permissions of the reconcile function.

    It reads no objects and has no credentials of the warehouse: it invokes the tables function to
    read ledgers.
    """
    return [
        allow("ListUploads", ["s3:ListBucketVersions"], [lake_arn]),
        allow(
            "CompleteLog",
            ["dynamodb:BatchGetItem", "dynamodb:Query", "dynamodb:UpdateItem"],
            [table_arn],
        ),
        allow("SeeWhoWaits", ["dynamodb:Scan"], [f"{table_arn}/index/*"]),
        allow("AskTables", ["lambda:InvokeFunction"], [tables_arn]),
        allow("StartLoads", ["states:StartExecution"], [machine_arn]),
        allow("SeeLoads", ["states:DescribeExecution"], [f"{executions_of(machine_arn)}:*"]),
    ]


def executions_of(machine_arn: str) -> str:
    """Return the prefix of the ARNs of a state machine's executions."""
    return machine_arn.replace(":stateMachine:", ":execution:")


def copy_data(lake_arn: str, work_arn: str, keys: Sequence[Statement]) -> Document:
    """Return the permissions of COPY: it reads uploads, pinned copies, and the manifests that list them."""
    return document(
        allow("ReadData", ["s3:GetObject"], [f"{lake_arn}/*", f"{work_arn}/*"]),
        allow("FindData", ["s3:GetBucketLocation", "s3:ListBucket"], [lake_arn, work_arn]),
        *keys,
    )


def send_notices(log_table_arn: str, topic_arn: str, bus_arn: str) -> list[Statement]:
    """Return the permissions to send a notice once: mark the log entry, put the event, publish the text."""
    own = {"StringEquals": {"events:source": EVENT_SOURCE, "events:detail-type": EVENT_TYPE}}
    return [
        allow("ClaimNotices", ["dynamodb:UpdateItem"], [log_table_arn]),
        {**allow("PutNotices", ["events:PutEvents"], [bus_arn]), "Condition": own},
        allow("PublishNotices", ["sns:Publish"], [topic_arn]),
    ]


def run_loads(
    function_arns: Sequence[str], table_arns: Sequence[str], notices: Sequence[Statement]
) -> Document:
    """Return the permissions of the state machine: invoke its functions, look at entries and leases
    while an execution waits, send notices, and deliver its own log.

    The actions of log delivery support no resource (Step Functions developer guide, "Using
    CloudWatch Logs to log execution history").
    """
    delivery = [
        "logs:CreateLogDelivery",
        "logs:GetLogDelivery",
        "logs:UpdateLogDelivery",
        "logs:DeleteLogDelivery",
        "logs:ListLogDeliveries",
        "logs:PutResourcePolicy",
        "logs:DescribeResourcePolicies",
        "logs:DescribeLogGroups",
    ]
    return document(
        allow("InvokeFunctions", ["lambda:InvokeFunction"], sorted(function_arns)),
        allow("Look", ["dynamodb:BatchGetItem"], sorted(table_arns)),
        *notices,
        allow("DeliverLogs", delivery, ["*"]),
    )


def start_loads(state_machine_arn: str) -> Document:
    return document(allow("StartLoads", ["states:StartExecution"], [state_machine_arn]))


def accept_dead_letters(queue_arn: str, rule_arn: str) -> Document:
    """Return a queue policy: only this rule can send messages."""
    statement = {
        **allow("TakeDeadLetters", ["sqs:SendMessage"], [queue_arn]),
        "Principal": {"Service": "events.amazonaws.com"},
        "Condition": {"ArnEquals": {"aws:SourceArn": rule_arn}},
    }
    return document(statement)


def bucket_endpoint(lake_arn: str, work_arn: str) -> Document:
    """Return the policy of the S3 endpoint: only the buckets of the stack are reachable through it."""
    objects = ["s3:GetObject", "s3:GetObjectVersion", "s3:PutObject"]
    buckets = ["s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketVersions"]
    return document(
        {**allow("Objects", objects, [f"{lake_arn}/*", f"{work_arn}/*"]), "Principal": "*"},
        {**allow("Buckets", buckets, [lake_arn, work_arn]), "Principal": "*"},
    )


def table_endpoint(table_arn: str) -> Document:
    """Return the policy of the DynamoDB endpoint: only the log table is reachable through it."""
    actions = ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query", "dynamodb:UpdateItem"]
    return document(
        {**allow("LogTable", actions, [table_arn, f"{table_arn}/index/*"]), "Principal": "*"}
    )
