"""Interpret the deployed state machine: the same states, retries and catches, over worker processes, with short pauses.

It supports the part of the Amazon States Language that the definition uses, and refuses everything
else.
"""

from __future__ import annotations

import json
import random
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from local_cloud.aws import Aws
from tests.guarantees.worker_pool import CallResult, WorkerPool

SCALE = 0.05
"""The pauses between two attempts take a twentieth of their time."""


@dataclass(frozen=True)
class ExecutionResult:
    """How an execution ended. `data` is its final state."""

    succeeded: bool
    data: dict[str, Any]
    error: str = ""

    @property
    def status(self) -> str:
        """Return the status that this execution's load returned, `duplicate` for a duplicate."""
        return str(self.data.get("outcome", {}).get("status", ""))


@dataclass(frozen=True)
class StateMachineInterpreter:
    """A definition, and the handler of each function's ARN."""

    definition: Mapping[str, Any]
    handlers: Mapping[str, str]
    scale: float = SCALE

    @classmethod
    def deployed(cls, aws: Aws, arn: str) -> StateMachineInterpreter:
        """Return an interpreter of the deployed state machine."""
        definition = json.loads(
            aws.client("stepfunctions").describe_state_machine(stateMachineArn=arn)["definition"]
        )
        arns = {state["Resource"] for state in definition["States"].values() if "Resource" in state}
        functions = aws.client("lambda")
        return cls(
            definition,
            {
                each: functions.get_function_configuration(FunctionName=each)["Handler"]
                for each in arns
            },
        )

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
    data: dict[str, Any]
    kills: list[int]
    arn: str = field(
        default_factory=lambda: (
            f"arn:aws:states:us-east-1:000000000000:execution:tested:{uuid.uuid4()}"
        )
    )

    def run(self) -> ExecutionResult:
        name = self.interpreter.definition["StartAt"]
        while True:
            state = self.interpreter.definition["States"][name]
            match state["Type"]:
                case "Task":
                    next_state = self._task(state)
                    if isinstance(next_state, ExecutionResult):
                        return next_state
                    name = next_state
                case "Choice":
                    name = next(
                        (rule["Next"] for rule in state["Choices"] if self._holds(rule)),
                        state["Default"],
                    )
                case "Succeed":
                    return ExecutionResult(True, self.data)
                case "Fail":
                    return ExecutionResult(False, self.data, str(self._path(state["ErrorPath"])))
                case other:
                    raise NotImplementedError(f"a state of type {other}")

    def _task(self, state: Mapping[str, Any]) -> str | ExecutionResult:
        used = [0] * len(state.get("Retry", ()))
        while True:
            result = self._call(state, sum(used))
            if result.error is None:
                self._put(state, result.result)
                return str(state["Next"])
            index = _first(state.get("Retry", ()), result.error)
            if index is not None and used[index] < state["Retry"][index]["MaxAttempts"]:
                self._pause(state["Retry"][index], used[index])
                used[index] += 1
                continue
            caught = _first(state.get("Catch", ()), result.error)
            if caught is None:
                return ExecutionResult(False, self.data, result.error)
            self._put(state["Catch"][caught], {"Error": result.error, "Cause": result.cause})
            return str(state["Catch"][caught]["Next"])

    def _call(self, state: Mapping[str, Any], retries: int) -> CallResult:
        parameters = {
            name.removesuffix(".$"): self._path(value, retries) if name.endswith(".$") else value
            for name, value in state["Parameters"].items()
        }
        kill_at = self.kills[0] if self.kills else 0
        result = self.pool.call(self.interpreter.handlers[state["Resource"]], parameters, kill_at)
        if not kill_at:
            return result
        self.kills[0] -= result.steps
        if not result.steps:
            self.kills.pop(0)
        return result

    def _pause(self, retrier: Mapping[str, Any], used: int) -> None:
        longest = min(
            retrier["IntervalSeconds"] * retrier["BackoffRate"] ** used,
            retrier.get("MaxDelaySeconds", 3600),
        )
        # Not full jitter: a waiting execution must wait longer than the test delays the other one.
        time.sleep(random.uniform(longest / 2, longest) * self.interpreter.scale)

    def _path(self, path: str, retries: int = 0) -> Any:
        if path.startswith("$$."):
            return {"$$.Execution.Id": self.arn, "$$.State.RetryCount": retries}[path]
        value: Any = self.data
        for name in path.split(".")[1:]:
            value = value[name]
        return value

    def _holds(self, rule: Mapping[str, Any]) -> bool:
        return bool(self._path(rule["Variable"]) is rule["BooleanEquals"])

    def _put(self, state: Mapping[str, Any], value: Any) -> None:
        self.data[state["ResultPath"].removeprefix("$.")] = value


def _first(rules: Sequence[Mapping[str, Any]], error: str) -> int | None:
    """Return the index of the first rule that names the error or all errors."""
    return next(
        (i for i, rule in enumerate(rules) if {error, "States.ALL"} & set(rule["ErrorEquals"])),
        None,
    )
