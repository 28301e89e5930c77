"""One stand-in of Redshift for the tests that let it judge the SQL; started by the first that asks for it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from local.redshift.server import Server, ServerOptions, tls_context
from tests.builders import a_schema_file
from tests.etl_core.live import LiveTable
from tests.etl_core.world import World

_PASSWORD = "Secret+/=1"


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with ca.pem, cert.pem and key.pem for this machine."""
    folder = tmp_path_factory.mktemp("certificates")
    authority = trustme.CA()
    issued = authority.issue_cert("localhost", "127.0.0.1")
    authority.cert_pem.write_to_path(folder / "ca.pem")
    issued.private_key_pem.write_to_path(folder / "key.pem")
    issued.cert_chain_pems[0].write_to_path(folder / "cert.pem")
    return folder


@pytest.fixture(scope="session")
def stand_in(tmp_path_factory: pytest.TempPathFactory, certificates: Path) -> Iterator[Server]:
    """The stand-in, with one database."""
    data = tmp_path_factory.mktemp("warehouse") / "data"
    tls = tls_context(certificates / "cert.pem", certificates / "key.pem")
    with Server.start(ServerOptions(data=data, databases=("dev",), password=_PASSWORD, tls=tls)) as server:
        yield server


@pytest.fixture(scope="session")
def live(stand_in: Server) -> Iterator[LiveTable]:
    """A table in it, which each test makes anew."""
    host, port = stand_in.address
    with LiveTable.connect(host, port, _PASSWORD) as table:
        yield table


@pytest.fixture
def world() -> World:
    """A lake with a table t (id integer, name varchar(20)) of two rows."""
    made = World()
    made.drop("dev/schema/t/s.json", a_schema_file())
    made.drop("dev/append/t/first.csv", b"id,name\n1,a\n2,b\n")
    return made
