"""The commands: up, down, status, put, logs - and that nothing stays behind."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from click.testing import CliRunner, Result

from etl_cli import display, local_commands
from local_cloud import processes
from local_cloud.cloud import CloudError, LocalCloud
from local_cloud.state import StateDir
from tests.local_cloud.conftest import small_program

pytestmark = pytest.mark.usefixtures("without_warehouse")


@pytest.fixture
def state(tmp_path: Path) -> Iterator[StateDir]:
    made = StateDir(tmp_path / "state")
    yield made
    run(made, "down")


def run(state: StateDir, *arguments: str) -> Result:
    """Run a command and check that its end is one that a person understands."""
    result = CliRunner().invoke(local_commands.main, ["--state", str(state.root), *arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


@pytest.fixture(autouse=True)
def _fresh_console(monkeypatch: pytest.MonkeyPatch) -> None:
    """The console of the module keeps the output stream of its import."""
    monkeypatch.setattr(local_commands, "console", display.make_console())


def test_a_cloud_comes_up_once_and_goes_down_once(state):
    up = run(state, "up")
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
    put = run(state, "put", str(file), "dev/append/user_data/")
    assert put.exit_code == 0, put.output
    assert run(state, "status").exit_code == 0

    records = state.read_processes()
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
    for command in (["logs", "user_data"], ["sql", "dev", "select 1"]):
        result = run(state, *command)
        assert result.exit_code == 1
        assert "make up" in result.output


@pytest.mark.usefixtures("small")
def test_a_cloud_whose_server_was_killed_is_started_anew(state):
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
def test_two_clouds_run_side_by_side_and_do_not_meet(tmp_path):
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


def test_the_database_of_a_warehouse_that_was_killed_is_stopped_as_well(tmp_path, monkeypatch):
    monkeypatch.undo()  # the real stand-in
    state = StateDir(tmp_path / "state")
    with LocalCloud.start(state.root, program=small_program) as cloud:
        server = [
            p
            for p in psutil.process_iter()
            if processes.is_working_on(p, state.warehouse_data, "postgres")
        ]
        assert server
        psutil.Process(cloud.children[1].record.pid).kill()
    assert not any(processes.is_alive(process) for process in server)
