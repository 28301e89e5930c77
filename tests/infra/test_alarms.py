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


def test_a_failed_or_timed_out_execution_sets_off_an_alarm(plain: Stack):
    state_machine = {"StateMachineArn": plain.outputs["state_machine_arn"]}
    for noun, metric in (
        ("-failed-loads", "ExecutionsFailed"),
        ("-timed-out-loads", "ExecutionsTimedOut"),
    ):
        alarm = plain.one(ALARM, noun).inputs
        assert alarm["metricName"] == metric
        assert alarm["dimensions"] == state_machine


def test_a_damaged_ledger_sets_off_the_alarm_of_the_scheduled_reconcile(plain: Stack):
    alarm = plain.one(ALARM, "-ledger-faults").inputs
    assert (alarm["namespace"], alarm["metricName"]) == ("RedshiftLakeLoader", "LedgerFaults")
    assert alarm["dimensions"] == {"FunctionName": plain.outputs["reconcile_function"]}


def test_without_an_address_the_alarms_exist_without_actions(plain: Stack):
    assert len(plain.of(ALARM)) == 4
    assert not plain.has("aws:sns/topic:Topic")
    assert not any(alarm.inputs.get("alarmActions") for alarm in plain.of(ALARM))


def test_with_an_address_every_alarm_notifies_the_topic(everything: Stack):
    subscription = everything.one("aws:sns/topicSubscription:TopicSubscription").inputs
    assert (subscription["protocol"], subscription["endpoint"]) == ("email", "oncall@example.com")
    for alarm in everything.of(ALARM):
        assert alarm.inputs["alarmActions"] == [subscription["topic"]]
