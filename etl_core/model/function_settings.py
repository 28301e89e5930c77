"""The settings of the Lambda functions: read from environment variables, parsed once, typed.

The deployment program sets the variables and imports their names from here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from etl_core.model.messages import (
    SETTING_CHOICE_INVALID,
    SETTING_COUNT_INVALID,
    SETTING_DATABASES_EMPTY,
    SETTING_MISSING,
    SETTING_NUMBER_INVALID,
    SETTING_ONE_OF,
    SETTING_PATTERN_INVALID,
    SETTING_PORT_INVALID,
)
from etl_core.model.notices import WebhookKind
from etl_core.model.table_filter import EVERY_TABLE, PatternError, TableFilter

LAKE_BUCKET = "LAKE_BUCKET"
WORK_BUCKET = "WORK_BUCKET"
DATABASES = "DATABASES"
TABLE_FILTER = "TABLE_FILTER"
WAREHOUSE_HOST = "WAREHOUSE_HOST"
WAREHOUSE_PORT = "WAREHOUSE_PORT"
WAREHOUSE_SECRET_ARN = "WAREHOUSE_SECRET_ARN"  # noqa: S105 - the name of a variable
WAREHOUSE_CA_FILE = "WAREHOUSE_CA_FILE"
ADMINISTRATOR_SECRET_ARN = "ADMINISTRATOR_SECRET_ARN"  # noqa: S105 - the name of a variable
WAREHOUSE_WORKGROUP = "WAREHOUSE_WORKGROUP"
WAREHOUSE_CLUSTER = "WAREHOUSE_CLUSTER"
COPY_ROLE_ARN = "COPY_ROLE_ARN"
LONG_LOAD_BYTES = "LONG_LOAD_BYTES"
LOG_TABLE = "LOG_TABLE"
CORS_ORIGIN = "CORS_ORIGIN"
FRESHNESS_HOURS = "FRESHNESS_HOURS"
LEASE_TABLE = "LEASE_TABLE"
LEASE_SECONDS = "LEASE_SECONDS"
PARALLEL_LOADS = "PARALLEL_LOADS"
STATE_MACHINE_ARN = "STATE_MACHINE_ARN"
TABLES_FUNCTION = "TABLES_FUNCTION"
MAINTENANCE_MIN_ROWS = "MAINTENANCE_MIN_ROWS"
REBUILD_MAX_ROWS = "REBUILD_MAX_ROWS"
LOAD_INTERVAL_SECONDS = "LOAD_INTERVAL_SECONDS"
WEBHOOK_SECRET_ARN = "WEBHOOK_SECRET_ARN"  # noqa: S105 - the name of a variable
WEBHOOK_KIND = "WEBHOOK_KIND"
STACK = "STACK"
"""The stack's name: the dimension of its metrics."""
REGION = "AWS_REGION"

DEFAULT_MAINTENANCE_MIN_ROWS = 1_000_000
"""Redshift's blocks hold 1 MB of one column: of a million rows, some megabytes for each column. Below
that, a vacuum costs more than the dead rows, and Redshift's own background vacuum is enough."""
DEFAULT_REBUILD_MAX_ROWS = 100_000_000
"""An UPDATE of every row writes the table a second time, in one transaction, within the time limit of
one load (at most 15 minutes)."""
MAX_LOAD_INTERVAL_SECONDS = 86_400
DEFAULT_FRESHNESS_HOURS = 26
"""A table that is loaded once a day, with two hours for delays, is fresh."""
MAX_FRESHNESS_HOURS = 87_600
"""Ten years."""


class SettingsError(ValueError):
    """An environment variable is missing or malformed.

    The deployment is at fault, not an upload.
    """


def _required(environment: Mapping[str, str], name: str) -> str:
    value = environment.get(name, "").strip()
    if not value:
        raise SettingsError(SETTING_MISSING(name=name))
    return value


def _optional(environment: Mapping[str, str], name: str) -> str | None:
    return environment.get(name, "").strip() or None


def _port(environment: Mapping[str, str]) -> int:
    text = _required(environment, WAREHOUSE_PORT)
    if not text.isascii() or not text.isdigit() or len(text) > 5 or not 0 < int(text) < 65536:
        raise SettingsError(SETTING_PORT_INVALID(name=WAREHOUSE_PORT, value=text))
    return int(text)


def _whole_number(environment: Mapping[str, str], name: str, default: int) -> int:
    """Return the number of an optional variable, which older deployments do not set."""
    text = environment.get(name, "").strip()
    if not text:
        return default
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise SettingsError(SETTING_COUNT_INVALID(name=name, value=text))
    return int(text)


