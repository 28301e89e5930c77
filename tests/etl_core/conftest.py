"""One stand-in of Redshift for the tests that let it judge the SQL; started by the first that asks for it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from local.redshift.server import Server, ServerOptions
from tests.etl_core.live import LiveTable

_PASSWORD = "Secret+/=1"


@pytest.fixture(scope="session")
def stand_in(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The stand-in, with one database."""
    data = tmp_path_factory.mktemp("warehouse") / "data"
    with Server.start(ServerOptions(data=data, databases=("dev",), password=_PASSWORD)) as server:
        yield server


@pytest.fixture(scope="session")
def live(stand_in: Server) -> Iterator[LiveTable]:
    """A table in it, which each test makes anew."""
    host, port = stand_in.address
    with LiveTable.connect(host, port, _PASSWORD) as table:
        yield table
