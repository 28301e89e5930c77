import inspect

import jsonata
import pytest

from etl_core.model import errors
from etl_core.model.errors import LoadFailedError, RejectedError, RetryableError
from etl_core.model.leases import EXPIRES_AT
from etl_core.model.retry_policies import DIED_AGAIN, RETRY_POLICIES, TASK_RETRIES
from etl_core.model.status import UNSETTLED, Status
from etl_core.turns.next_step import answered, copy_now, load_now, wait_for_lease
from etl_core.turns.turn import Turn
from infra.notices import CLAIM
from infra.states import ALL_ERRORS
from infra.workflow_definition import (
    READ_ITEMS,
    WorkflowParts,
    render_event_pattern,
    render_workflow,
)
from tests.builders import an_upload

PARTS = WorkflowParts(
    *("arn:load", "arn:record", "arn:copy", "the-log", "the.leases", 900, 30, 60),
    *("arn:topic", "https://api.example/v1", "loader-dev"),
)
DEFINITION = render_workflow(PARTS)
STATES = DEFINITION["States"]
TASKS = {name: state for name, state in STATES.items() if state["Type"] == "Task"}


def targets(state):
    yield from (state[key] for key in ("Next", "Default") if key in state)
    yield from (catch["Next"] for catch in state.get("Catch", []))
    yield from (choice["Next"] for choice in state.get("Choices", []))


def expressions(value):
    """Yield every JSONata expression in a value."""
    if isinstance(value, str) and value.startswith("{%"):
        yield value
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from expressions(item)


def evaluate(expression, **states):
    text = expression.removeprefix("{%").removesuffix("%}")
    return jsonata.Jsonata.jsonata(text).evaluate(None, {"states": states})


def choose(name, data):
    """Return the state after a choice. Every condition must be a boolean: AWS refuses anything else."""
    for rule in STATES[name]["Choices"]:
        holds = evaluate(rule["Condition"], input=data)
        assert isinstance(holds, bool), rule
        if holds:
            return rule["Next"]
    return STATES[name]["Default"]


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


def test_every_expression_is_jsonata_and_no_field_of_jsonpath_is_left():
    assert DEFINITION["QueryLanguage"] == "JSONata"
    found = list(expressions(STATES))
    for expression in found:
        jsonata.Jsonata.jsonata(expression.removeprefix("{%").removesuffix("%}"))
        assert expression.endswith("%}")
    assert len(found) > 15
    jsonpath = {"InputPath", "Parameters", "ResultSelector", "ResultPath", "OutputPath"}
    assert not [name for name, state in STATES.items() if jsonpath & set(state)]


def test_every_function_has_its_task_and_a_timeout():
    functions = {
        name: task for name, task in TASKS.items() if not task["Resource"].startswith("arn:aws:")
    }
    assert {name: task["Resource"] for name, task in functions.items()} == {
        "Receive": "arn:record",
        "Load": "arn:load",
        "Record": "arn:record",
        "Copy": "arn:copy",
    }
    assert functions["Load"]["TimeoutSeconds"] > 900, "the function's own timeout comes first"
    assert all(task["TimeoutSeconds"] > 0 for task in functions.values())


def test_an_execution_that_waits_runs_no_function():
    assert STATES["Look"]["Resource"] == READ_ITEMS
    assert list(targets(STATES["Wait"])) == ["Look"]
    assert set(STATES["Look"]["Arguments"]["RequestItems"]) == {"the-log", "the.leases"}


def test_record_runs_after_any_failure_of_load():
    (catch,) = STATES["Load"]["Catch"]
    assert (catch["ErrorEquals"], catch["Next"]) == ([ALL_ERRORS], "Record")
    assert STATES["Load"]["Next"] == "Record"


@pytest.mark.parametrize("carried", [{"next": "wait", "retry_count": 2}, {"detail": {}}])
def test_load_runs_after_any_failure_of_receive_and_nothing_is_forgotten(carried):
    (catch,) = STATES["Receive"]["Catch"]
    assert (catch["ErrorEquals"], catch["Next"]) == ([ALL_ERRORS], "Load")
    output = evaluate(catch["Output"], input=carried)
    assert output == {"next": "load"} | ({"retry_count": 2} if "next" in carried else {})


