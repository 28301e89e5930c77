"""Interpret the deployed state machine: the same states, expressions, retries and catches, over worker
processes, with short pauses.

It supports the part of the Amazon States Language that the definition uses, and refuses everything
else. Expressions run in the JSONata engine of the local cloud; the calls of DynamoDB go to the
local cloud.
"""

from __future__ import annotations

import json
import random
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import jsonata
from botocore.exceptions import ClientError

from infra.notices import PUBLISH, PUT_EVENTS, UPDATE_ITEM
from infra.workflow_definition import READ_ITEMS
from local_cloud.aws import Aws
from tests.guarantees.worker_pool import CallResult, WorkerPool

INTEGRATIONS = {
    READ_ITEMS: ("dynamodb", "batch_get_item", "DynamoDb"),
    UPDATE_ITEM: ("dynamodb", "update_item", "DynamoDB"),
    PUT_EVENTS: ("events", "put_events", "EventBridge"),
    PUBLISH: ("sns", "publish", "SNS"),
}
"""Service, operation, and how the names of its errors begin."""

SCALE = 0.05
"""The pauses between two attempts and between two looks take a twentieth of their time."""


@dataclass(frozen=True)
class ExecutionResult:
    """How an execution ended.

    `data` has the last result of each task by the name of its state, `outcome` or `failure` of the
    last load, and under `record` the data with which it ended. `states` are those that it entered.
    """

    succeeded: bool
    data: dict[str, Any]
    error: str = ""
    arn: str = ""
    states: tuple[str, ...] = ()

    @property
    def status(self) -> str:
        """Return the status that this execution's load returned, `duplicate` for a duplicate.

        Empty if it ended without a load of its own, or if its load failed.
        """
        return str(self.data.get("outcome", {}).get("status", ""))

    @property
    def ending(self) -> str:
        """Return the status of its load, the error of its load, or that others had answered."""
        deciding = [state for state in self.states if state in ("Next step", "Answered?")]
        if "Load" not in self.states or deciding[-1:] == ["Answered?"]:
            return "answered"
        return self.status or str(self.data["failure"]["Error"])


@dataclass(frozen=True)
class StateMachineInterpreter:
    """A definition, the handler of each function's ARN, and the clients of its SDK integrations.

    `visit` is called with the name of each state before it runs, and with the execution's ARN.
    `turn` is what an execution carries from its start on, as if it had come that far before.
    """

    definition: Mapping[str, Any]
    handlers: Mapping[str, str]
    aws: Aws
    scale: float = SCALE
    visit: Callable[[str, str], None] = field(default=lambda state, arn: None)
    turn: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def deployed(cls, aws: Aws, arn: str) -> StateMachineInterpreter:
        """Return an interpreter of the deployed state machine."""
        definition = json.loads(
            aws.client("stepfunctions").describe_state_machine(stateMachineArn=arn)["definition"]
        )
        assert definition["QueryLanguage"] == "JSONata"
        resources = {
            state["Resource"] for state in definition["States"].values() if "Resource" in state
        }
        functions = aws.client("lambda")
        return cls(
            definition,
            {
                each: functions.get_function_configuration(FunctionName=each)["Handler"]
                for each in resources - INTEGRATIONS.keys()
            },
            aws,
        )

    def with_state(self, name: str, **fields: Any) -> StateMachineInterpreter:
        """Return an interpreter of the same definition with changed fields of one state."""
        states = self.definition["States"]
        changed = {**states, name: {**states[name], **fields}}
        return replace(self, definition={**self.definition, "States": changed})

    def run(
        self, pool: WorkerPool, event: Mapping[str, Any], kills: Sequence[int] = ()
    ) -> ExecutionResult:
        """Run one execution.

        `kills`: the numbers of handler steps after which the worker is killed, one after another. A
        kill that is not reached does not happen.
        """
        return _Execution(self, pool, dict(event), list(kills)).run()


