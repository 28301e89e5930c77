"""What waiting costs the local cloud: one look of a waiting execution against one invocation of a function.

`python -m bench.waiting` starts its own local cloud. It prints CPU seconds, which a busy machine
changes less than wall time. On AWS a look costs three state transitions and two reads of DynamoDB,
whatever this prints.
"""

from __future__ import annotations

import io
import json
import tempfile
import time
import zipfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

from etl_core.model.leases import table_lease
from etl_core.turns.next_step import wait_for_lease
from etl_core.turns.turn import Turn
from infra.workflow_definition import WorkflowParts, render_workflow
from local_cloud.cloud import FUNCTION_INTERPRETER, LocalCloud
from local_cloud.resources.functions import BOOTSTRAP, BOOTSTRAP_MEMBER, LOCAL_RUNTIME
from tests.builders import an_upload

LOOPS = 40
SECONDS = 20.0
LEASE = table_lease("dev/public.waiting")
HANDLER = "def handler(event, context):\n    return event\n"
STATES = ("Wait", "Look", "Answered?")


def main() -> None:
    """Print the cost of a look, of an invocation, and of many executions that wait."""
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as folder,
        LocalCloud.start(Path(folder) / "state") as cloud,
    ):
        bench = _Bench(cloud)
        one = {"longest": 1}
        bench.measure("look, without a pause in between", LOOPS, bench.looking(), one)
        bench.measure("invocation of a trivial function", LOOPS, bench.invoking(), one)
        for count in (200, 1000):
            bench.measure(f"{count} executions that wait", count, bench.looking(), {})


class _Bench:
    def __init__(self, cloud: LocalCloud) -> None:
        self.aws, self.outputs = cloud.aws, cloud.outputs
        self.server = psutil.Process(cloud.children[0].record.pid)
        [self.leases] = [
            name
            for name in self.aws.client("dynamodb").list_tables()["TableNames"]
            if "-leases" in name
        ]
        machine = self.aws.client("stepfunctions").describe_state_machine(
            stateMachineArn=self.outputs.state_machine_arn
        )
        self.role = machine["roleArn"]
        self.aws.client("dynamodb").put_item(
            TableName=self.leases,
            Item={"lease": {"S": LEASE}, "holder": {"S": "x"}, "expires_at": {"N": "99999999999"}},
        )

    def looking(self) -> str:
        """Return a state machine that only waits and looks."""
        definition = self._definition("arn:none")
        definition["StartAt"] = "Wait"
        kept = {name: definition["States"][name] for name in STATES}
        ends = {name: {"Type": "Succeed"} for name in ("Receive", "Succeeded", "Failed")}
        return self._create("looking", definition | {"States": kept | ends})

    def invoking(self) -> str:
        """Return the same state machine with a function instead of the look."""
        definition = self._definition("arn:none")
        definition["StartAt"] = "Wait"
        wait, choice = (definition["States"][name] for name in ("Wait", "Answered?"))
        look = {
            "Type": "Task",
            "Resource": self._function(),
            "Output": "{% $merge([$states.input, {'answer': '', 'is_held': true}]) %}",
            "Next": "Answered?",
        }
        ends = {name: {"Type": "Succeed"} for name in ("Receive", "Succeeded", "Failed")}
        states = {"Wait": wait, "Look": look, "Answered?": choice} | ends
        return self._create("invoking", definition | {"States": states})

    def measure(self, what: str, count: int, machine: str, more: Mapping[str, Any]) -> None:
        """Run `count` executions for some seconds, and print the CPU time of each look."""
        client = self.aws.client("stepfunctions")
        upload = an_upload("dev/append/waiting/a.csv")
        data = wait_for_lease(upload, Turn(attempts=0), LEASE) | more
        arns = [
            client.start_execution(stateMachineArn=machine, input=json.dumps(data))["executionArn"]
            for _ in range(count)
        ]
        before, began = self._cpu(), time.monotonic()
        time.sleep(SECONDS)
        cpu, seconds = self._cpu() - before, time.monotonic() - began
        sample = arns[:: max(1, count // 20)]
        looks = sum(self._looks(arn) for arn in sample) * count / len(sample)
        for arn in arns:
            with suppress(client.exceptions.ClientError):  # it has failed
                client.stop_execution(executionArn=arn)
        time.sleep(2)
        print(
            f"{what}: {looks:.0f} in {seconds:.0f} s, {cpu / seconds:.2f} of a core, "
            f"{1000 * cpu / max(looks, 1):.1f} ms of CPU each",
            flush=True,
        )

    def _looks(self, arn: str) -> int:
        pages = self.aws.client("stepfunctions").get_paginator("get_execution_history")
        events = (event for page in pages.paginate(executionArn=arn) for event in page["events"])
        return sum(event["type"] == "ChoiceStateEntered" for event in events)

    def _cpu(self) -> float:
        """Return the CPU seconds of the AWS server and its functions."""
        processes = [self.server, *self.server.children(recursive=True)]
        return sum(_seconds(process.cpu_times) for process in processes)

    def _definition(self, arn: str) -> dict[str, Any]:
        parts = WorkflowParts(arn, arn, self.outputs.log_table, self.leases, 900, 30)
        return render_workflow(parts)

    def _create(self, name: str, definition: Mapping[str, Any]) -> str:
        created = self.aws.client("stepfunctions").create_state_machine(
            name=f"{name}-{time.monotonic_ns()}",
            definition=json.dumps(definition),
            roleArn=self.role,
        )
        return str(created["stateMachineArn"])

    def _function(self) -> str:
        content = io.BytesIO()
        with zipfile.ZipFile(content, "w") as archive:
            archive.writestr("trivial.py", HANDLER)
            archive.writestr(BOOTSTRAP_MEMBER, BOOTSTRAP.read_text())
            start = zipfile.ZipInfo("bootstrap")
            start.external_attr = 0o755 << 16
            archive.writestr(
                start,
                f'#!/bin/sh\nexec "{FUNCTION_INTERPRETER}" -u "$LAMBDA_TASK_ROOT/{BOOTSTRAP_MEMBER}"\n',
            )
        created = self.aws.client("lambda").create_function(
            FunctionName="trivial",
            Runtime=LOCAL_RUNTIME,
            Handler="trivial.handler",
            Role=self.role,
            Code={"ZipFile": content.getvalue()},
        )
        return str(created["FunctionArn"])


def _seconds(read: Callable[[], Any]) -> float:
    try:
        times = read()
    except psutil.Error:
        return 0.0
    return float(times.user + times.system)


if __name__ == "__main__":
    main()
