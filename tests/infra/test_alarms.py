import json
import re

from etl_core.model.status import Status
from handlers.context import log_line
from tests.builders import an_upload
from tests.infra.engine import Stack

ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm"
FILTER = "aws:cloudwatch/logMetricFilter:LogMetricFilter"


def test_a_dead_letter_sets_off_the_alarm(plain: Stack):
    alarm = plain.one(ALARM, "-dead-letters").inputs
    assert alarm["dimensions"] == {"QueueName": plain.one("aws:sqs/queue:Queue").name}
    assert (alarm["namespace"], alarm["metricName"]) == (
        "AWS/SQS",
        "ApproximateNumberOfMessagesVisible",
    )
    assert (alarm["comparisonOperator"], alarm["threshold"]) == ("GreaterThanThreshold", 0)


def matching(stack: Stack, lines: list[str]) -> dict[str, int]:
    """Count the log lines that each metric filter of the stack counts.

    The filters have one form, which CloudWatch documents ("Filter pattern syntax for metric filters").
    """
    counts: dict[str, int] = {}
    for item in stack.of(FILTER):
        terms = re.fullmatch(
            r'\{ \$\.(\w+) = "(\w+)" && \$\.(\w+) = "(\w+)" \}', item.inputs["pattern"]
        )
        assert terms is not None
        wanted = {terms[1]: terms[2], terms[3]: terms[4]}
        name = item.inputs["metricTransformation"]["name"]
        counts[name] = sum(wanted.items() <= json.loads(line).items() for line in lines)
    return counts


def test_a_failed_upload_sets_off_an_alarm_and_a_refused_one_does_not(plain: Stack, capsys):
    """The lines are those that the record function writes."""
    upload = an_upload(key="dev/append/t/a.csv")
    for status in (Status.REJECTED, Status.REJECTED, Status.FAILED, Status.LOADED):
        log_line("recorded", upload, status=status, written=True)
    log_line("retry", upload, failure={"status": "failed"}, seconds=3)
    assert matching(plain, capsys.readouterr().out.splitlines()) == {"failed": 1, "rejected": 2}
    alarm = plain.one(ALARM, "-failed-loads").inputs
    [counted] = [
        f for f in plain.of(FILTER) if f.inputs["metricTransformation"]["name"] == "failed"
    ]
    assert counted.inputs["logGroupName"] == "/aws/lambda/redshift-lake-loader-dev-record"
    assert alarm["namespace"] == counted.inputs["metricTransformation"]["namespace"]
    assert alarm["metricName"] == "failed"
    metrics = {(a.inputs["namespace"], a.inputs["metricName"]) for a in plain.of(ALARM)}
    assert (alarm["namespace"], "rejected") not in metrics
    assert not {"ExecutionsFailed", "ExecutionsTimedOut"} & {name for _, name in metrics}


def test_every_function_has_alarms_and_refusals_are_no_error_of_load(plain: Stack):
    names = {f.name for f in plain.of("aws:lambda/function:Function")}

    def watched(metric: str) -> set[str]:
        alarms = [a.inputs for a in plain.of(ALARM) if a.inputs["metricName"] == metric]
        return {a["dimensions"]["FunctionName"] for a in alarms}

    prefix = "redshift-lake-loader-dev"
    # Bootstrap fails the `up` itself; a refused upload is an error of the load function.
    assert watched("Throttles") == names - {f"{prefix}-bootstrap"}
    assert watched("Errors") == names - {f"{prefix}-bootstrap", f"{prefix}-load"}


def test_rules_the_api_and_stopped_executions_have_alarms(plain: Stack):
    failed = [a.inputs for a in plain.of(ALARM) if a.inputs["metricName"] == "FailedInvocations"]
    rules = {rule.name for rule in plain.of("aws:cloudwatch/eventRule:EventRule")}
    assert {a["dimensions"]["RuleName"] for a in failed} == rules
    assert len(rules) == 2
    api = plain.one(ALARM, "-api-errors").inputs
    assert api["dimensions"] == {"ApiName": plain.one("aws:apigateway/restApi:RestApi").name}
    aborted = plain.one(ALARM, "-aborted-loads").inputs
    assert aborted["dimensions"] == {"StateMachineArn": plain.outputs["state_machine_arn"]}


def test_a_throttled_call_is_an_alarm_only_if_it_goes_on(plain: Stack):
    for alarm in plain.of(ALARM):
        periods = 3 if alarm.inputs["metricName"] == "Throttles" else 1
        assert alarm.inputs["evaluationPeriods"] == alarm.inputs["datapointsToAlarm"] == periods


def test_a_damaged_ledger_sets_off_the_alarm_of_the_scheduled_reconcile(plain: Stack):
    alarm = plain.one(ALARM, "-ledger-faults").inputs
    assert (alarm["namespace"], alarm["metricName"]) == ("RedshiftLakeLoader", "LedgerFaults")
    assert alarm["dimensions"] == {"FunctionName": plain.outputs["reconcile_function"]}


def test_without_an_address_the_alarms_exist_without_actions(plain: Stack):
    assert not [topic for topic in plain.of("aws:sns/topic:Topic") if "alarms" in topic.name]
    assert not any(alarm.inputs.get("alarmActions") for alarm in plain.of(ALARM))


def test_with_an_address_every_alarm_notifies_the_topic(everything: Stack):
    subscription = everything.one("aws:sns/topicSubscription:TopicSubscription", "-alarms").inputs
    assert (subscription["protocol"], subscription["endpoint"]) == ("email", "oncall@example.com")
    for alarm in everything.of(ALARM):
        assert alarm.inputs["alarmActions"] == [subscription["topic"]]
