"""The functions' settings: what each Lambda reads from its environment, parsed once and typed.

The names are shared with the deployment program, which writes the same variables.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

LAKE_BUCKET = "LAKE_BUCKET"
WORK_BUCKET = "WORK_BUCKET"
DATABASES = "DATABASES"
WAREHOUSE_HOST = "WAREHOUSE_HOST"
WAREHOUSE_PORT = "WAREHOUSE_PORT"
WAREHOUSE_SECRET_ARN = "WAREHOUSE_SECRET_ARN"  # noqa: S105 - the name of a variable
WAREHOUSE_CA_FILE = "WAREHOUSE_CA_FILE"
COPY_ROLE_ARN = "COPY_ROLE_ARN"
LOG_TABLE = "LOG_TABLE"
STATE_MACHINE_ARN = "STATE_MACHINE_ARN"
TABLES_FUNCTION = "TABLES_FUNCTION"
REGION = "AWS_REGION"


class SettingsError(ValueError):
    """A function's environment is incomplete or malformed: the deployment is at fault, not an upload."""


def _required(environment: Mapping[str, str], name: str) -> str:
    value = environment.get(name, "").strip()
    if not value:
        raise SettingsError(
            f"the environment variable {name} is missing or empty; the deployment program sets it"
        )
    return value


def _port(environment: Mapping[str, str]) -> int:
    text = _required(environment, WAREHOUSE_PORT)
    if not text.isascii() or not text.isdigit() or len(text) > 5 or not 0 < int(text) < 65536:
        raise SettingsError(
            f"{WAREHOUSE_PORT} is {text!r}; it must be a port number from 1 to 65535"
        )
    return int(text)


def _databases(environment: Mapping[str, str]) -> tuple[str, ...]:
    databases = tuple(
        name.strip().lower()
        for name in _required(environment, DATABASES).split(",")
        if name.strip()
    )
    if not databases:
        raise SettingsError(
            f"{DATABASES} is {environment[DATABASES]!r}; it names at least one database"
        )
    return databases


@dataclass(frozen=True)
class LoadSettings:
    """What the load function works on: two buckets, one warehouse, the role that COPY assumes, the log."""

    lake_bucket: str
    work_bucket: str
    databases: tuple[str, ...]
    warehouse_host: str
    warehouse_port: int
    warehouse_secret_arn: str
    copy_role_arn: str
    log_table: str
    region: str
    warehouse_ca_file: str | None = None

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> LoadSettings:
        """Raises SettingsError when a variable is missing or malformed."""
        return cls(
            lake_bucket=_required(environment, LAKE_BUCKET),
            work_bucket=_required(environment, WORK_BUCKET),
            databases=_databases(environment),
            warehouse_host=_required(environment, WAREHOUSE_HOST),
            warehouse_port=_port(environment),
            warehouse_secret_arn=_required(environment, WAREHOUSE_SECRET_ARN),
            copy_role_arn=_required(environment, COPY_ROLE_ARN),
            log_table=_required(environment, LOG_TABLE),
            region=_required(environment, REGION),
            warehouse_ca_file=environment.get(WAREHOUSE_CA_FILE) or None,
        )


@dataclass(frozen=True)
class LogSettings:
    """What the record and query functions work on: the log table."""

    log_table: str

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> LogSettings:
        """Raises SettingsError when the variable is missing."""
        return cls(log_table=_required(environment, LOG_TABLE))


@dataclass(frozen=True)
class ReconcileSettings:
    """What the reconcile function works on: the lake, the log, the state machine, and the function that reads the ledgers."""

    lake_bucket: str
    databases: tuple[str, ...]
    log_table: str
    state_machine_arn: str
    tables_function: str

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> ReconcileSettings:
        """Raises SettingsError when a variable is missing or malformed."""
        return cls(
            lake_bucket=_required(environment, LAKE_BUCKET),
            databases=_databases(environment),
            log_table=_required(environment, LOG_TABLE),
            state_machine_arn=_required(environment, STATE_MACHINE_ARN),
            tables_function=_required(environment, TABLES_FUNCTION),
        )
