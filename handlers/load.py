"""The load function: one upload into one Redshift table."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from etl_core.adapters.backlog import LogBacklog
from etl_core.adapters.redshift import Endpoint, RedshiftWarehouse
from etl_core.adapters.s3 import S3Store
from etl_core.adapters.secrets import SecretStore
from etl_core.loading.attempt import Ports
from etl_core.loading.load import load_upload
from etl_core.settings import LoadSettings
from etl_core.upload import Upload
from handlers.context import Context, log_line

_RESERVE_SECONDS = 10.0
"""Kept of the function's time for the rollback, the load errors and the answer."""


def handler(event: Mapping[str, Any], context: Context) -> Mapping[str, Any]:
    """`{"event": the EventBridge event, "retry_count": n}` -> LoadOutcome as JSON. Raises RetryableError."""
    upload = Upload.from_event(event["event"])
    settings, ports = wiring()
    seconds = context.get_remaining_time_in_millis() / 1000 - _RESERVE_SECONDS
    retry_count = int(event.get("retry_count", 0))
    try:
        outcome = load_upload(upload, settings, ports, seconds, retry_count)
    except Exception as error:
        log_line("load", upload, error=type(error).__name__, message=str(error))
        raise
    answer = outcome.to_task_output() | {"attempts": retry_count + 1}
    log_line("load", upload, **{name: answer.get(name) for name in ("status", "rows_loaded", "duration_ms", "error")})
    return answer


@cache
def wiring() -> tuple[LoadSettings, Ports]:
    """What this environment works on; the tables function runs in one like it."""
    settings = LoadSettings.from_environment(os.environ)
    config = Config(connect_timeout=5, read_timeout=60, retries={"mode": "standard", "total_max_attempts": 4})
    store = S3Store(boto3.client("s3", config=config), settings.work_bucket, settings.lake_bucket)
    secrets = SecretStore(boto3.client("secretsmanager", config=config), settings.warehouse_secret_arn)
    endpoint = Endpoint(settings.warehouse_host, settings.warehouse_port, _ca_file(settings))
    backlog = LogBacklog(boto3.client("dynamodb", config=config), settings.log_table)
    return settings, Ports(store, RedshiftWarehouse(endpoint, secrets), backlog)


def _ca_file(settings: LoadSettings) -> str | None:
    """The file lies beside the code, wherever the runtime unpacked it."""
    if settings.warehouse_ca_file is None:
        return None
    return str(Path(os.environ.get("LAMBDA_TASK_ROOT", ".")) / settings.warehouse_ca_file)
