"""The local cloud with what an older version left behind."""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest

from etl_core.access.bootstrap import Access, run_bootstrap
from etl_core.adapters.aws_clients import session
from etl_core.adapters.redshift import RedshiftWarehouse
from etl_core.adapters.redshift_connections import Endpoint
from etl_core.adapters.secrets import GivenCredentials
from tests.e2e.conftest import Lake
from tests.upgrade.restored import NAMES, Fixture, Restored, Stack, Translation

Restore = Callable[[str], Restored]
_HANDLERS = ("load", "record", "query", "reconcile", "tables", "wiring")
_COPY_POLICY = "restored-lake"


@pytest.fixture(scope="session")
def translation() -> Translation:
    """Version ids and times of all restored files."""
    return Translation()


@pytest.fixture
def stack(lake: Lake, translation: Translation, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stack]:
    """Return today's functions in this process. Their lake is the old bucket, which COPY may read."""
    bucket = Fixture.read(NAMES[0]).bucket
    for name, value in lake.function_variables().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("LAKE_BUCKET", bucket)
    _create_bucket(lake, bucket)
    _forget_clients()
    with translation.applied():
        yield Stack(lake, bucket, translation)
    _forget_clients()


def _create_bucket(lake: Lake, bucket: str) -> None:
    """Create the old lake bucket, once, and let the role of COPY read it."""
    s3 = lake.client.aws.client("s3")
    if bucket in {each["Name"] for each in s3.list_buckets()["Buckets"]}:
        return
    s3.create_bucket(Bucket=bucket)
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": ["s3:GetObject", "s3:GetObjectVersion", "s3:ListBucket"],
                "Resource": [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"],
            }
        ],
    }
    role = lake.function_variables()["COPY_ROLE_ARN"].rpartition("/")[2]
    lake.client.aws.client("iam").put_role_policy(
        RoleName=role, PolicyName=_COPY_POLICY, PolicyDocument=json.dumps(policy)
    )


def _forget_clients() -> None:
    """Make the handlers create their clients again, with the settings and the credentials of this test."""
    session.cache_clear()
    for name in _HANDLERS:
        for value in vars(importlib.import_module(f"handlers.{name}")).values():
            if hasattr(value, "cache_clear"):
                value.cache_clear()


def _hand_over(lake: Lake) -> None:
    """Run bootstrap, as `pulumi up` does: the old version loaded as the administrator."""
    local = lake.client.outputs.warehouse
    endpoint = Endpoint(local.host, local.port, str(lake.cloud.state.secrets / "ca.pem"))
    administrator = GivenCredentials(local.user, local.password)
    access = Access(local.databases, local.loader, reader=local.reader)
    with closing(RedshiftWarehouse(endpoint, administrator)) as warehouse:
        run_bootstrap(warehouse, access)


@pytest.fixture(params=NAMES)
def restored(request: pytest.FixtureRequest, stack: Stack) -> Iterator[Restored]:
    """Return each fixture's table, restored."""
    table = stack.restore(Fixture.read(request.param))
    _hand_over(stack.lake)
    yield table
    table.clear()


@pytest.fixture
def restore(stack: Stack) -> Iterator[Restore]:
    """Return a function that restores one fixture by its name."""
    done: list[Restored] = []

    def make(name: str) -> Restored:
        done.append(stack.restore(Fixture.read(name)))
        _hand_over(stack.lake)
        return done[-1]

    yield make
    for each in done:
        each.clear()
