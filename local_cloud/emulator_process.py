"""The stand-in for Redshift: `python -m redshift_emulator` as a child process, with TLS under a certificate authority of its own."""

from __future__ import annotations

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
from local_cloud.state import PROJECT_ROOT, StateDir, write_private
from local_cloud.tcp_ports import LOOPBACK

USER = "awsuser"
HOST = "localhost"
START_SECONDS = 60.0
DATABASE_PROGRAM = "postgres"
EMULATOR_MODULE = "redshift_emulator"
MAX_SOCKET_PATH = 107


class WarehouseError(RuntimeError):
    """The stand-in did not start."""


@dataclass(frozen=True)
class WarehouseCredentials:
    """How to reach the warehouse. Made before it starts: the deployment hands the same values to the functions."""

    port: int
    databases: tuple[str, ...]
    password: str = field(repr=False)
    ca_file: Path
    default_role_file: Path
    host: str = HOST
    user: str = USER

    def attach_default_role(self, arn: str) -> None:
        """From now on this role is what `IAM_ROLE default` means."""
        write_private(self.default_role_file, arn)


@dataclass(frozen=True)
class Warehouse:
    """A running stand-in."""

    child: processes.Child
    ready_file: Path


def prepare(state: StateDir, port: int, databases: Sequence[str]) -> WarehouseCredentials:
    """Make up a password and a certificate, and keep both below the state directory."""
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
    )


def _file(state: StateDir, name: str) -> Path:
    return state.secrets / name


def environment(state: StateDir, ambient: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The stand-in assumes roles as the account's root user and checks their trust itself."""
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
    """The database server's Unix socket has room for 107 bytes of path; a checkout may lie deeper than that."""
    longest = state.temporary / "rs-12345678" / ".s.PGSQL.5432.lock"
    return (
        state.temporary
        if len(os.fsencode(longest)) <= MAX_SOCKET_PATH
        else Path(tempfile.gettempdir())
    )


def command(state: StateDir, credentials: WarehouseCredentials, s3_endpoint_url: str) -> list[str]:
    options = {
        "--data": state.warehouse_data,
        "--port": credentials.port,
        "--s3-endpoint": s3_endpoint_url,
        "--region": aws_server.REGION,
        "--default-role-file": credentials.default_role_file,
        "--databases": ",".join(credentials.databases),
        "--user": credentials.user,
        "--password-file": _file(state, "password"),
        "--cert": _file(state, "cert.pem"),
        "--key": _file(state, "key.pem"),
        "--ready-file": _ready_file(state),
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
    state: StateDir, credentials: WarehouseCredentials, s3_endpoint_url: str, *, outlives_us: bool
) -> Warehouse:
    """Start the stand-in without waiting for it. One that must not outlive this process ends when we do."""
    child = processes.start(
        "warehouse",
        command(state, credentials, s3_endpoint_url)
        + ([] if outlives_us else ["--exit-with-stdin"]),
        environment=environment(state),
        log_file=state.warehouse_log,
        working_directory=state.temporary,
        stdin=subprocess.DEVNULL if outlives_us else subprocess.PIPE,
    )
    return Warehouse(child, _ready_file(state))


def stop_remains(state: StateDir) -> None:
    """Stop the database server of a stand-in that was killed: it leads a session of its own, and goes on without it."""
    processes.kill_those_working_on(state.warehouse_data, DATABASE_PROGRAM)


def wait_until_ready(warehouse: Warehouse, state: StateDir) -> None:
    """Return when it listens. Raises WarehouseError when it has ended or does not listen in time."""

    def settled() -> bool:
        return warehouse.child.exit_code() is not None or warehouse.ready_file.exists()

    if not processes.wait_until(settled, START_SECONDS) or warehouse.child.exit_code() is not None:
        raise WarehouseError(
            f"the local warehouse did not start; its output is in {state.warehouse_log}"
        )
