"""The AWS server: ministack as a child process, with IAM enforcement, on the loopback address only.

Its environment contains nothing of the user's shell, because the functions inherit it and a
variable there must not change how a load behaves. Its temporary files are below the state
directory.
"""

from __future__ import annotations

import os
import subprocess
import sys
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from local_cloud import processes
from local_cloud.errors import LocalCloudError
from local_cloud.state import StateDir
from local_cloud.tcp_ports import LOOPBACK

REGION = "us-east-1"
ACCOUNT_ID = "000000000000"
# ministack's key for the account's root user. It is not a secret: the server accepts any secret for
# it and listens on the loopback address only.
ACCESS_KEY_ID = "test"
SECRET_ACCESS_KEY = "test"  # noqa: S105

CONCURRENT_FUNCTIONS = 16
"""Without a limit, 200 files start 200 interpreters, and nearly all of them time out."""
CONCURRENT_RECORDS = 8
"""A burst starts the record function once for each file. The limit leaves room for the loads
(maxParallelLoads) and for the functions that answer the API and the operator."""
WAIT_SCALE = 0.25
"""The state machine waits a quarter of the time before it continues or retries."""
START_SECONDS = 30.0
ENDS_WITH_PARENT = Path(__file__).with_name("until_parent_ends.py")
PROGRAM = Path(__file__).with_name("aws_server_main.py")


class AwsServerError(LocalCloudError):
    """The AWS server did not start."""


@dataclass(frozen=True)
class AwsServer:
    """A running AWS server."""

    port: int
    child: processes.Child

    @property
    def endpoint_url(self) -> str:
        return endpoint_url(self.port)


def endpoint_url(port: int) -> str:
    return f"http://{LOOPBACK}:{port}"


def environment(state: StateDir, port: int, data_api_url: str | None = None) -> dict[str, str]:
    """Return the environment variables of the server. Every function inherits them.

    The server has no Redshift: `data_api_url` is the emulator's, for the Data API and for logins with IAM.
    """
    services = ("REDSHIFT_DATA", "REDSHIFT_SERVERLESS", "REDSHIFT")
    data_api = (
        {}
        if data_api_url is None
        else {f"AWS_ENDPOINT_URL_{service}": data_api_url for service in services}
    )
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(state.temporary),  # hides the user's ~/.aws
        "TMPDIR": str(state.temporary),
        "LANG": "C.UTF-8",
        "PYTHONUNBUFFERED": "1",
        "GATEWAY_PORT": str(port),
        "BIND_HOST": LOOPBACK,
        "AUTH": "true",
        "IOT_MTLS_ENABLED": "0",  # otherwise it listens on port 8883 of every address
        "SFTP_ENABLED": "0",
        "AWS_ENDPOINT_URL": endpoint_url(port),
        "AWS_EC2_METADATA_DISABLED": "true",
        "MINISTACK_REGION": REGION,
        "MINISTACK_ACCOUNT_ID": ACCOUNT_ID,
        "LAMBDA_ACCOUNT_CONCURRENCY": str(CONCURRENT_FUNCTIONS),
        "SFN_WAIT_SCALE": str(WAIT_SCALE),
        "LOG_LEVEL": "WARNING",
    } | data_api


def launch(
    state: StateDir, port: int, data_api_url: str | None = None, *, outlives_us: bool
) -> AwsServer:
    """Start the server and return at once. Unless `outlives_us`, it ends with this process."""
    wrapper = [] if outlives_us else [str(ENDS_WITH_PARENT)]
    child = processes.start(
        "AWS server",
        [sys.executable, "-P", *wrapper, str(PROGRAM)],
        environment=environment(state, port, data_api_url),
        log_file=state.aws_log,
        working_directory=state.temporary,
        stdin=subprocess.DEVNULL if outlives_us else subprocess.PIPE,
    )
    return AwsServer(port, child)


def wait_until_ready(server: AwsServer, state: StateDir) -> None:
    """Return when the server answers.

    Raises AwsServerError when it has ended or does not answer within START_SECONDS.
    """

    def settled() -> bool:
        return server.child.exit_code() is not None or is_healthy(server.endpoint_url)

    if not processes.wait_until(settled, START_SECONDS) or server.child.exit_code() is not None:
        raise AwsServerError(
            f"the AWS server did not start on port {server.port}; its output is in {state.aws_log}"
        )


def is_healthy(url: str) -> bool:
    """Return whether a server at the address reports that it is healthy."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"{url}/_ministack/health", timeout=2) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False
