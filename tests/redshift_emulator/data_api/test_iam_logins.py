"""Logins with IAM through boto3: both calls, the login that they allow, and what is refused."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import boto3
import psycopg2
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.redshift_emulator.conftest import Warehouse
from tests.redshift_emulator.data_api import until_ended
from tests.redshift_emulator.data_api.test_data_api import KEYS
from tests.redshift_emulator.data_api.test_data_api import client as client

USER = "IAMR:caller"


def service(name: str, warehouse: Warehouse) -> Any:
    config = Config(retries={"total_max_attempts": 1})
    return boto3.client(  # type: ignore[call-overload]
        name, endpoint_url=warehouse.data_api_url, config=config, **KEYS
    )


def ask(name: str, warehouse: Warehouse) -> tuple[str, str, datetime]:
    if name == "redshift":
        reply = service(name, warehouse).get_cluster_credentials_with_iam(ClusterIdentifier="main")
        return reply["DbUser"], reply["DbPassword"], reply["Expiration"]
    reply = service(name, warehouse).get_credentials(workgroupName="main")
    return reply["dbUser"], reply["dbPassword"], reply["expiration"]


def login(warehouse: Warehouse, password: str) -> list[tuple[Any, ...]]:
    connection = psycopg2.connect(
        host=warehouse.host, port=warehouse.port, user=USER, password=password, dbname="dev"
    )
    try:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT current_user, usesuper FROM pg_user WHERE usename = current_user"
            )
            return cursor.fetchall()
    finally:
        connection.close()


@pytest.mark.parametrize("name", ["redshift", "redshift-serverless"])
def test_the_credentials_allow_a_login_without_rights_until_the_next_ones(
    warehouse: Warehouse, name: str
) -> None:
    user, first, expiration = ask(name, warehouse)
    assert user == USER
    assert expiration > datetime.now(UTC)
    assert login(warehouse, first) == [(USER, False)]
    _, second, _ = ask(name, warehouse)
    assert login(warehouse, second)


def test_the_data_api_logs_in_with_iam_if_no_secret_is_given(
    warehouse: Warehouse, client: Any
) -> None:
    ask("redshift", warehouse)
    where = {"ClusterIdentifier": "main", "Database": "dev"}
    submitted = client.execute_statement(Sql="SELECT current_user", **where)
    until_ended(client, submitted["Id"])
    result = client.get_statement_result(Id=submitted["Id"])
    assert result["Records"] == [[{"stringValue": USER}]]


def test_another_operation_of_redshift_is_refused(warehouse: Warehouse) -> None:
    with pytest.raises(ClientError, match="must be GetClusterCredentialsWithIAM"):
        service("redshift", warehouse).describe_clusters()
