"""What waiting costs the local cloud: one look of a waiting execution against one invocation of a function."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import psutil

from bench.cloud import RECORD_HANDLER, BenchCloud, bench_cloud
from bench.measure import PartResult, Series, series_of
from bench.sizes import Size
from etl_core.model.leases import table_lease
from etl_core.model.upload import Upload
from etl_core.turns.next_step import wait_for_lease
from etl_core.turns.turn import Turn

SIZES = {
    Size.TINY: (1, 3.0, (10,)),
    Size.QUICK: (1, 10.0, (200,)),
    Size.FULL: (3, 20.0, (200, 1_000)),
}
"""Rounds, seconds of each, and numbers of executions that wait as they do in a burst."""

BUSY = 40
"""Executions that look, or invoke, as often as they can."""

LEASE = table_lease("dev/public.waiting")
LOOKING, INVOKING = "a look", "an invocation of a trivial function"
STATES = ("Wait", "Look", "Answered?")
FAR_FUTURE = "99999999999"


def measure(size: Size, report: Callable[[str], None]) -> PartResult:
    """Run executions that only wait for a lease that is never free."""
    rounds, seconds, counts = SIZES[size]
    costs = {LOOKING: list[float](), INVOKING: list[float]()}
    cores = dict[str, list[float]]()
    with bench_cloud() as cloud:
        cloud.make_functions_trivial()
        waiting = _Waiting(cloud, seconds)
        machines = {LOOKING: waiting.looking(), INVOKING: waiting.invoking()}
        for _ in range(rounds):
            for name, machine in machines.items():
                cost = waiting.run(machine, BUSY, {"longest": 1})
                costs[name].append(cost.per_look * 1000)
                report(f"  {name}: {cost}")
        for count in counts:
            cost = waiting.run(machines[LOOKING], count, {})
            cores[f"{count:,} executions that wait"] = [cost.cores]
            report(f"  {count} executions that wait: {cost}")
    note = (
        "CPU time of the local AWS and its functions. An execution that waits for its turn runs no "
        "function: it looks at two items of DynamoDB. On AWS, a look costs three state transitions "
        "and two reads, whatever is measured here."
    )
    busy = [
        Series(case, "CPU of the local cloud", "ms", tuple(each)) for case, each in costs.items()
    ]
    return PartResult([*busy, *series_of(cores, "cores in use", "cores")], notes=[note])


@dataclass(frozen=True)
class Cost:
    """How often the executions looked, the CPU seconds of one look, and the cores in use."""

    looks: float
    per_look: float
    cores: float


@dataclass(frozen=True)
class _Waiting:
    cloud: BenchCloud
    seconds: float

    @property
    def _states(self) -> Any:
        return self.cloud.client.aws.client("stepfunctions")

    def looking(self) -> str:
        """Return a state machine that only waits and looks at a lease that is never free."""
        dynamodb = self.cloud.client.aws.client("dynamodb")
        [leases] = [each for each in dynamodb.list_tables()["TableNames"] if "-leases" in each]
        item = {"lease": {"S": LEASE}, "holder": {"S": "x"}, "expires_at": {"N": FAR_FUTURE}}
        dynamodb.put_item(TableName=leases, Item=item)
        return self._create("looking", {})

    def invoking(self) -> str:
        """Return the same state machine with a function in the place of the look."""
        functions = self.cloud.client.aws.client("lambda")
        name = self.cloud.function_name(RECORD_HANDLER)
        look = {
            "Type": "Task",
            "Resource": functions.get_function(FunctionName=name)["Configuration"]["FunctionArn"],
            "Output": "{% $merge([$states.input, {'answer': '', 'is_held': true}]) %}",
            "Next": "Answered?",
        }
        return self._create("invoking", {"Look": look})

    def _create(self, name: str, changed: Mapping[str, Any]) -> str:
        """Create a machine of the deployed machine's waiting states, some of them changed."""
        deployed = self._states.describe_state_machine(
            stateMachineArn=self.cloud.client.outputs.state_machine_arn
        )
        definition = json.loads(deployed["definition"])
        states = {state: definition["States"][state] for state in STATES}
        ends = {state: {"Type": "Succeed"} for state in ("Receive", "Succeeded", "Failed")}
        definition |= {"StartAt": "Wait", "States": states | ends | dict(changed)}
        created = self._states.create_state_machine(
            name=f"bench-{name}", definition=json.dumps(definition), roleArn=deployed["roleArn"]
        )
        return str(created["stateMachineArn"])

    def run(self, machine: str, count: int, changed: Mapping[str, Any]) -> Cost:
        """Run `count` executions for some seconds. The looks of every twentieth are counted."""
        state = json.dumps(wait_for_lease(_upload(), Turn(attempts=0), (LEASE,)) | dict(changed))
        arns = [
            str(self._states.start_execution(stateMachineArn=machine, input=state)["executionArn"])
            for _ in range(count)
        ]
        before, began = self._cpu_seconds(), time.monotonic()
        time.sleep(self.seconds)
        cpu, seconds = self._cpu_seconds() - before, time.monotonic() - began
        sample = arns[:: max(1, count // 20)]
        looks = sum(map(self._count_looks, sample)) * count / len(sample)
        for arn in arns:
            with suppress(self._states.exceptions.ClientError):  # it has failed
                self._states.stop_execution(executionArn=arn)
        time.sleep(2)
        return Cost(looks, cpu / max(looks, 1), cpu / seconds)

    def _count_looks(self, arn: str) -> int:
        pages = self._states.get_paginator("get_execution_history").paginate(executionArn=arn)
        events = (event for page in pages for event in page["events"])
        return sum(event["type"] == "ChoiceStateEntered" for event in events)

    def _cpu_seconds(self) -> float:
        """Return the CPU seconds of the AWS server and its functions."""
        server = self.cloud.aws_server
        return sum(map(_cpu_seconds, (server, *server.children(recursive=True))))


def _cpu_seconds(process: psutil.Process) -> float:
    with suppress(psutil.Error):
        times = process.cpu_times()
        return float(times.user + times.system)
    return 0.0


def _upload() -> Upload:
    return Upload(
        bucket="lake",
        key="dev/append/waiting/a.csv",
        version_id="v1",
        etag="e1",
        size=10,
        sequencer="00000001",
        landed_at=datetime(2026, 11, 22, tzinfo=UTC),
    )
