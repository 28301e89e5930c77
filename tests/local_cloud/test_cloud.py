"""What a running cloud exposes on this machine, and that a failed start leaves nothing behind."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import psutil
import pytest

from local_cloud.cloud import LocalCloud
from local_cloud.deploy import DeploymentError
from local_cloud.state import StateDir


def test_everything_listens_on_the_loopback_address_only(cloud):
    for child in cloud.children:
        leader = psutil.Process(child.record.pid)
        for process in [leader, *leader.children(recursive=True)]:
            listening = [
                c for c in process.net_connections("inet") if c.status == psutil.CONN_LISTEN
            ]
            assert all(connection.laddr.ip in ("127.0.0.1", "::1") for connection in listening)


def test_the_files_of_a_cloud_are_readable_by_its_user_only(cloud):
    for path in (
        cloud.state.outputs,
        cloud.state.processes,
        cloud.state.secrets,
        cloud.state.temporary,
    ):
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


def test_the_functions_do_not_see_the_users_environment(cloud, monkeypatch):
    server = psutil.Process(cloud.children[0].record.pid)
    assert not {"AWS_PROFILE", "AWS_CA_BUNDLE", "HTTP_PROXY", "PYTHONPATH"} & set(server.environ())
    assert server.environ()["HOME"] != os.environ["HOME"]


def test_the_functions_get_the_address_of_the_emulators_data_api(cloud):
    server, emulator = (psutil.Process(child.record.pid) for child in cloud.children)
    command = emulator.cmdline()
    port = command[command.index("--data-api-port") + 1]
    assert server.environ()["AWS_ENDPOINT_URL_REDSHIFT_DATA"] == f"http://127.0.0.1:{port}"


def test_the_data_api_accepts_the_secret_of_the_stack_only(cloud):
    accepted = json.loads(cloud.context.warehouse.secrets_file.read_text())
    outputs = cloud.deployment.outputs
    assert accepted == {outputs["warehouse_secret_arn"]: outputs["warehouse_loader"]}


def test_a_start_that_fails_leaves_nothing_behind(tmp_path):
    def broken() -> None:
        raise ValueError("no such thing")

    with pytest.raises(DeploymentError, match="no such thing"):
        LocalCloud.start(tmp_path / "state", program=broken)
    state = StateDir(tmp_path / "state")
    assert not state.processes.exists()
    assert not state.temporary.exists()
    left = [p for p in psutil.process_iter() if _works_in(p, state.root)]
    assert left == []


def _works_in(process: psutil.Process, folder: Path) -> bool:
    try:
        return Path(process.cwd()).is_relative_to(folder)
    except (psutil.Error, OSError):
        return False
