"""The schedule of reconcile, and its first run."""

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest

from infra.program import main
from infra.schedule import render_rate, render_time
from tests.infra.conftest import VARIANTS
from tests.infra.engine import Mode, Stack, run

ONCE = "aws:scheduler/schedule:Schedule"

RULE, TARGET = "aws:cloudwatch/eventRule:EventRule", "aws:cloudwatch/eventTarget:EventTarget"
PERMISSION = "aws:lambda/permission:Permission"
SCHEDULE = "-reconcile-schedule"


def test_reconcile_runs_every_day_by_default(plain: Stack):
    assert plain.one(RULE, SCHEDULE).inputs["scheduleExpression"] == "rate(24 hours)"


def test_the_schedule_can_be_switched_off_and_the_first_run_remains(existing_iam: Stack):
    assert [rule.name for rule in existing_iam.of(RULE)] == [
        "redshift-lake-loader-dev-reconcile-pending",
        "redshift-lake-loader-dev-workflow",
    ]
    assert existing_iam.one(ONCE, "-first")


@pytest.mark.parametrize("variant", ["existing"])
def test_the_first_run_is_ten_minutes_after_events_are_switched_on(variant: str):
    """S3 sends no events in the first minutes: an upload of that time is found by this run."""
    before = datetime.now(UTC)
    stack = run(main, Mode.DEPLOY, config=VARIANTS[variant])
    after = datetime.now(UTC)
    schedule = stack.one(ONCE, "-first")
    at = datetime.fromisoformat(schedule.inputs["scheduleExpression"][3:-1])
    ten = timedelta(minutes=10)
    assert before.replace(microsecond=0) + ten <= at.replace(tzinfo=UTC) <= after + ten
    notification = stack.one("aws:s3/bucketNotification:BucketNotification")
    assert notification.inputs["eventbridge"] is True
    assert schedule.depends_on(notification)
    target = schedule.inputs["target"]
    assert json.loads(target["input"]) == {"kind": "lake"}
    assert target["arn"].endswith("-reconcile")


def test_a_later_up_does_not_run_reconcile_again(plain: Stack):
    assert plain.one(ONCE, "-first").ignored_changes == ("scheduleExpression",)


def test_the_time_of_a_run_is_in_utc():
    assert render_time(datetime(2026, 11, 28, 1, 2, 3, tzinfo=UTC)) == "at(2026-11-28T01:02:03)"
    east = timezone(timedelta(hours=3))
    assert render_time(datetime(2026, 11, 28, 1, 2, 3, tzinfo=east)) == "at(2026-11-27T22:02:03)"


def test_the_schedule_invokes_the_reconcile_function_for_the_whole_lake(everything: Stack):
    rule, target = everything.one(RULE, SCHEDULE), everything.one(TARGET, SCHEDULE)
    function = everything.one("aws:lambda/function:Function", "-reconcile")
    assert rule.inputs["scheduleExpression"] == "rate(6 hours)"
    assert json.loads(target.inputs["input"]) == {"kind": "lake"}
    assert target.depends_on(function)
    assert target.depends_on(rule)


def test_only_this_rule_can_invoke_the_function(everything: Stack):
    permission = everything.one(PERMISSION, SCHEDULE)
    assert permission.inputs["principal"] == "events.amazonaws.com"
    assert permission.inputs["sourceArn"].endswith(everything.one(RULE, SCHEDULE).name)
    assert everything.one(TARGET, SCHEDULE).depends_on(permission)


@pytest.mark.parametrize(
    ("minutes", "rate"),
    [
        (60, "rate(1 hour)"),
        (1440, "rate(24 hours)"),
        (15, "rate(15 minutes)"),
        (1, "rate(1 minute)"),
    ],
)
def test_a_rate_of_one_is_singular(minutes, rate):
    assert render_rate(timedelta(minutes=minutes)) == rate


def test_the_pending_uploads_are_counted_every_quarter_of_an_hour(plain: Stack):
    rule, target = plain.one(RULE, "-pending"), plain.one(TARGET, "-pending")
    assert rule.inputs["scheduleExpression"] == "rate(15 minutes)"
    assert json.loads(target.inputs["input"]) == {"kind": "waiting"}
    assert target.inputs["arn"].endswith("-reconcile")
