"""What all tests share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings
from hypothesis.configuration import set_hypothesis_home_dir

if TYPE_CHECKING:
    from local.cloud import LocalCloud
    from tests.e2e.conftest import Lake

set_hypothesis_home_dir(Path(__file__).parent.parent / ".cache" / "hypothesis")
# No deadline, because the machine may be busy; always the same examples, so that a change is what breaks a test.
# `pytest --hypothesis-profile=search` looks for new ones.
settings.register_profile("project", deadline=None, database=None, max_examples=60, derandomize=True)
settings.register_profile("search", deadline=None, database=None, max_examples=1000, print_blob=True)
settings.load_profile("project")


def pytest_configure(config: pytest.Config) -> None:
    """Warnings are errors, except those that pulumi_aws raises about itself when one of its modules is imported."""
    config.addinivalue_line("filterwarnings", r"ignore:[\w./]+ has been deprecated in favor of:DeprecationWarning")


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    """One local cloud for all tests that need a whole one."""
    from local.cloud import LocalCloud  # only they pay for what it imports

    with LocalCloud.start(tmp_path_factory.mktemp("cloud")) as running:
        yield running


@pytest.fixture(scope="session")
def lake(cloud: LocalCloud) -> Iterator[Lake]:
    """Its lake, as a person has it."""
    from local.client import Client
    from tests.e2e.conftest import Lake

    client = Client.of(cloud.outputs)
    yield Lake(cloud, client)
    client.close()
