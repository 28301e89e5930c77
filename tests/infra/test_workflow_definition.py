import inspect

import pytest

from etl_core.model import errors
from etl_core.model.retry_policies import RETRY_POLICIES
from infra.workflow_definition import ALL_ERRORS, render_event_pattern, render_workflow

DEFINITION = render_workflow("arn:load", "arn:record", 900, 30)
STATES = DEFINITION["States"]


def targets(state):
    yield from (state[key] for key in ("Next", "Default") if key in state)
    yield from (catch["Next"] for catch in state.get("Catch", []))
    yield from (choice["Next"] for choice in state.get("Choices", []))


def test_every_target_exists_and_every_state_is_reachable():
    reached, pending = set(), [DEFINITION["StartAt"]]
    while pending:
        name = pending.pop()
        if name not in reached:
            reached.add(name)
            pending += targets(STATES[name])
    assert reached == set(STATES)


def test_only_succeed_and_fail_have_no_next_state():
    ends = {name for name, state in STATES.items() if not list(targets(state))}
    assert {STATES[name]["Type"] for name in ends} == {"Succeed", "Fail"}
    assert len(ends) == 2


def test_every_task_has_its_function_and_a_timeout():
    tasks = {name: state for name, state in STATES.items() if state["Type"] == "Task"}
    assert {name: task["Resource"] for name, task in tasks.items()} == {
        "Receive": "arn:record",
        "Load": "arn:load",
        "Record": "arn:record",
    }
    assert tasks["Load"]["TimeoutSeconds"] > 900, "the function's own timeout comes first"
    assert all(task["TimeoutSeconds"] > 0 for task in tasks.values())


def test_record_runs_after_any_failure_of_load():
    assert STATES["Load"]["Catch"] == [
        {"ErrorEquals": [ALL_ERRORS], "ResultPath": "$.failure", "Next": "Record"}
    ]
    assert STATES["Load"]["Next"] == "Record"


def test_load_runs_with_the_event_after_any_failure_of_receive():
    (catch,) = STATES["Receive"]["Catch"]
    assert catch["ErrorEquals"] == [ALL_ERRORS]
    assert catch["Next"] == "Load"
    assert catch["ResultPath"] == "$.receipt"


def leaves(base):
    below = base.__subclasses__()
    return {base.__name__} if not below else {name for child in below for name in leaves(child)}


def retried(state):
    return [name for retry in STATES[state]["Retry"] for name in retry["ErrorEquals"]]


def test_load_is_retried_for_exactly_the_retryable_error_classes():
    ours = {name for name, _ in inspect.getmembers(errors, inspect.isclass)}
    assert {name for name in retried("Load") if name in ours} == leaves(errors.RetryableError)


@pytest.mark.parametrize("base", [errors.RejectedError, errors.LoadFailedError])
def test_rejections_and_failed_loads_are_not_retried(base):
    final = leaves(base) | {base.__name__}
    assert not final & set(retried("Load"))
    assert ALL_ERRORS not in retried("Load")


@pytest.mark.parametrize("state", ["Receive", "Record"])
def test_an_invalid_event_is_not_retried(state):
    first = STATES[state]["Retry"][0]
    assert first["ErrorEquals"] == ["InvalidEventError"]
    assert first["MaxAttempts"] == 0, "0 means never; the entry for all errors comes after it"
    assert "InvalidEventError" not in retried("Load")


def test_the_other_retried_errors_come_from_lambda():
    other_errors = set(retried("Load")) - leaves(errors.RetryableError)
    assert {
        "Lambda.TooManyRequestsException",
        "Lambda.Unknown",
        "Lambda.ServiceException",
    } <= other_errors
    assert all(name.startswith(("Lambda.", "Runtime.")) for name in other_errors)


@pytest.mark.parametrize("state", ["Receive", "Load", "Record"])
def test_retries_back_off_with_jitter_and_a_limit(state):
    for retry in STATES[state]["Retry"]:
        assert retry["JitterStrategy"] == "FULL"
        assert retry["BackoffRate"] > 1
        assert retry["IntervalSeconds"] < retry["MaxDelaySeconds"] <= 300
        assert retry["MaxAttempts"] > 0 or retry["ErrorEquals"] == ["InvalidEventError"]


@pytest.mark.parametrize("state", ["Receive", "Load", "Record"])
def test_an_error_is_listed_once_and_the_entry_for_all_errors_comes_last(state):
    names = retried(state)
    assert len(names) == len(set(names))
    if ALL_ERRORS in names:
        assert STATES[state]["Retry"][-1]["ErrorEquals"] == [ALL_ERRORS]


def test_the_retry_list_has_the_values_of_the_retry_policies():
    rendered = [
        (
            tuple(r["ErrorEquals"]),
            r["IntervalSeconds"],
            r["MaxAttempts"],
            r["BackoffRate"],
            r["MaxDelaySeconds"],
        )
        for r in STATES["Load"]["Retry"]
    ]
    assert rendered == [
        (p.errors, p.interval_seconds, p.max_attempts, p.backoff_rate, p.max_delay_seconds)
        for p in RETRY_POLICIES
    ]


def test_the_execution_succeeds_or_fails_as_recorded():
    choice = STATES["Loaded?"]
    assert choice["Choices"] == [
        {"Variable": "$.record.succeeded", "BooleanEquals": True, "Next": "Succeeded"}
    ]
    assert STATES[choice["Default"]] == {
        "Type": "Fail",
        "ErrorPath": "$.record.error",
        "CausePath": "$.record.cause",
    }


def test_the_event_pattern_matches_the_lake_without_folder_markers():
    pattern = render_event_pattern("the-lake")
    assert pattern["detail"]["bucket"] == {"name": ["the-lake"]}
    assert pattern["detail"]["object"] == {"key": [{"anything-but": {"suffix": "/"}}]}
    assert pattern["source"] == ["aws.s3"]
    assert pattern["detail-type"] == ["Object Created"]
