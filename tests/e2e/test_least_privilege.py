"""The loads log in as the loader: what it is, what it may do, and what `etl bootstrap` says about it."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from etl_cli.main import main
from local_cloud.cloud import LocalCloud
from tests.e2e.conftest import Lake, columns

LOADER = "lake_loader"


def bootstrap(cloud: LocalCloud, *options: str):
    arguments = ["bootstrap", "--stack", str(cloud.state.outputs), "--json", *options]
    certificate = str(cloud.state.secrets / "ca.pem")
    return CliRunner().invoke(main, [*arguments, "--ca-file", certificate])


def owners(lake: Lake, table: str) -> set[str]:
    query = f"SELECT tableowner FROM pg_tables WHERE tablename LIKE '%{table}'"
    return {row[0] for row in lake.client.sql("dev", query).rows}


def test_tables_and_ledgers_belong_to_the_loader_who_is_no_administrator(lake: Lake) -> None:
    table = lake.table("owned")
    lake.drop(f"dev/schema/{table}/s.json", columns(("id", "INTEGER")))
    assert lake.drop(f"dev/append/{table}/a.csv", "id\n1\n")["status"] == "loaded"
    assert owners(lake, table) == {LOADER}
    rights = lake.client.sql(
        "dev", f"SELECT usesuper, usecreatedb FROM pg_user WHERE usename = '{LOADER}'"
    )
    assert rights.rows == ((False, False),)


def test_a_table_that_the_administrator_owns_is_refused_until_it_changes_hands(
    lake: Lake, cloud: LocalCloud
) -> None:
    """As after an upgrade from a version that loaded as the administrator."""
    table = lake.table("legacy")
    lake.drop(f"dev/schema/{table}/s.json", columns(("id", "INTEGER")))
    lake.drop(f"dev/append/{table}/a.csv", "id\n1\n")
    for name in (f"public.{table}", f"etl_ledger.public__{table}"):
        lake.client.sql("dev", f"ALTER TABLE {name} OWNER TO awsuser")
    refused = lake.drop(f"dev/append/{table}/b.csv", "id\n2\n")
    assert (refused["status"], "permission denied" in refused["error"]["message"]) == (
        "failed",
        True,
    )
    shown = json.loads(bootstrap(cloud).stdout)["statements"]
    assert f'ALTER TABLE "public"."{table}" OWNER TO "lake_loader"' in {
        each["statement"] for each in shown
    }
    assert owners(lake, table) == {LOADER}
    assert lake.drop(f"dev/append/{table}/c.csv", "id\n3\n")["status"] == "loaded"
    assert lake.rows(table) == [(1,), (3,)]


def test_bootstrap_says_what_it_would_do_and_does_nothing(cloud: LocalCloud) -> None:
    result = bootstrap(cloud, "--dry-run")
    assert result.exit_code == 0, result.output
    reply = json.loads(result.stdout)
    assert reply["dry_run"] is True
    shown = [each["statement"] for each in reply["statements"]]
    assert shown[0] == "ALTER USER \"lake_loader\" PASSWORD '***'"
    assert not [text for text in shown if text.startswith("CREATE")], "the start ran bootstrap"
    secret = cloud.aws.client("secretsmanager").get_secret_value(
        SecretId=cloud.deployment.outputs["warehouse_secret_arn"]
    )
    assert json.loads(secret["SecretString"])["password"] not in result.output


@pytest.mark.parametrize("name", ["orders", "dev/pg_catalog.t", "dev/a b"])
def test_a_table_to_adopt_has_a_database_and_a_name(cloud: LocalCloud, name: str) -> None:
    result = bootstrap(cloud, "--adopt", name)
    assert result.exit_code == 2
    assert "is not DATABASE/SCHEMA.TABLE" in result.output


def test_the_outputs_of_an_older_version_are_refused_with_the_fix(tmp_path) -> None:
    path = tmp_path / "prod.json"
    path.write_text(json.dumps({"warehouse_host": "wg.example", "warehouse_port": 5439}))
    result = CliRunner().invoke(main, ["bootstrap", "--stack", str(path)])
    assert result.exit_code == 2
    assert "pulumi stack output --json" in result.output


def test_the_administrators_password_is_in_no_function(lake: Lake, cloud: LocalCloud) -> None:
    password = cloud.outputs.warehouse.password
    assert password not in json.dumps(lake.function_variables())
    logs = cloud.aws.client("logs")
    for group in logs.describe_log_groups()["logGroups"]:
        events = logs.filter_log_events(logGroupName=group["logGroupName"])["events"]
        assert password not in json.dumps([event["message"] for event in events])