@dataclass
class _Execution:
    interpreter: StateMachineInterpreter
    pool: WorkerPool
    event: dict[str, Any]
    kills: list[int]
    results: dict[str, Any] = field(default_factory=dict)
    states: list[str] = field(default_factory=list)
    arn: str = field(
        default_factory=lambda: (
            f"arn:aws:states:us-east-1:000000000000:execution:tested:{uuid.uuid4()}"
        )
    )

    def run(self) -> ExecutionResult:
        name, data = (
            str(self.interpreter.definition["StartAt"]),
            {**self.event, **self.interpreter.turn},
        )
        while True:
            state = self.interpreter.definition["States"][name]
            self.states.append(name)
            self.interpreter.visit(name, self.arn)
            match state["Type"]:
                case "Task":
                    step = self._task(name, state, data)
                    if isinstance(step, ExecutionResult):
                        return step
                    name, data = step
                case "Choice":
                    name = self._choose(state, data)
                case "Wait":
                    time.sleep(self._seconds(state, data) * self.interpreter.scale)
                    name = state["Next"]
                case "Succeed":
                    return self._result(succeeded=True, data=data)
                case "Fail":
                    error, cause = (self._text(state[key], data) for key in ("Error", "Cause"))
                    return self._result(succeeded=False, data=data | {"cause": cause}, error=error)
                case other:
                    raise NotImplementedError(f"a state of type {other}")

    def _result(
        self, *, succeeded: bool, data: dict[str, Any] | None = None, error: str = ""
    ) -> ExecutionResult:
        """Return how the execution ended. Without data, a task failed that has no catch."""
        results = self.results | ({} if data is None else {"record": data})
        return ExecutionResult(succeeded, results, error, self.arn, tuple(self.states))

    def _task(
        self, name: str, state: Mapping[str, Any], data: dict[str, Any]
    ) -> tuple[str, dict[str, Any]] | ExecutionResult:
        retriers = state.get("Retry", ())
        used = [0] * len(retriers)
        while True:
            result = self._call(state, data, sum(used))
            if result.error is None:
                self._keep(name, result.result)
                output = state.get("Output", "{% $states.result %}")
                return state["Next"], self._value(output, data, result=result.result)
            index = _first(retriers, result.error)
            if index is not None and used[index] < retriers[index]["MaxAttempts"]:
                self._pause(retriers[index], used[index])
                used[index] += 1
                continue
            caught = _first(state.get("Catch", ()), result.error)
            if caught is None:
                return self._result(succeeded=False, error=result.error)
            failure = {"Error": result.error, "Cause": result.cause}
            self._keep_failure(name, failure)
            catch = state["Catch"][caught]
            return catch["Next"], self._value(catch["Output"], data, error=failure)

    def _keep(self, name: str, result: Any) -> None:
        self.results[name] = result
        if name == "Load":
            self.results["outcome"] = result
            self.results.pop("failure", None)

    def _keep_failure(self, name: str, failure: dict[str, str]) -> None:
        if name == "Load":
            self.results["failure"] = failure
            self.results.pop("outcome", None)

    def _call(self, state: Mapping[str, Any], data: dict[str, Any], retries: int) -> CallResult:
        arguments = self._value(state["Arguments"], data, retries=retries)
        if state["Resource"] in INTEGRATIONS:
            return self._integrate(state["Resource"], arguments)
        handler = self.interpreter.handlers[state["Resource"]]
        kill_at = self.kills[0] if self.kills else 0
        result = self.pool.call(handler, arguments, kill_at)
        if not kill_at:
            return result
        self.kills[0] -= result.steps
        if not result.steps:
            self.kills.pop(0)
        return result

    def _integrate(self, resource: str, arguments: dict[str, Any]) -> CallResult:
        service, operation, prefix = INTEGRATIONS[resource]
        if resource == PUT_EVENTS:
            entries = [
                {**entry, "Detail": json.dumps(entry["Detail"])} for entry in arguments["Entries"]
            ]
            arguments = {"Entries": entries}
        try:
            answer = getattr(self.interpreter.aws.client(service), operation)(**arguments)
        except ClientError as error:
            return CallResult(error=f"{prefix}.{error.response['Error']['Code']}", cause=str(error))
        del answer["ResponseMetadata"]
        return CallResult(answer)

    def _pause(self, retrier: Mapping[str, Any], used: int) -> None:
        longest = min(
            retrier["IntervalSeconds"] * retrier["BackoffRate"] ** used,
            retrier.get("MaxDelaySeconds", 3600),
        )
        # Not full jitter: a waiting execution must wait longer than the test delays the other one.
        time.sleep(random.uniform(longest / 2, longest) * self.interpreter.scale)

    def _choose(self, state: Mapping[str, Any], data: dict[str, Any]) -> str:
        for rule in state["Choices"]:
            holds = self._value(rule["Condition"], data)
            assert isinstance(holds, bool), f"AWS refuses the condition: {rule}"
            if holds:
                return str(rule["Next"])
        return str(state["Default"])

    def _seconds(self, state: Mapping[str, Any], data: dict[str, Any]) -> int:
        seconds = self._value(state["Seconds"], data)
        assert seconds == int(seconds) >= 0, f"AWS refuses a wait of {seconds} seconds"
        return int(seconds)

    def _text(self, value: str, data: dict[str, Any]) -> str:
        text = self._value(value, data)
        assert isinstance(text, str), f"AWS refuses {text!r} in a Fail state"
        return text

    def _value(
        self,
        template: Any,
        data: Any,
        result: Any = None,
        error: Any = None,
        retries: int = 0,
    ) -> Any:
        """Return a template with its expressions evaluated."""
        if isinstance(template, Mapping):
            return {
                key: self._value(value, data, result, error, retries)
                for key, value in template.items()
            }
        if isinstance(template, list):
            return [self._value(value, data, result, error, retries) for value in template]
        if not isinstance(template, str) or not template.startswith("{%"):
            return template
        context = {
            "Execution": {"Id": self.arn, "Input": self.event},
            "State": {"RetryCount": retries},
        }
        states = {"input": data, "result": result, "errorOutput": error, "context": context}
        return evaluate(template.removeprefix("{%").removesuffix("%}"), states)


def evaluate(expression: str, states: Mapping[str, Any]) -> Any:
    """Return the value of a JSONata expression. Like AWS, refuse one that has none."""
    value = jsonata.Jsonata.jsonata(expression).evaluate(None, {"states": states})
    assert value is not None, f"AWS refuses an expression without a value: {expression}"
    return json.loads(json.dumps(value))


def _first(rules: Sequence[Mapping[str, Any]], error: str) -> int | None:
    """Return the index of the first rule that names the error or all errors."""
    return next(
        (i for i, rule in enumerate(rules) if {error, "States.ALL"} & set(rule["ErrorEquals"])),
        None,
    )
