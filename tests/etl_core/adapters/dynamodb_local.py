"""Amazon's own DynamoDB Local, if Java and its files are on this machine: a second opinion on our expressions.

The files are Maven's `com.amazonaws:DynamoDBLocal` with its dependencies in one folder:
`mvn dependency:copy-dependencies -DoutputDirectory=FOLDER`. The folder is `.cache/dynamodb-local`
below the checkout, or what ETL_DYNAMODB_LOCAL says.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from local_cloud.state import PROJECT_ROOT

FOLDER = Path(os.environ.get("ETL_DYNAMODB_LOCAL") or PROJECT_ROOT / ".cache" / "dynamodb-local")
MAIN_CLASS = "com.amazonaws.services.dynamodbv2.local.main.ServerRunner"
LOOPBACK = "127.0.0.1"
START_SECONDS = 30.0


@contextmanager
def dynamodb_local(log: Path) -> Iterator[Any]:
    """Start it and yield a client. Skips the test where Java or the files are missing."""
    java = shutil.which("java")
    if java is None:
        pytest.skip("no Java on the PATH")
    if not list(FOLDER.glob("DynamoDBLocal-*.jar")):
        pytest.skip(f"no DynamoDBLocal-*.jar in {FOLDER}")
    with closing(socket.socket()) as free:
        free.bind((LOOPBACK, 0))
        port = free.getsockname()[1]
    command = [java, f"-Djava.library.path={FOLDER}", "-cp", f"{FOLDER}/*", MAIN_CLASS]
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*command, "-inMemory", "-port", str(port), "-disableTelemetry"],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=log.parent,
        )
    try:
        _wait_until_it_listens(process, port, log)
        yield boto3.client(
            "dynamodb",
            endpoint_url=f"http://{LOOPBACK}:{port}",
            region_name="us-east-1",
            aws_access_key_id="local",
            aws_secret_access_key="local",
            config=Config(proxies={}),
        )
    finally:
        process.terminate()
        process.wait(10)


def _wait_until_it_listens(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with closing(socket.socket()) as probe:
            if probe.connect_ex((LOOPBACK, port)) == 0:
                return
        time.sleep(0.1)
    raise AssertionError(f"DynamoDB Local did not start: {log.read_text(errors='replace')}")


def copy_table(source: Any, target: Any, name: str) -> None:
    """Create a table with the keys and indexes of a deployed one."""
    table = source.describe_table(TableName=name)["Table"]
    indexes = [
        {part: index[part] for part in ("IndexName", "KeySchema", "Projection")}
        for index in table.get("GlobalSecondaryIndexes", [])
    ]
    more: Mapping[str, Any] = {"GlobalSecondaryIndexes": indexes} if indexes else {}
    target.create_table(
        TableName=name,
        KeySchema=table["KeySchema"],
        AttributeDefinitions=table["AttributeDefinitions"],
        BillingMode="PAY_PER_REQUEST",
        **more,
    )
