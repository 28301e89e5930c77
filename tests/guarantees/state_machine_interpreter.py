"""The deployed state machine, interpreted: the same states, retries and catches, over worker processes, with short pauses.

As much of the Amazon States Language as the definition uses; what it does not know, it refuses.
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
from tests.guarantees.pool import Answer, Pool

SCALE = 0.05
"""Pauses between two attempts take a twentieth of their time."""


@dataclass(frozen=True)
class Ended:
    """What an execution came to; `kills` that were not reached did not happen."""

    succeeded: bool
    data: dict[str, Any]
    error: str = ""

    @property
    def answer(self) -> str:
        """The status that this execution found; of a duplicate, `duplicate`."""
        return str(self.data.get("outcome", {}).get("status", ""))


@dataclass(frozen=True)
class StateMachineInterpreter:
    """The definition, and the handler behind each function's ARN."""

    definition: Mapping[str, Any]
    handlers: Mapping[str, str]
    scale: float = SCALE

    @classmethod
    def deployed(cls, aws: Aws, arn: str) -> StateMachineInterpreter:
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

    def run(self, pool: Pool, event: Mapping[str, Any], kills: Sequence[int] = ()) -> Ended:
        """One execution. `kills`: after so many steps of the handlers the process that runs them is killed, each in turn."""
        return _Execution(self, pool, dict(event), list(kills)).run()


@dataclass
class _Execution:
    machine: StateMachineInterpreter
    pool: Pool
    data: dict[str, Any]
    kills: list[int]
    arn: str = field(
        default_factory=lambda: (
            f"arn:aws:states:us-east-1:000000000000:execution:tested:{uuid.uuid4()}"
        )
    )

    def run(self) -> Ended:
        name = self.machine.definition["StartAt"]
        while True:
            state = self.machine.definition["States"][name]
            match state["Type"]:
                case "Task":
                    following = self._task(state)
                    if isinstance(following, Ended):
                        return following
                    name = following
                case "Choice":
                    name = next(
                        (rule["Next"] for rule in state["Choices"] if self._holds(rule)),
                        state["Default"],
                    )
                case "Succeed":
                    return Ended(True, self.data)
                case "Fail":
                    return Ended(False, self.data, str(self._path(state["ErrorPath"])))
                case other:
                    raise NotImplementedError(f"a state of type {other}")

    def _task(self, state: Mapping[str, Any]) -> str | Ended:
        used = [0] * len(state.get("Retry", ()))
        while True:
            answer = self._call(state, sum(used))
            if answer.error is None:
                self._put(state, answer.result)
                return str(state["Next"])
            index = _first(state.get("Retry", ()), answer.error)
            if index is not None and used[index] < state["Retry"][index]["MaxAttempts"]:
                self._pause(state["Retry"][index], used[index])
                used[index] += 1
                continue
            caught = _first(state.get("Catch", ()), answer.error)
            if caught is None:
                return Ended(False, self.data, answer.error)
            self._put(state["Catch"][caught], {"Error": answer.error, "Cause": answer.cause})
            return str(state["Catch"][caught]["Next"])

    def _call(self, state: Mapping[str, Any], retries: int) -> Answer:
        parameters = {
            name.removesuffix(".$"): self._path(value, retries) if name.endswith(".$") else value
            for name, value in state["Parameters"].items()
        }
        kill_at = self.kills[0] if self.kills else 0
        answer = self.pool.call(self.machine.handlers[state["Resource"]], parameters, kill_at)
        if not kill_at:
            return answer
        self.kills[0] -= answer.steps
        if not answer.steps:
            self.kills.pop(0)
        return answer

    def _pause(self, retrier: Mapping[str, Any], used: int) -> None:
        longest = min(
            retrier["IntervalSeconds"] * retrier["BackoffRate"] ** used,
            retrier.get("MaxDelaySeconds", 3600),
        )
        # Not the full jitter: what waits for something is to wait longer than the test makes it wait.
        time.sleep(random.uniform(longest / 2, longest) * self.machine.scale)

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
    """The first rule that names the error, or all errors."""
    return next(
        (i for i, rule in enumerate(rules) if {error, "States.ALL"} & set(rule["ErrorEquals"])),
        None,
    )
