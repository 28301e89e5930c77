"""Fixtures and settings of all tests."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings
from hypothesis.configuration import set_hypothesis_home_dir

if TYPE_CHECKING:
    from local_cloud.cloud import LocalCloud
    from redshift_emulator.server import Server
    from tests.e2e.conftest import Lake
    from tests.etl_core.live import LiveTable

set_hypothesis_home_dir(Path(__file__).parent.parent / ".cache" / "hypothesis")
# No deadline, because the machine may be busy. Always the same examples, so that only a change of
# the code breaks a test. `pytest --hypothesis-profile=search` tries new examples.
settings.register_profile(
    "project", deadline=None, database=None, max_examples=60, derandomize=True
)
settings.register_profile(
    "search", deadline=None, database=None, max_examples=1000, print_blob=True
)
settings.load_profile("project")


def pytest_configure(config: pytest.Config) -> None:
    """Ignore the warnings that pulumi_aws raises about itself on import.

    All other warnings are errors.
    """
    config.addinivalue_line(
        "filterwarnings", r"ignore:[\w./]+ has been deprecated in favor of:DeprecationWarning"
    )


LONGEST = ("guarantees", "upgrade", "docs", "e2e", "redshift_emulator")
"""The folders with the longest tests. They run first: at the end one process would be left with them."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sort the tests by folder; within a folder their order stays."""
    order = {name: number for number, name in enumerate(LONGEST)}
    tests = Path(__file__).parent
    items.sort(key=lambda item: order.get(item.path.relative_to(tests).parts[0], len(order)))


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    """Start one local cloud for all tests that need it."""
    # imported here, because it is slow and few tests need it
    from local_cloud.cloud import LocalCloud

    with LocalCloud.start(tmp_path_factory.mktemp("cloud")) as running:
        yield running


@pytest.fixture(scope="session")
def lake(cloud: LocalCloud) -> Iterator[Lake]:
    """Return the lake of the local cloud, with a client like a user's."""
    from etl_cli.client import Client
    from tests.e2e.conftest import Lake

    client = Client.of(cloud.outputs)
    yield Lake(cloud, client)
    client.close()


@pytest.fixture
def rule_off(lake: Lake) -> Iterator[None]:
    """Disable the lake's event rule, so that only the events of the test are delivered."""
    with without_rule(lake):
        yield


@contextmanager
def without_rule(lake: Lake) -> Iterator[None]:
    """Disable the lake's event rule during the block."""
    events = lake.client.aws.client("events")
    [rule] = [
        rule["Name"]
        for rule in events.list_rules()["Rules"]
        if "aws.s3" in rule.get("EventPattern", "")
    ]
    events.disable_rule(Name=rule)
    yield
    events.enable_rule(Name=rule)


_PASSWORD = "Secret+/=1"


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with ca.pem, cert.pem and key.pem for localhost."""
    import trustme

    folder = tmp_path_factory.mktemp("certificates")
    authority = trustme.CA()
    issued = authority.issue_cert("localhost", "127.0.0.1")
    authority.cert_pem.write_to_path(folder / "ca.pem")
    issued.private_key_pem.write_to_path(folder / "key.pem")
    issued.cert_chain_pems[0].write_to_path(folder / "cert.pem")
    return folder


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory, certificates: Path) -> Iterator[Server]:
    """Start the emulator with one database and the Data API."""
    from redshift_emulator.server import DataApiOptions, Server, ServerOptions, tls_context

    data = tmp_path_factory.mktemp("warehouse") / "data"
    tls = tls_context(certificates / "cert.pem", certificates / "key.pem")
    options = ServerOptions(
        data=data, databases=("dev",), password=_PASSWORD, tls=tls, data_api=DataApiOptions()
    )
    with Server.start(options) as server:
        yield server


@pytest.fixture(scope="session")
def live(emulator: Server) -> Iterator[LiveTable]:
    """Return a table of the emulator. Each test creates it again."""
    from tests.etl_core.live import LiveTable

    host, port = emulator.address
    with LiveTable.connect(host, port, _PASSWORD) as table:
        yield table