def _positive(environment: Mapping[str, str], name: str) -> int:
    text = _required(environment, name)
    if not text.isascii() or not text.isdigit() or len(text) > 6 or int(text) == 0:
        raise SettingsError(SETTING_NUMBER_INVALID(name=name, value=text))
    return int(text)


def _databases(environment: Mapping[str, str]) -> tuple[str, ...]:
    databases = tuple(
        name.strip().lower()
        for name in _required(environment, DATABASES).split(",")
        if name.strip()
    )
    if not databases:
        raise SettingsError(SETTING_DATABASES_EMPTY(name=DATABASES, value=environment[DATABASES]))
    return databases


def _table_filter(environment: Mapping[str, str]) -> TableFilter:
    """Return the filter of an optional variable, which older deployments do not set."""
    try:
        return TableFilter.parse(environment.get(TABLE_FILTER, ""))
    except PatternError as error:
        raise SettingsError(
            SETTING_PATTERN_INVALID(name=TABLE_FILTER, value=str(error)[:100])
        ) from error


@dataclass(frozen=True)
class WarehouseLogin:
    """How to log in to the warehouse: with a secret, or with IAM to a workgroup or a cluster."""

    secret_arn: str | None = None
    workgroup: str | None = None
    cluster: str | None = None

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> WarehouseLogin:
        """Read the variables. Raises SettingsError if none is set, or both workgroup and cluster."""
        login = cls(
            _optional(environment, WAREHOUSE_SECRET_ARN),
            _optional(environment, WAREHOUSE_WORKGROUP),
            _optional(environment, WAREHOUSE_CLUSTER),
        )
        if login.workgroup is not None and login.cluster is not None:
            raise SettingsError(SETTING_ONE_OF(name=WAREHOUSE_WORKGROUP, other=WAREHOUSE_CLUSTER))
        if login == cls():
            raise SettingsError(SETTING_MISSING(name=WAREHOUSE_SECRET_ARN))
        return login


@dataclass(frozen=True)
class BootstrapSettings:
    """The bootstrap function's settings: the warehouse, its administrator's secret, and the loader's.

    Without a secret of its own, the loader logs in with IAM.
    """

    warehouse_host: str
    warehouse_port: int
    administrator_secret_arn: str
    loader_secret_arn: str | None
    warehouse_ca_file: str | None

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> BootstrapSettings:
        """Read the variables. Raises SettingsError if one is missing or malformed."""
        return cls(
            warehouse_host=_required(environment, WAREHOUSE_HOST),
            warehouse_port=_port(environment),
            administrator_secret_arn=_required(environment, ADMINISTRATOR_SECRET_ARN),
            loader_secret_arn=_optional(environment, WAREHOUSE_SECRET_ARN),
            warehouse_ca_file=_optional(environment, WAREHOUSE_CA_FILE),
        )


@dataclass(frozen=True)
class LoadSettings:
    """The load function's settings: two buckets, one warehouse, the role that COPY assumes, the log table.

    Without a secret the login is the function's own role, by IAM.
    """

    lake_bucket: str
    work_bucket: str
    databases: tuple[str, ...]
    warehouse_host: str
    warehouse_port: int
    login: WarehouseLogin
    copy_role_arn: str
    log_table: str
    region: str
    warehouse_ca_file: str | None = None
    maintenance_min_rows: int = DEFAULT_MAINTENANCE_MIN_ROWS
    """Rows that a truncate or upsert must delete before its table is vacuumed and analyzed. 0: never."""
    rebuild_max_rows: int = DEFAULT_REBUILD_MAX_ROWS
    """Rows up to which a column is rebuilt. 0: no limit."""
    load_interval_seconds: int = 0
    """Seconds from one load of a table to the next, where its schema file names none."""
    long_load_bytes: int = 0
    """A data file from this size on is loaded by a long copy. 0: none is."""
    table_filter: TableFilter = EVERY_TABLE

    def is_long(self, size: int) -> bool:
        """Return whether a data file of this size is loaded by a long copy."""
        return 0 < self.long_load_bytes <= size

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> LoadSettings:
        """Read the variables. Raises SettingsError if one is missing or malformed."""
        return cls(
            lake_bucket=_required(environment, LAKE_BUCKET),
            work_bucket=_required(environment, WORK_BUCKET),
            databases=_databases(environment),
            warehouse_host=_required(environment, WAREHOUSE_HOST),
            warehouse_port=_port(environment),
            login=WarehouseLogin.from_environment(environment),
            copy_role_arn=_required(environment, COPY_ROLE_ARN),
            log_table=_required(environment, LOG_TABLE),
            region=_required(environment, REGION),
            warehouse_ca_file=environment.get(WAREHOUSE_CA_FILE) or None,
            maintenance_min_rows=_whole_number(
                environment, MAINTENANCE_MIN_ROWS, DEFAULT_MAINTENANCE_MIN_ROWS
            ),
            rebuild_max_rows=_whole_number(environment, REBUILD_MAX_ROWS, DEFAULT_REBUILD_MAX_ROWS),
            load_interval_seconds=_whole_number(environment, LOAD_INTERVAL_SECONDS, 0),
            long_load_bytes=_whole_number(environment, LONG_LOAD_BYTES, 0),
            table_filter=_table_filter(environment),
        )