def test_receive_runs_if_the_tables_cannot_be_read():
    (catch,) = STATES["Look"]["Catch"]
    assert (catch["ErrorEquals"], catch["Next"]) == ([ALL_ERRORS], "Receive")
    assert evaluate(catch["Output"], input={"next": "wait"}) == {"next": "wait"}


LONG_COPY = {"database": "dev", "tables": []}
CARRIED = Turn(attempts=1, retry_count=2, slot=3).with_long_copy(LONG_COPY)

REPLIES = [
    (copy_now({"long_copy": LONG_COPY}, Turn(attempts=1)), "Copy"),
    (load_now(Turn(attempts=0, slot=3)), "Load"),
    (wait_for_lease(an_upload(), Turn(), ["table#dev/public.t"]), "Wait"),
    (answered(Status.LOADED, None), "Succeeded"),
    (answered(Status.DUPLICATE, None), "Succeeded"),
    (answered(Status.FAILED, {"type": "CopyRefusedError", "message": "m"}), "Failed"),
]
REPLIES_OF_AN_OLDER_FUNCTION = [
    ({"upload_id": "1f", "is_new": True}, "Load"),
    ({"status": "loaded", "succeeded": True, "error": "", "cause": ""}, "Succeeded"),
    ({"status": "failed", "succeeded": False, "error": "E", "cause": "c"}, "Failed"),
]


@pytest.mark.parametrize(("reply", "state"), REPLIES + REPLIES_OF_AN_OLDER_FUNCTION)
def test_the_reply_of_the_record_function_names_the_next_state(reply, state):
    assert choose("Next step", reply) == state
    if state == "Failed":
        for field in ("Error", "Cause"):
            assert isinstance(evaluate(STATES["Failed"][field], input=reply), str)


@pytest.mark.parametrize(("reply", "state"), REPLIES + REPLIES_OF_AN_OLDER_FUNCTION)
def test_the_load_function_gets_the_number_of_earlier_attempts(reply, state):
    count = STATES["Load"]["Arguments"]["retry_count"]
    data = reply | ({"retry_count": 4} if state == "Load" and "next" in reply else {})
    context = {"State": {"RetryCount": 2}}
    assert evaluate(count, input=data, context=context) == 2 + data.get("retry_count", 0)


WAITING = {"next": "wait", "attempts": 1, "poll": 4, "longest": 60, "retry_count": 3}


def look(entry, *leases, awaited=1, **waiting):
    """Return what Look finds, and the state after it. The execution awaits one of so many leases."""
    found = {"the-log": [entry] if entry else [], "the.leases": [each for each in leases if each]}
    keys = [{"lease": {"S": f"slot#{number}"}} for number in range(awaited)]
    data = WAITING | {"leases": keys} | waiting
    output = evaluate(STATES["Look"]["Output"], input=data, result={"Responses": found})
    return output, choose("Answered?", output)


def item(status, attempts, **more):
    return {"status": {"S": status}, "attempts": {"N": str(attempts)}, **more}


HELD, EXPIRED = ({EXPIRES_AT: {"N": seconds}} for seconds in ("99999999999", "1000"))


@pytest.mark.parametrize("status", Status)
def test_an_answer_of_another_execution_ends_the_wait(status):
    _, state = look(item(status, 2), HELD)
    expected = "Succeeded" if status.succeeded else CLAIM
    assert state == ("Wait" if status in UNSETTLED else expected)


def test_an_answer_that_was_there_before_does_not_end_the_wait():
    assert look(item("failed", 1), HELD)[1] == "Wait"
    assert look(item("failed", 2), HELD, attempts=2)[1] == "Wait"


def test_without_knowing_the_first_count_no_answer_ends_the_wait():
    """Receive failed, so nobody knows what the entry said when the execution began."""
    found = {"the-log": [item("failed", 9)], "the.leases": [HELD]}
    data = {"next": "wait", "poll": 4, "longest": 60, "leases": [{"lease": {"S": "slot#0"}}]}
    output = evaluate(STATES["Look"]["Output"], input=data, result={"Responses": found})
    assert choose("Answered?", output) == "Wait"


