"""Tools that people connect to Redshift, each in its own environment: what their calls return.

The most valuable first, because CI stops these tests after some minutes.
"""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

from tests.redshift_emulator.tools.conftest import Results, RunTool, Site

HERE = Path(__file__).parent
REFUSED = 'SQL command "CREATE INDEX" not supported'


def check(results: Results, expected: Results) -> None:
    """Compare the results of the calls; object numbers in default expressions do not count."""
    shown = {
        name: re.sub(r'"identity"\(\d+', '"identity"(1', text) for name, text in results.items()
    }
    assert shown == expected


def read(name: str) -> Results:
    """Return the expected results of a tool."""
    expected: Results = json.loads((HERE / "expected" / f"{name}.json").read_text("utf-8"))
    return expected


def test_amazons_jdbc_driver(run_java: RunTool, site: Site) -> None:
    results = run_java("jdbc", "Jdbc.java", str(site.ca_file))
    # The driver's query has a set-returning function in a CASE, which PostgreSQL 10 and later refuse.
    for name in ("getProcedureColumns", "getFunctionColumns"):
        assert results.pop(name).startswith("SQLException")
    assert "PKIX path building failed" in results.pop("untrusted")
    check(results, read("jdbc"))


def test_redshift_connector(run_python: RunTool, tmp_path: Path) -> None:
    results = run_python("redshift-connector", "connector.py", str(tmp_path))
    assert REFUSED in results.pop("refused")
    check(results, read("redshift-connector"))


def test_dbt(run_python: RunTool, tmp_path: Path) -> None:
    project = shutil.copytree(HERE / "dbt_project", tmp_path / "project")
    check(run_python("dbt", "dbt_commands.py", str(project)), read("dbt"))


def test_awswrangler(run_python: RunTool) -> None:
    results = run_python("awswrangler", "wrangler.py")
    assert "Load into table 'orders' failed" in results.pop("error")
    check(results, read("awswrangler"))


def test_sqlalchemy_redshift(run_python: RunTool) -> None:
    results = run_python("sqlalchemy", "alchemy.py")
    # SQLAlchemy 2 reads a column that pg_class does not have on Redshift either.
    assert "pg_class.relpersistence does not exist" in results.pop("MetaData.reflect")
    check(results, read("sqlalchemy"))


def test_dlt(run_python: RunTool) -> None:
    check(run_python("dlt", "loader.py"), read("dlt"))


def test_flyway(run_java: RunTool, site: Site) -> None:
    migrations = str(HERE / "migrations")
    check(run_java("flyway", "Migrate.java", str(site.ca_file), migrations), read("flyway"))


def test_airflow(run_python: RunTool) -> None:
    check(run_python("airflow", "orchestrator.py"), read("airflow"))
