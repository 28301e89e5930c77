"""The settings and adapters of the load and tables functions."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

from etl_core.adapters.aws_clients import DATA, make_client
from etl_core.adapters.iam_login import IamLogin, cluster_credentials, workgroup_credentials
from etl_core.adapters.log_table import LogTable
from etl_core.adapters.redshift import RedshiftWarehouse
from etl_core.adapters.redshift_connections import Endpoint
from etl_core.adapters.s3 import S3Lake
from etl_core.adapters.secrets import CredentialSource, SecretStore
from etl_core.loading.ports import Ports
from etl_core.model.function_settings import LoadSettings, WarehouseLogin


@cache
def wiring() -> tuple[LoadSettings, Ports]:
    """Return the settings from the environment, and the ports over the adapters.

    Both functions have the same variables.
    """
    settings = LoadSettings.from_environment(os.environ)
    store = S3Lake(make_client("s3", DATA), settings.lake_bucket, settings.work_bucket)
    log = LogTable(make_client("dynamodb", DATA), settings.log_table)
    warehouse = RedshiftWarehouse(endpoint_of(settings), credential_source(settings.login))
    return settings, Ports(store, warehouse, log, answers=log)


def endpoint_of(settings: LoadSettings) -> Endpoint:
    """Return the warehouse's address."""
    return Endpoint(
        settings.warehouse_host, settings.warehouse_port, ca_file(settings.warehouse_ca_file)
    )


def credential_source(login: WarehouseLogin) -> CredentialSource:
    """Return where the login comes from: the secret, else temporary credentials for the function's role."""
    if login.secret_arn is not None:
        return SecretStore(make_client("secretsmanager", DATA), login.secret_arn)
    if login.workgroup is not None:
        return IamLogin(
            workgroup_credentials(make_client("redshift-serverless", DATA), login.workgroup)
        )
    return IamLogin(cluster_credentials(make_client("redshift", DATA), login.cluster or ""))


def ca_file(name: str | None) -> str | None:
    """Return the path of the CA file, which is deployed next to the code, or None for the dialect's own bundle."""
    return None if name is None else str(Path(os.environ.get("LAMBDA_TASK_ROOT", ".")) / name)