@dataclass(frozen=True)
class QuerySettings:
    """The query function's settings: the log table, and the lake that schema files are read from.

    `cors_origin`: the web page that may read the answers, `*` for every one, None for none.
    `freshness_hours`: after this time without a load a table is stale whose schema file does not say
    it; 0 for never.
    """

    log_table: str
    lake_bucket: str
    cors_origin: str | None = None
    freshness_hours: int = DEFAULT_FRESHNESS_HOURS

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> QuerySettings:
        """Read the variables. Raises SettingsError if one is missing."""
        return cls(
            log_table=_required(environment, LOG_TABLE),
            lake_bucket=_required(environment, LAKE_BUCKET),
            cors_origin=environment.get(CORS_ORIGIN, "").strip() or None,
            freshness_hours=_whole_number(environment, FRESHNESS_HOURS, DEFAULT_FRESHNESS_HOURS),
        )


@dataclass(frozen=True)
class LongCopySettings:
    """The long-copy function's settings: the login, with the workgroup or the cluster."""

    login: WarehouseLogin

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> LongCopySettings:
        """Read the variables. Raises SettingsError unless one of workgroup and cluster is set."""
        login = WarehouseLogin.from_environment(environment)
        if login.workgroup is None and login.cluster is None:
            raise SettingsError(SETTING_ONE_OF(name=WAREHOUSE_WORKGROUP, other=WAREHOUSE_CLUSTER))
        return cls(login)


@dataclass(frozen=True)
class LeaseSettings:
    """The lease table, the seconds after which a lease expires, and how many loads run at the same time."""

    table: str
    seconds: int
    parallel_loads: int


@dataclass(frozen=True)
class RecordSettings:
    """The record function's settings: the log table and the leases.

    Without a lease table, as during a deployment that adds it, every load runs at once.
    """

    log_table: str
    leases: LeaseSettings | None = None

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> RecordSettings:
        """Read the variables. Raises SettingsError if one is missing or malformed."""
        leases = None
        if environment.get(LEASE_TABLE, "").strip():
            leases = LeaseSettings(
                _required(environment, LEASE_TABLE),
                _positive(environment, LEASE_SECONDS),
                _positive(environment, PARALLEL_LOADS),
            )
        return cls(_required(environment, LOG_TABLE), leases)


@dataclass(frozen=True)
class WebhookSettings:
    """The webhook function's settings: the secret with the URL, and the service."""

    secret_arn: str
    kind: WebhookKind

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> WebhookSettings:
        """Read the variables. Raises SettingsError if one is missing or malformed."""
        kind = _required(environment, WEBHOOK_KIND)
        if kind not in tuple(WebhookKind):
            choices = ", ".join(WebhookKind)
            raise SettingsError(
                SETTING_CHOICE_INVALID(name=WEBHOOK_KIND, value=kind, choices=choices)
            )
        return cls(_required(environment, WEBHOOK_SECRET_ARN), WebhookKind(kind))


@dataclass(frozen=True)
class ReconcileSettings:
    """The reconcile function's settings: lake, log, state machine, and the function that reads the ledgers."""

    lake_bucket: str
    databases: tuple[str, ...]
    log_table: str
    state_machine_arn: str
    tables_function: str
    table_filter: TableFilter = EVERY_TABLE

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> ReconcileSettings:
        """Read the variables. Raises SettingsError if one is missing or malformed."""
        return cls(
            lake_bucket=_required(environment, LAKE_BUCKET),
            databases=_databases(environment),
            log_table=_required(environment, LOG_TABLE),
            state_machine_arn=_required(environment, STATE_MACHINE_ARN),
            tables_function=_required(environment, TABLES_FUNCTION),
            table_filter=_table_filter(environment),
        )
