"""The Redshift emulator as a child process: `python -m redshift_emulator`.

It uses TLS with its own certificate authority.
"""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import trustme

from local_cloud import aws_server, processes
from local_cloud.errors import LocalCloudError
from local_cloud.state import PROJECT_ROOT, StateDir, write_private
from local_cloud.tcp_ports import LOOPBACK, free_port

USER = "awsuser"
HOST = "localhost"
START_SECONDS = 60.0
DATABASE_PROGRAM = "postgres"
EMULATOR_MODULE = "redshift_emulator"
MAX_SOCKET_PATH = 107
ISOLATION_LEVELS = ("snapshot", "serializable")
"""Of a Redshift database. The first is the default."""


class EmulatorProcessError(LocalCloudError):
    """The emulator did not start."""


@dataclass(frozen=True)
class WarehouseCredentials:
    """How to connect to the emulator.

    Created before it starts, because the deployment passes the values to the functions.
    """

    port: int
    databases: tuple[str, ...]
    password: str = field(repr=False)
    ca_file: Path
    default_role_file: Path
    data_api_port: int
    secrets_file: Path
    host: str = HOST
    user: str = USER

    @property
    def data_api_url(self) -> str:
        """The address of the emulator's Data API."""
        return f"http://{LOOPBACK}:{self.data_api_port}"

    def attach_default_role(self, arn: str) -> None:
        """Make this role the meaning of `IAM_ROLE default`."""
        write_private(self.default_role_file, arn)

    def accept_secret(self, arn: str, user: str) -> None:
        """Let the Data API log in as the user with this secret, and with no other.

        The empty text stands for a login with IAM.
        """
        write_private(self.secrets_file, json.dumps({arn: user}))


@dataclass(frozen=True)
class EmulatorProcess:
    """A running emulator."""

    port: int
    child: processes.Child
    ready_file: Path


def prepare(
    state: StateDir, port: int, databases: Sequence[str], data_api_port: int | None = None
) -> WarehouseCredentials:
    """Create a password and a certificate and store both below the state directory.

    Without `data_api_port` the Data API gets a free port.
    """
    authority = trustme.CA()
    certificate = authority.issue_cert(HOST, LOOPBACK)
    password = secrets.token_urlsafe(24)
    write_private(_file(state, "password"), password)
    write_private(_file(state, "ca.pem"), authority.cert_pem.bytes().decode())
    write_private(
        _file(state, "cert.pem"),
        b"".join(pem.bytes() for pem in certificate.cert_chain_pems).decode(),
    )
    write_private(_file(state, "key.pem"), certificate.private_key_pem.bytes().decode())
    return WarehouseCredentials(
        port,
        tuple(databases),
        password,
        ca_file=_file(state, "ca.pem"),
        default_role_file=_file(state, "default-role"),
        data_api_port=data_api_port or free_port(),
        secrets_file=_file(state, "data-api-secrets.json"),
    )


def _file(state: StateDir, name: str) -> Path:
    return state.secrets / name


def environment(state: StateDir, ambient: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the emulator's environment variables.

    It assumes roles as the account's root user and checks the trust policy itself.
    """
    kept = {name: ambient[name] for name in ("PATH", "PG_BIN", "LANG") if name in ambient}
    return kept | {
        "HOME": str(state.temporary),
        "TMPDIR": str(_folder_for_sockets(state)),
        "PYTHONPATH": str(PROJECT_ROOT),
        "PYTHONUNBUFFERED": "1",
        "AWS_ACCESS_KEY_ID": aws_server.ACCESS_KEY_ID,
        "AWS_SECRET_ACCESS_KEY": aws_server.SECRET_ACCESS_KEY,
        "AWS_DEFAULT_REGION": aws_server.REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def _folder_for_sockets(state: StateDir) -> Path:
    """Return a folder whose path is short enough for PostgreSQL's Unix socket.

    The path of a socket may have 107 bytes.
    """
    longest = state.temporary / "rs-12345678" / ".s.PGSQL.5432.lock"
    return (
        state.temporary
        if len(os.fsencode(longest)) <= MAX_SOCKET_PATH
        else Path(tempfile.gettempdir())
    )


def command(
    state: StateDir,
    credentials: WarehouseCredentials,
    s3_endpoint_url: str,
    isolation: str = ISOLATION_LEVELS[0],
) -> list[str]:
    options = {
        "--data": state.warehouse_data,
        "--port": credentials.port,
        "--s3-endpoint": s3_endpoint_url,
        "--region": aws_server.REGION,
        "--default-role-file": credentials.default_role_file,
        "--databases": credentials.databases[0],  # bootstrap creates the others
        "--user": credentials.user,
        "--password-file": _file(state, "password"),
        "--cert": _file(state, "cert.pem"),
        "--key": _file(state, "key.pem"),
        "--data-api-port": credentials.data_api_port,
        "--data-api-logins": credentials.secrets_file,
        "--ready-file": _ready_file(state),
        "--isolation": isolation,
    }
    return [
        sys.executable,
        "-m",
        EMULATOR_MODULE,
        *(str(part) for option in options.items() for part in option),
    ]


def _ready_file(state: StateDir) -> Path:
    return state.temporary / "warehouse.ready"


def launch(
    state: StateDir,
    credentials: WarehouseCredentials,
    s3_endpoint_url: str,
    isolation: str = ISOLATION_LEVELS[0],
    *,
    outlives_us: bool,
) -> EmulatorProcess:
    """Start the emulator and return at once. Unless `outlives_us`, it ends with this process."""
    child = processes.start(
        "emulator",
        command(state, credentials, s3_endpoint_url, isolation)
        + ([] if outlives_us else ["--exit-with-stdin"]),
        environment=environment(state),
        log_file=state.warehouse_log,
        working_directory=state.temporary,
        stdin=subprocess.DEVNULL if outlives_us else subprocess.PIPE,
    )
    return EmulatorProcess(credentials.port, child, _ready_file(state))


def stop_remains(state: StateDir) -> None:
    """Stop the PostgreSQL server of an emulator that was killed.

    It has its own session, so it keeps running.
    """
    processes.kill_processes_using(state.warehouse_data, DATABASE_PROGRAM)


def wait_until_ready(emulator: EmulatorProcess, state: StateDir) -> None:
    """Return when the emulator listens.

    Raises EmulatorProcessError when it has ended or does not listen within START_SECONDS.
    """

    def settled() -> bool:
        return emulator.child.exit_code() is not None or emulator.ready_file.exists()

    if not processes.wait_until(settled, START_SECONDS) or emulator.child.exit_code() is not None:
        raise EmulatorProcessError(
            f"the emulator did not start on port {emulator.port}; "
            f"its output is in {state.warehouse_log}"
        )
