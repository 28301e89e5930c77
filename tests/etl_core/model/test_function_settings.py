"""The settings that the functions read from their environment."""

from __future__ import annotations

import pytest

from etl_core.model.function_settings import (
    BootstrapSettings,
    LeaseSettings,
    LoadSettings,
    LongCopySettings,
    QuerySettings,
    RecordSettings,
    SettingsError,
    WarehouseLogin,
)
from etl_core.model.table_filter import EVERY_TABLE, TableFilter

COMPLETE = {
    "LAKE_BUCKET": "lake", "WORK_BUCKET": "work", "DATABASES": "dev, Analytics,",
    "WAREHOUSE_HOST": "host", "WAREHOUSE_PORT": "5439",
    "WAREHOUSE_SECRET_ARN": "arn:secret", "COPY_ROLE_ARN": "arn:role", "LOG_TABLE": "log", "AWS_REGION": "eu-central-1",
}  # fmt: skip


def test_a_complete_environment_is_read_with_its_databases_folded() -> None:
    settings = LoadSettings.from_environment(COMPLETE)

    assert settings.databases == ("dev", "analytics")
    assert (settings.warehouse_port, settings.warehouse_ca_file) == (5439, None)
    assert (
        LoadSettings.from_environment(COMPLETE | {"WAREHOUSE_CA_FILE": "ca.pem"}).warehouse_ca_file
        == "ca.pem"
    )


@pytest.mark.parametrize("name", COMPLETE)
@pytest.mark.parametrize("value", [None, "", "  "])
def test_a_missing_variable_is_named(name: str, value: str | None) -> None:
    environment = {
        key: text for key, text in (COMPLETE | {name: value}).items() if text is not None
    }

    with pytest.raises(SettingsError, match=name):
        LoadSettings.from_environment(environment)


@pytest.mark.parametrize("port", ["0", "65536", "-1", "http", "5439.0", "²", "9" * 5000])
def test_a_port_must_be_from_1_to_65535(port: str) -> None:
    with pytest.raises(SettingsError, match="1 to 65535"):
        LoadSettings.from_environment(COMPLETE | {"WAREHOUSE_PORT": port})


def test_at_least_one_database_is_needed() -> None:
    with pytest.raises(SettingsError, match="at least one database"):
        LoadSettings.from_environment(COMPLETE | {"DATABASES": " , "})


def test_the_tables_that_the_stack_serves_are_read_and_checked() -> None:
    assert LoadSettings.from_environment(COMPLETE).table_filter == EVERY_TABLE
    some = LoadSettings.from_environment(COMPLETE | {"TABLE_FILTER": "dev.*.*, a.b.c"})
    assert some.table_filter == TableFilter(("dev.*.*", "a.b.c"))
    with pytest.raises(SettingsError, match="TABLE_FILTER has 'orders'"):
        LoadSettings.from_environment(COMPLETE | {"TABLE_FILTER": "dev.*.*,orders"})


def test_the_query_function_needs_the_log_table_and_the_lake() -> None:
    variables = {"LOG_TABLE": "log", "LAKE_BUCKET": "lake", "CORS_ORIGIN": " "}
    assert QuerySettings.from_environment(variables) == QuerySettings("log", "lake", None)
    for name in ("LOG_TABLE", "LAKE_BUCKET"):
        with pytest.raises(SettingsError, match=name):
            QuerySettings.from_environment(variables | {name: ""})


def test_the_size_of_a_long_load_is_a_number_of_bytes_and_none_if_it_is_not_set() -> None:
    assert LoadSettings.from_environment(COMPLETE).long_load_bytes == 0
    given = LoadSettings.from_environment(COMPLETE | {"LONG_LOAD_BYTES": " 2147483648 "})
    assert given.long_load_bytes == 2147483648
    for text in ("2 GB", "-1", "1.5", "²", "9" * 19):
        with pytest.raises(SettingsError, match="LONG_LOAD_BYTES"):
            LoadSettings.from_environment(COMPLETE | {"LONG_LOAD_BYTES": text})


SECRET = {"WAREHOUSE_SECRET_ARN": "arn:secret"}
WORKGROUP, CLUSTER = {"WAREHOUSE_WORKGROUP": "w"}, {"WAREHOUSE_CLUSTER": "c"}


def test_a_long_copy_has_a_workgroup_or_a_cluster() -> None:
    of = LongCopySettings.from_environment
    assert of(SECRET | WORKGROUP).login == WarehouseLogin("arn:secret", workgroup="w")
    assert of(SECRET | CLUSTER).login == WarehouseLogin("arn:secret", cluster="c")
    assert of(WORKGROUP).login == WarehouseLogin(workgroup="w")
    for environment in (SECRET, SECRET | WORKGROUP | CLUSTER, SECRET | {"WAREHOUSE_CLUSTER": " "}):
        with pytest.raises(SettingsError, match="WAREHOUSE_WORKGROUP and WAREHOUSE_CLUSTER"):
            of(environment)


def test_a_login_is_a_secret_or_the_role_of_the_function() -> None:
    of = WarehouseLogin.from_environment
    assert of(SECRET) == WarehouseLogin("arn:secret")
    assert of(CLUSTER) == WarehouseLogin(cluster="c")
    with pytest.raises(SettingsError, match="WAREHOUSE_SECRET_ARN"):
        of({"WAREHOUSE_SECRET_ARN": " "})


def test_bootstrap_needs_the_secret_of_the_administrator() -> None:
    variables = {"WAREHOUSE_HOST": "wg.example", "WAREHOUSE_PORT": "5439"}
    with pytest.raises(SettingsError, match="ADMINISTRATOR_SECRET_ARN"):
        BootstrapSettings.from_environment(variables)
    settings = BootstrapSettings.from_environment(variables | {"ADMINISTRATOR_SECRET_ARN": "arn:a"})
    assert settings == BootstrapSettings("wg.example", 5439, "arn:a", None, None)


LEASES = {"LEASE_TABLE": "leases", "LEASE_SECONDS": "1080", "PARALLEL_LOADS": "5"}


def test_the_leases_of_the_record_function_are_read() -> None:
    settings = RecordSettings.from_environment(LEASES | {"LOG_TABLE": "log"})
    assert settings == RecordSettings("log", LeaseSettings("leases", 1080, 5))


def test_without_a_lease_table_the_record_function_works_without_leases() -> None:
    """A deployment changes the code and the environment of a function one after the other."""
    assert RecordSettings.from_environment({"LOG_TABLE": "log"}).leases is None


@pytest.mark.parametrize("name", ["LEASE_SECONDS", "PARALLEL_LOADS"])
@pytest.mark.parametrize("value", ["", "0", "-1", "many", "1.5", "²", "9" * 5000])
def test_a_number_of_the_leases_is_a_whole_number(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=name):
        RecordSettings.from_environment(LEASES | {"LOG_TABLE": "log", name: value})
