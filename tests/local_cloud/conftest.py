"""Clouds for the tests: the real AWS server and a fake emulator that only listens."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pulumi
import pulumi_aws as aws
import pytest

from local_cloud import cloud as local_cloud
from local_cloud import emulator_process
from local_cloud.cloud import LocalCloud
from local_cloud.resources import REGISTRY, Context, Created, Resource

FAKE_EMULATOR = "tests.local_cloud.fake_emulator"
INVOCATION = "aws:lambda/invocation:Invocation"


def no_bootstrap(context: Context, item: Resource) -> Created:
    """Do not invoke bootstrap: the fake emulator answers no query."""
    item.rest()
    return Created(item.name, {"result": "{}"})


def use_fake_emulator(patch: pytest.MonkeyPatch) -> None:
    """Start the fake emulator instead of the real one, and no bootstrap."""
    patch.setattr(emulator_process, "EMULATOR_MODULE", FAKE_EMULATOR)
    patch.setitem(REGISTRY, INVOCATION, replace(REGISTRY[INVOCATION], provision=no_bootstrap))


@pytest.fixture
def without_emulator(monkeypatch: pytest.MonkeyPatch) -> None:
    """Run the fake emulator in this test's clouds. It answers no query."""
    use_fake_emulator(monkeypatch)


def small_program() -> None:
    """Declare a bucket and export the other outputs of a cloud."""
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
def small(monkeypatch: pytest.MonkeyPatch, without_emulator: None) -> None:
    """Deploy a small program in this test's clouds instead of the project's."""
    monkeypatch.setattr(local_cloud, "project_program", small_program)


@pytest.fixture(scope="package")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    """The real program, deployed once for all tests that only read it."""
    state: Path = tmp_path_factory.mktemp("cloud")
    with contextlib.ExitStack() as stack:
        # Only during the start: other tests need the real one.
        with pytest.MonkeyPatch.context() as patch:
            use_fake_emulator(patch)
            running = stack.enter_context(LocalCloud.start(state))
        yield running