@pytest.mark.parametrize("entry", [None, item("received", 0)])
@pytest.mark.parametrize("lease", [None, EXPIRED])
def test_a_free_lease_lets_the_execution_ask_again(entry, lease):
    output, state = look(entry, lease)
    assert state == "Receive"
    turn = evaluate(STATES["Receive"]["Arguments"]["turn"], input=output)
    assert (turn["retry_count"], turn["attempts"]) == (3, 1)


@pytest.mark.parametrize(
    ("found", "state"),
    [
        ((HELD, HELD, HELD), "Wait"),
        ((HELD, HELD), "Receive"),
        ((HELD, EXPIRED, HELD), "Receive"),
        ((), "Receive"),
    ],
)
def test_one_free_slot_of_several_lets_the_execution_ask_again(found, state):
    assert look(None, *found, awaited=3)[1] == state


def test_a_table_that_returned_nothing_lets_the_execution_ask_again():
    """A throttled BatchGetItem returns items as unprocessed."""
    data = WAITING | {"leases": [{"lease": {"S": "slot#0"}}]}
    output = evaluate(STATES["Look"]["Output"], input=data, result={"Responses": {}})
    assert choose("Answered?", output) == "Receive"


def test_the_pause_about_doubles_up_to_the_longest():
    pauses, poll = [], 1
    for _ in range(20):
        output, _ = look(None, HELD, poll=poll)
        assert output["seconds"] == output["poll"] == int(output["poll"])
        pauses.append(output["poll"])
        assert poll < output["poll"] <= poll * 2.25 + 1 or output["poll"] == 60
        poll = output["poll"]
    assert pauses[-1] == 60
    assert look(None, HELD, poll=5, longest=5)[0]["poll"] == 5


def test_a_failure_found_by_looking_has_its_reason():
    error = {"M": {"type": {"S": "CopyRefusedError"}, "message": {"S": "row 3"}}}
    output, state = look(item("failed", 2, error=error), HELD)
    assert state == CLAIM
    assert evaluate(STATES["Failed"]["Error"], input=output) == "CopyRefusedError"
    assert evaluate(STATES["Failed"]["Cause"], input=output) == "row 3"
    assert evaluate(STATES["Failed"]["Cause"], input=look(item("failed", 2), HELD)[0]) == ""


def leaves(base):
    below = base.__subclasses__()
    return {base.__name__} if not below else {name for child in below for name in leaves(child)}


def retried(state):
    return [name for retry in STATES[state]["Retry"] for name in retry["ErrorEquals"]]


def test_the_state_machine_retries_no_error_of_a_load():
    """The record function decides about them, because the lease must not be held during the pause."""
    ours = {name for name, _ in inspect.getmembers(errors, inspect.isclass)}
    assert not ours & set(retried("Load"))
    assert ALL_ERRORS not in retried("Load")


def test_the_record_function_retries_exactly_the_retryable_error_classes():
    ours = {name for name, _ in inspect.getmembers(errors, inspect.isclass)}
    named = {name for policy in RETRY_POLICIES for name in policy.errors}
    assert named & ours == leaves(RetryableError)
    assert not named & (leaves(RejectedError) | leaves(LoadFailedError))


@pytest.mark.parametrize("state", ["Receive", "Record"])
def test_an_invalid_event_is_not_retried(state):
    first = STATES[state]["Retry"][0]
    assert first["ErrorEquals"] == ["InvalidEventError"]
    assert first["MaxAttempts"] == 0, "0 means never; the entry for all errors comes after it"


def test_load_is_retried_for_what_lambda_reports():
    assert {
        "Lambda.TooManyRequestsException",
        "Lambda.Unknown",
        "Lambda.ServiceException",
    } <= set(retried("Load"))
    assert all(name.startswith(("Lambda.", "Runtime.")) for name in retried("Load"))


