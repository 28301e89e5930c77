"""An AWS server and an emulator for all tools, and how a tool's program is run against them."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import boto3
import psycopg2
import pytest
from botocore.config import Config

from local_cloud import aws_server, processes
from local_cloud.state import StateDir
from local_cloud.tcp_ports import free_port
from tests.redshift_emulator.conftest import PASSWORD, certificates, place, running
from tests.redshift_emulator.tools.environments import environment

PROGRAMS = Path(__file__).parent / "programs"
BUCKET = "tools"
SECONDS = 900  # per program: the machines of CI are slow, and `timeout` bounds all of them
WANTED = os.environ.get("ETL_TOOLS") == "all"

HOST = "localhost"
USER = "awsuser"

_AWS = {
    "AWS_ACCESS_KEY_ID": aws_server.ACCESS_KEY_ID,
    "AWS_SECRET_ACCESS_KEY": aws_server.SECRET_ACCESS_KEY,
    "AWS_DEFAULT_REGION": aws_server.REGION,
    "AWS_EC2_METADATA_DISABLED": "true",
}

Results = dict[str, str]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tools take minutes and are installed on demand, so `make test` skips them."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.timeout(SECONDS))
            if not WANTED:
                item.add_marker(pytest.mark.skip(reason="slow; `make tools-test` runs it"))


@dataclass(frozen=True)
class Site:
    """Where the tools find S3 and the emulator."""

    port: int
    ca_file: Path
    endpoint: str
    role: str

    def variables(self, database: str) -> dict[str, str]:
        """Return the environment of a tool's program."""
        kept = {
            name: os.environ[name] for name in ("PATH", "LANG", "TOOL_DEBUG") if name in os.environ
        }
        return kept | {
            "TOOL_HOST": HOST,
            "TOOL_PORT": str(self.port),
            "TOOL_DATABASE": database,
            "TOOL_USER": USER,
            "TOOL_PASSWORD": PASSWORD,
            "TOOL_CA": str(self.ca_file),
            "TOOL_BUCKET": BUCKET,
            "TOOL_ROLE": self.role,
            "AWS_ENDPOINT_URL": self.endpoint,
            **_AWS,
        }

    def create_database(self, name: str) -> None:
        """Create an empty database."""
        session = psycopg2.connect(
            host=HOST,
            port=self.port,
            user=USER,
            password=PASSWORD,
            dbname="dev",
            sslmode="verify-full",
            sslrootcert=str(self.ca_file),
        )
        session.autocommit = True
        with closing(session), session.cursor() as cursor:
            cursor.execute("CREATE DATABASE " + name)


@pytest.fixture(scope="package")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """An AWS server with a bucket and a role for COPY, and an emulator."""
    folder = tmp_path_factory.mktemp("tools")
    state = StateDir(folder / "aws")
    state.create()
    server = aws_server.launch(state, free_port(), outlives_us=False)
    try:
        aws_server.wait_until_ready(server, state)
        with _emulator(folder, server.endpoint_url) as (port, ca_file):
            yield Site(port, ca_file, server.endpoint_url, _bucket_and_role(server.endpoint_url))
    finally:
        processes.stop_children([server.child])


@contextmanager
def _emulator(folder: Path, endpoint: str) -> Iterator[tuple[int, Path]]:
    """Run an emulator that has pyarrow; yield its port and the file of its certificate authority."""
    certificates(folder)
    (folder / "password").write_text(PASSWORD)
    options = ["--password-file", str(folder / "password"), "--s3-endpoint", endpoint]
    options += ["--cert", str(folder / "cert.pem"), "--key", str(folder / "key.pem")]
    with pytest.MonkeyPatch.context() as patch:
        path = [str(Path.cwd()), str(environment("parquet").site_packages)]
        patch.setenv("PYTHONPATH", os.pathsep.join(path))
        for name, value in _AWS.items():
            patch.setenv(name, value)
        with ExitStack() as stack:
            process = stack.enter_context(running(folder, *options))
            stack_of_test = stack.pop_all()
    with stack_of_test:
        yield place(process)[1], folder / "ca.pem"


def _bucket_and_role(endpoint: str) -> str:
    """Create the bucket; return the ARN of a role that Redshift may assume."""
    session = boto3.Session(
        aws_access_key_id=aws_server.ACCESS_KEY_ID,
        aws_secret_access_key=aws_server.SECRET_ACCESS_KEY,
        region_name=aws_server.REGION,
    )
    options = Config(s3={"addressing_style": "path"})
    with closing(session.client("s3", endpoint_url=endpoint, config=options)) as s3:
        s3.create_bucket(Bucket=BUCKET)
    trust = {
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "redshift.amazonaws.com"},
                "Action": "sts:AssumeRole",
            }
        ]
    }
    allowed = {"Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
    with closing(session.client("iam", endpoint_url=endpoint)) as iam:
        made = iam.create_role(RoleName="tools", AssumeRolePolicyDocument=json.dumps(trust))
        iam.put_role_policy(RoleName="tools", PolicyName="s3", PolicyDocument=json.dumps(allowed))
    arn: str = made["Role"]["Arn"]
    return arn


RunTool = Callable[..., Results]


@pytest.fixture
def run_python(site: Site, tmp_path: Path) -> RunTool:
    """Run a Python program of a tool in an empty database; return what each of its calls returned."""

    def run(name: str, program: str, *arguments: str) -> Results:
        database = _prepared(name, site)
        command = [*environment(name).program, str(PROGRAMS / program), *arguments]
        variables = site.variables(database) | {"HOME": str(tmp_path)}
        results: Results = json.loads(_output(command, variables, tmp_path).splitlines()[-1])
        return results

    return run


@pytest.fixture
def run_java(site: Site, tmp_path: Path) -> RunTool:
    """Run a Java program of a tool in an empty database; return what each of its calls returned."""

    def run(name: str, program: str, *arguments: str) -> Results:
        database = _prepared(name, site)
        url = f"jdbc:redshift://{HOST}:{site.port}/{database}"
        login = [USER, PASSWORD]
        command = [*environment(name).program, str(PROGRAMS / program), url, *login, *arguments]
        lines = _output(command, site.variables(database), tmp_path).splitlines()
        return dict(line.split("\t", 1) for line in lines if "\t" in line)

    return run


def _prepared(name: str, site: Site) -> str:
    missing = environment(name).missing()
    if missing:
        pytest.skip(missing)
    database = "tool_" + name.replace("-", "_")
    site.create_database(database)
    return database


def _output(command: list[str], variables: Mapping[str, str], folder: Path) -> str:
    done = subprocess.run(
        command, env=dict(variables), cwd=folder, capture_output=True, text=True, timeout=SECONDS
    )
    assert done.returncode == 0, done.stderr[-4000:] + done.stdout[-2000:]
    if "TOOL_DEBUG" in variables:
        print(done.stderr[-20000:])  # noqa: T201
    return done.stdout
