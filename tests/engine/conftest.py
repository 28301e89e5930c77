"""Pulumi's engine, for the tests that need it. They are skipped where there is no CLI."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engine import cli
from tests.engine.stack import Engine, run_engine

LONG = pytest.mark.skipif(
    os.environ.get("ETL_ENGINE") != "all", reason="takes minutes; `make engine-test` runs it"
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Ignore the event loops and sockets that Pulumi's Automation API leaves open."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.filterwarnings("ignore::ResourceWarning"))
            item.add_marker(
                pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
            )


@pytest.fixture
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """An engine with an empty account and an empty backend."""
    command = cli.find()
    if command is None:
        pytest.skip(cli.MISSING)
    with run_engine(command, tmp_path_factory.mktemp("engine")) as running:
        yield running
