"""CloudWatch: log groups, alarms and dashboards.

Alarms are created to validate them; the AWS server hardly evaluates them.
"""

from __future__ import annotations

from local_cloud.resources.registry import Context, Created, Resource, resource


@resource(
    "aws:cloudwatch/logGroup:LogGroup",
    {
        "skipDestroy": "the local cloud is deleted as a whole",
        "logGroupClass": "only changes the price",
    },
)
def log_group(context: Context, item: Resource) -> Created:
    name, keep_days = item.physical_name(), item.take("retentionInDays")
    logs = context.aws.client("logs")
    context.aws.call("logs", "create_log_group", item.rest(), logGroupName=name)
    if keep_days:
        logs.put_retention_policy(logGroupName=name, retentionInDays=keep_days)
    return Created(name, {"arn": context.aws.arn("logs", f"log-group:{name}"), "name": name})


@resource("aws:cloudwatch/logResourcePolicy:LogResourcePolicy")
def log_resource_policy(context: Context, item: Resource) -> Created:
    name = item.need("policyName")
    context.aws.call("logs", "put_resource_policy", item.rest(), policyName=name)
    return Created(name)


@resource("aws:cloudwatch/metricAlarm:MetricAlarm")
def metric_alarm(context: Context, item: Resource) -> Created:
    name = item.physical_name()
    dimensions = [
        {"Name": key, "Value": value} for key, value in item.take("dimensions", {}).items()
    ]
    inputs = {{"name": "alarmName"}.get(key, key): value for key, value in item.rest().items()}
    context.aws.call(
        "cloudwatch", "put_metric_alarm", inputs, AlarmName=name, Dimensions=dimensions
    )
    return Created(name, {"arn": context.aws.arn("cloudwatch", f"alarm:{name}"), "name": name})


@resource(
    "aws:cloudwatch/queryDefinition:QueryDefinition",
    {
        "logGroupNames": "the AWS server has no saved queries",
        "queryString": "the AWS server has no saved queries",
    },
)
def query_definition(context: Context, item: Resource) -> Created:
    return Created(item.need("name"))


@resource("aws:cloudwatch/dashboard:Dashboard")
def dashboard(context: Context, item: Resource) -> Created:
    name = item.need("dashboardName")
    context.aws.call("cloudwatch", "put_dashboard", item.rest(), DashboardName=name)
    return Created(
        name, {"dashboardArn": f"arn:aws:cloudwatch::{context.aws.account_id}:dashboard/{name}"}
    )