@pytest.mark.parametrize("state", TASKS)
def test_retries_back_off_with_jitter_and_a_limit(state):
    for retry in STATES[state]["Retry"]:
        assert retry["JitterStrategy"] == "FULL"
        assert retry["BackoffRate"] > 1
        assert retry["IntervalSeconds"] < retry["MaxDelaySeconds"] <= 300
        assert retry["MaxAttempts"] > 0 or retry["ErrorEquals"] in (
            ["InvalidEventError"],
            ["DynamoDB.ConditionalCheckFailedException"],
        )


@pytest.mark.parametrize("state", TASKS)
def test_an_error_is_listed_once_and_the_entry_for_all_errors_comes_last(state):
    names = retried(state)
    assert len(names) == len(set(names))
    if ALL_ERRORS in names:
        assert STATES[state]["Retry"][-1]["ErrorEquals"] == [ALL_ERRORS]


def test_the_retry_list_has_the_values_of_the_policies():
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
        for p in TASK_RETRIES
    ]


def test_the_event_pattern_matches_the_lake_without_folder_markers():
    pattern = render_event_pattern("the-lake")
    assert pattern["detail"]["bucket"] == {"name": ["the-lake"]}
    assert pattern["detail"]["object"] == {"key": [{"anything-but": {"suffix": "/"}}]}
    assert pattern["source"] == ["aws.s3"]
    assert pattern["detail-type"] == ["Object Created"]


def test_the_copy_gets_what_the_load_asked_for_and_its_reply_replaces_it():
    reply = copy_now({"long_copy": LONG_COPY}, CARRIED)
    arguments = STATES["Copy"]["Arguments"]
    assert evaluate(arguments["long_copy"], input=reply) == LONG_COPY
    result = {"long_copy": LONG_COPY | {"statement_id": "s"}, "is_running": True, "seconds": 5}
    output = evaluate(STATES["Copy"]["Output"], input=reply, result=result)
    assert output == reply | result
    assert choose("Copied?", output) == "Wait for copy"
    assert evaluate(STATES["Wait for copy"]["Seconds"], input=output) == 5
    assert choose("Copied?", output | {"is_running": False}) == "Receive"
    turn = Turn.parse(evaluate(STATES["Receive"]["Arguments"]["turn"], input=output))
    assert (turn.long_copy, turn.retry_count, turn.attempts) == (result["long_copy"], 2, 1)


def test_a_copy_that_fails_for_good_is_lost_and_the_load_goes_on():
    (catch,) = STATES["Copy"]["Catch"]
    reply = copy_now({"long_copy": LONG_COPY | {"statement_id": "s"}}, CARRIED)
    output = evaluate(catch["Output"], input=reply, errorOutput={"Error": "Lambda.Unknown"})
    assert (catch["ErrorEquals"], catch["Next"]) == ([ALL_ERRORS], "Receive")
    assert output["long_copy"] == LONG_COPY | {
        "statement_id": "s",
        "result": {"status": "LOST", "error": "Lambda.Unknown"},
    }


@pytest.mark.parametrize("carried", [None, LONG_COPY])
def test_the_load_gets_the_copy_or_learns_that_one_can_be_made(carried):
    data = load_now(Turn(long_copy=carried))
    assert evaluate(STATES["Load"]["Arguments"]["long_copy"], input=data) == (carried or {})


FAILURE = {"Error": "Runtime.ExitError", "Cause": "killed"}


@pytest.mark.parametrize("died", [0, 1, 2])
def test_the_load_learns_whether_it_runs_alone(died):
    data = load_now(Turn(retries={DIED_AGAIN.name: died}))
    assert evaluate(STATES["Load"]["Arguments"]["alone"], input=data) is (died > 1)


@pytest.mark.parametrize("turn", [Turn(), Turn().asking(FAILURE)])
def test_the_load_learns_whether_it_only_asks_the_ledger(turn):
    data = load_now(turn)
    asked = FAILURE if turn.failure else {}
    assert evaluate(STATES["Load"]["Arguments"]["failure"], input=data) == asked
