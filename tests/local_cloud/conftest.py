"""Clouds for the tests of the deployer: the real stand-in for AWS, a stand-in for the warehouse that only listens."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pulumi
import pulumi_aws as aws
import pytest

from local_cloud import cloud as local_cloud
from local_cloud import emulator_process
from local_cloud.cloud import LocalCloud

FAKE_WAREHOUSE = "tests.local_cloud.fake_emulator"


@pytest.fixture
def without_warehouse(monkeypatch: pytest.MonkeyPatch) -> None:
    """Clouds of this test have no warehouse that could answer a query."""
    monkeypatch.setattr(emulator_process, "EMULATOR_MODULE", FAKE_WAREHOUSE)


def small_program() -> None:
    """A bucket, and the names of what else a cloud's outputs tell."""
    pulumi.export("lake_bucket", aws.s3.Bucket("lake").bucket)
    for name in (
        "log_table",
        "state_machine_arn",
        "reconcile_function",
        "tables_function",
        "api_url",
        "api_key",
    ):
        pulumi.export(name, f"no {name}")


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch, without_warehouse: None) -> None:
    """Clouds of this test run a small program instead of the project's."""
    monkeypatch.setattr(local_cloud, "project_program", small_program)


@pytest.fixture(scope="package")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    """The real program, deployed once for all tests that only look at it."""
    state: Path = tmp_path_factory.mktemp("cloud")
    with contextlib.ExitStack() as stack:
        with (
            pytest.MonkeyPatch.context() as patch
        ):  # for the start alone: other tests of the package want the real one
            patch.setattr(emulator_process, "EMULATOR_MODULE", FAKE_WAREHOUSE)
            running = stack.enter_context(LocalCloud.start(state))
        yield running
