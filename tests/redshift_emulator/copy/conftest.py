"""One AWS server and one emulator for all tests of COPY, both as child processes."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import boto3
import psycopg2
import pytest
from botocore.config import Config
from psycopg2.extensions import connection

from local_cloud import aws_server, emulator_process, processes
from local_cloud.state import StateDir
from local_cloud.tcp_ports import free_port
from tests.redshift_emulator.copy.lake import BUCKET, SECRET, Lake


@pytest.fixture(scope="package")
def shared_lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    """A lake with its bucket, a role and a connection, shared by the tests of this package."""
    state = StateDir(tmp_path_factory.mktemp("lake"))
    state.create()
    server = aws_server.launch(state, free_port(), outlives_us=False)
    credentials = emulator_process.prepare(state, free_port(), ["dev"])
    emulator = emulator_process.launch(state, credentials, server.endpoint_url, outlives_us=False)
    try:
        aws_server.wait_until_ready(server, state)
        emulator_process.wait_until_ready(emulator, state)
        connect = partial(_connect, credentials)
        lake = Lake(_client("s3", server), _client("iam", server), connect, connect())
        lake.s3.create_bucket(Bucket=BUCKET)
        lake.role = lake.add_role("copy")
        lake.attach_default_role = credentials.attach_default_role
        lake.data_api = _client("redshift-data", server, credentials.data_api_url)
        credentials.accept_secret(SECRET, credentials.user)
        yield lake
        lake.connection.close()
        lake.s3.close()
        lake.iam.close()
        lake.data_api.close()
    finally:
        processes.stop_children([server.child, emulator.child])


def _connect(credentials: emulator_process.WarehouseCredentials) -> connection:
    """Return a session in autocommit, over verified TLS."""
    session = psycopg2.connect(
        host=credentials.host,
        port=credentials.port,
        user=credentials.user,
        password=credentials.password,
        dbname="dev",
        sslmode="verify-full",
        sslrootcert=str(credentials.ca_file),
    )
    session.autocommit = True
    return session


def _client(service: str, server: aws_server.AwsServer, url: str | None = None):  # type: ignore[no-untyped-def]
    return boto3.client(  # type: ignore[call-overload]
        service,
        endpoint_url=url or server.endpoint_url,
        region_name=aws_server.REGION,
        aws_access_key_id=aws_server.ACCESS_KEY_ID,
        aws_secret_access_key=aws_server.SECRET_ACCESS_KEY,
        config=Config(s3={"addressing_style": "path"}),
    )


@pytest.fixture
def lake(shared_lake: Lake) -> Iterator[Lake]:
    """The shared lake for one test; afterwards no block is open and autocommit is on."""
    yield shared_lake
    if shared_lake.connection.closed:
        raise AssertionError("the test lost the connection")
    shared_lake.connection.rollback()
    shared_lake.connection.autocommit = True
