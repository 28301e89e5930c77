"""The settings and adapters of the load and tables functions."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

from etl_core.adapters.aws_clients import DATA, make_client
from etl_core.adapters.log_table import LogTable
from etl_core.adapters.redshift import RedshiftWarehouse
from etl_core.adapters.redshift_connections import Endpoint
from etl_core.adapters.s3 import S3Lake
from etl_core.adapters.secrets import SecretStore
from etl_core.loading.ports import Ports
from etl_core.model.function_settings import LoadSettings


@cache
def wiring() -> tuple[LoadSettings, Ports]:
    """Return the settings from the environment, and the ports over the adapters.

    Both functions have the same variables.
    """
    settings = LoadSettings.from_environment(os.environ)
    store = S3Lake(make_client("s3", DATA), settings.lake_bucket, settings.work_bucket)
    secrets = SecretStore(make_client("secretsmanager", DATA), settings.warehouse_secret_arn)
    endpoint = Endpoint(settings.warehouse_host, settings.warehouse_port, _ca_file(settings))
    log = LogTable(make_client("dynamodb", DATA), settings.log_table)
    return settings, Ports(store, RedshiftWarehouse(endpoint, secrets), log, answers=log)


def _ca_file(settings: LoadSettings) -> str | None:
    """Return the path of the CA file, which is deployed next to the code, or None for the dialect's own bundle."""
    if settings.warehouse_ca_file is None:
        return None
    return str(Path(os.environ.get("LAMBDA_TASK_ROOT", ".")) / settings.warehouse_ca_file)
