import json

import pytest

from etl_core.model.status import Status
from handlers.context import log_line
from handlers.metrics import answer_metrics
from tests.builders import an_upload
from tests.infra.engine import Stack

ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm"


def test_a_dead_letter_sets_off_the_alarm(plain: Stack):
    alarm = plain.one(ALARM, "-dead-letters").inputs
    assert alarm["dimensions"] == {"QueueName": plain.one("aws:sqs/queue:Queue").name}
    assert (alarm["namespace"], alarm["metricName"]) == (
        "AWS/SQS",
        "ApproximateNumberOfMessagesVisible",
    )
    assert (alarm["comparisonOperator"], alarm["threshold"]) == ("GreaterThanThreshold", 0)


def measured(lines: list[str]) -> dict[tuple[str, str, str], float]:
    """Return the sums that CloudWatch extracts from log lines: by namespace, stack and metric."""
    sums: dict[tuple[str, str, str], float] = {}
    for line in map(json.loads, lines):
        for directive in line.get("_aws", {}).get("CloudWatchMetrics", []):
            assert directive["Dimensions"] == [["Stack"]]
            for metric in directive["Metrics"]:
                key = (directive["Namespace"], line["Stack"], metric["Name"])
                sums[key] = sums.get(key, 0) + line[metric["Name"]]
    return sums


def test_a_failed_upload_sets_off_an_alarm_and_a_refused_one_does_not(
    plain: Stack, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    """The lines are those that the functions write."""
    functions = {f.name: f for f in plain.of("aws:lambda/function:Function")}
    for noun in ("load", "record"):
        variables = functions[f"redshift-lake-loader-dev-{noun}"].inputs["environment"]["variables"]
        monkeypatch.setenv("STACK", variables["STACK"])
    upload = an_upload(key="dev/append/t/a.csv")
    for status in (Status.REJECTED, Status.REJECTED, Status.FAILED, Status.UNKNOWN, Status.LOADED):
        log_line("recorded", upload, status=status, **answer_metrics(upload, status, {}))
    sums = measured(capsys.readouterr().out.splitlines())

    def watched(metric: str) -> bool:
        keys = {
            (i["namespace"], i["dimensions"].get("Stack"), i["metricName"])
            for i in (alarm.inputs for alarm in plain.of(ALARM))
        }
        [key] = [key for key in sums if key[2] == metric]
        return key in keys

    assert {key[2]: value for key, value in sums.items() if key[2] != "Bytes"} == {
        "Rejected": 2, "Failed": 1, "Unknown": 1, "Loaded": 1,
    }  # fmt: skip
    assert [watched(metric) for metric in ("Failed", "Unknown", "Rejected", "Loaded")] == [
        True, True, False, False,
    ]  # fmt: skip
    names = {alarm.inputs["metricName"] for alarm in plain.of(ALARM)}
    assert not {"ExecutionsFailed", "ExecutionsTimedOut"} & names


def test_an_upload_that_is_pending_for_an_hour_sets_off_an_alarm(plain: Stack):
    alarm = plain.one(ALARM, "-oldest-pending").inputs
    assert (alarm["metricName"], alarm["statistic"]) == ("OldestPendingSeconds", "Maximum")
    assert alarm["threshold"] == 3600
    assert alarm["period"] == 900, "as long as the time between two looks"


def test_the_alarm_for_pending_uploads_can_be_switched_off(existing: Stack):
    assert not [alarm for alarm in existing.of(ALARM) if alarm.name.endswith("-oldest-pending")]


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
    assert len(rules) == 3
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
    assert alarm["dimensions"] == {"Stack": "redshift-lake-loader-dev"}


def test_without_an_address_the_alarms_exist_without_actions(plain: Stack):
    assert not [topic for topic in plain.of("aws:sns/topic:Topic") if "alarms" in topic.name]
    assert not any(alarm.inputs.get("alarmActions") for alarm in plain.of(ALARM))


def test_with_an_address_every_alarm_notifies_the_topic(everything: Stack):
    subscription = everything.one("aws:sns/topicSubscription:TopicSubscription", "-alarms").inputs
    assert (subscription["protocol"], subscription["endpoint"]) == ("email", "oncall@example.com")
    for alarm in everything.of(ALARM):
        assert alarm.inputs["alarmActions"] == [subscription["topic"]]


def test_the_topic_of_the_alarms_is_encrypted_with_a_key_that_cloudwatch_may_use(everything: Stack):
    """CloudWatch cannot publish to a topic that AWS's own key encrypts."""
    topic, key = everything.one("aws:sns/topic:Topic", "-alarms"), everything.one("aws:kms/key:Key")
    assert topic.inputs["kmsMasterKeyId"].endswith(f"/{key.name}")
    assert key.inputs["enableKeyRotation"] is True
    owner, alarms = key.json("policy")["Statement"]
    assert owner["Principal"] == {"AWS": "arn:aws:iam::123456789012:root"}
    assert alarms["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    assert alarms["Action"] == ["kms:Decrypt", "kms:GenerateDataKey"]
    assert alarms["Condition"] == {"StringEquals": {"aws:SourceAccount": "123456789012"}}
