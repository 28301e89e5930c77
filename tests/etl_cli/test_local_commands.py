"""The commands for the local cloud, which leave no process and no file behind."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from click.testing import CliRunner, Result

from etl_cli.main import main
from local_cloud import processes
from local_cloud.cloud import CloudError, LocalCloud
from local_cloud.state import StateDir
from tests.local_cloud.conftest import small_program

pytestmark = pytest.mark.usefixtures("without_emulator")


@pytest.fixture
def state(tmp_path: Path) -> Iterator[StateDir]:
    result = StateDir(tmp_path / "state")
    yield result
    run(result, "down")


WITH_STACK = ("put", "logs", "sql")


def run(state: StateDir, *arguments: str) -> Result:
    """Run a command and check that it ends without a stack trace."""
    command, *others = arguments
    where = (
        ["--stack", str(state.outputs)] if command in WITH_STACK else ["--state", str(state.root)]
    )
    result = CliRunner().invoke(main, [command, *where, *others])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def test_a_cloud_starts_once_and_stops_once(state):
    up = run(state, "up", "--isolation", "serializable")
    assert up.exit_code == 0, up.output
    outputs = json.loads(state.outputs.read_text())
    assert outputs["lake_bucket"] in up.output
    assert outputs["api_url"] in up.output

    again = run(state, "up")
    assert again.exit_code == 0
    assert "already up" in again.output
    assert json.loads(state.outputs.read_text()) == outputs

    file = state.root / "users.csv"
    file.write_text("Username\nbooker12\n")
    put = run(state, "put", str(file), "dev/append/user_data/", "--json")
    assert put.exit_code == 0, put.output
    assert json.loads(put.output)["key"] == "dev/append/user_data/users.csv"
    assert json.loads(put.output)["version_id"]
    logs = run(state, "logs", "user_data", "--json")
    assert logs.exit_code == 0, logs.output
    assert isinstance(json.loads(logs.output), list)
    status = run(state, "status", "--json")
    assert status.exit_code == 0
    content = json.loads(status.output)
    assert (content["up"], content["outputs"]) == (True, str(state.outputs))
    assert [each["name"] for each in content["processes"]] == ["AWS server", "emulator"]

    records = state.read_processes()
    command = psutil.Process(records[1].pid).cmdline()
    assert command[command.index("--isolation") + 1] == "serializable"
    down = run(state, "down")
    assert down.exit_code == 0
    assert not any(processes.is_running(record) for record in records)
    assert {path.name for path in state.root.iterdir()} <= {
        "aws.log",
        "warehouse.log",
        "lock",
        "users.csv",
    }

    nothing = run(state, "down")
    assert (nothing.exit_code, nothing.output.strip()) == (0, "the local cloud is not up")


def test_without_a_cloud_every_command_says_how_to_start_one(state):
    assert run(state, "status").exit_code == 1
    assert json.loads(run(state, "status", "--json").output)["up"] is False
    for command in (["logs", "user_data"], ["sql", "dev", "select 1"]):
        result = run(state, *command)
        assert result.exit_code == 1
        assert "etl up" in result.output


@pytest.mark.usefixtures("small")
def test_a_cloud_whose_server_was_killed_can_be_started_again(state):
    assert run(state, "up").exit_code == 0
    first = state.read_processes()
    psutil.Process(first[0].pid).kill()
    assert processes.wait_until(lambda: not processes.is_running(first[0]), 5)
    assert run(state, "status").exit_code == 1
    assert run(state, "up").exit_code == 0
    second = state.read_processes()
    assert all(processes.is_running(record) for record in second)
    assert not any(processes.is_running(record) for record in first)


@pytest.mark.usefixtures("small")
def test_two_clouds_run_side_by_side_and_share_nothing(tmp_path):
    with contextlib.ExitStack() as stack:
        one, two = (
            stack.enter_context(LocalCloud.start(tmp_path / name)) for name in ("one", "two")
        )
        one.aws.client("s3").put_object(Bucket=one.outputs.lake_bucket, Key="x", Body=b"x")
        buckets = {bucket["Name"] for bucket in two.aws.client("s3").list_buckets()["Buckets"]}
        assert two.outputs.lake_bucket in buckets
        assert one.outputs.lake_bucket not in buckets
        assert one.outputs.warehouse.port != two.outputs.warehouse.port
        with pytest.raises(CloudError, match="already running"):
            LocalCloud.start(tmp_path / "one")
        records = [child.record for cloud in (one, two) for child in cloud.children]
    assert not any(processes.is_running(record) for record in records)


def test_the_database_server_of_a_killed_emulator_is_stopped(tmp_path, monkeypatch):
    monkeypatch.undo()  # the real emulator
    state = StateDir(tmp_path / "state")
    with LocalCloud.start(state.root, program=small_program) as cloud:
        server = [
            p
            for p in psutil.process_iter()
            if processes.is_using(p, state.warehouse_data, "postgres")
        ]
        assert server
        psutil.Process(cloud.children[1].record.pid).kill()
    assert not any(processes.is_alive(process) for process in server)
