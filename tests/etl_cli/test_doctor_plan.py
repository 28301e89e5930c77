"""`etl doctor --before` reads the configuration as `pulumi up` does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from etl_cli.doctor.plan import parse_plan, read_plan
from etl_cli.main import main
from etl_cli.stack_outputs import StackSource
from etl_core.model.errors import StackError
from infra.setting_kinds import WarehouseKind

CONFIGURATION = {
    "aws:region": {"value": "eu-central-1", "secret": False},
    "aws:profile": {"value": "prod", "secret": False},
    "aws:allowedAccountIds": {"value": '["123456789012"]', "objectValue": ["123456789012"]},
    "redshift-lake-loader:warehouseKind": {"value": "provisioned", "secret": False},
    "redshift-lake-loader:databases": {"value": '["sales","ops"]', "secret": False},
    "other:token": {"secret": True},
}


def test_settings_region_profile_and_accounts_are_read() -> None:
    plan = parse_plan(CONFIGURATION, "prod")
    assert plan.settings.databases == ("sales", "ops")
    assert plan.settings.warehouse_kind is WarehouseKind.PROVISIONED
    assert (plan.region, plan.profile) == ("eu-central-1", "prod")
    assert plan.allowed_accounts == ("123456789012",)
    assert plan.prefix == "redshift-lake-loader-prod"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"aws:region": {}}, "aws:region"),
        ({"redshift-lake-loader:warehousePort": {"value": "0"}}, "warehousePort"),
        ({"redshift-lake-loader:nonsense": {"value": "1"}}, "nonsense"),
        ({"aws:allowedAccountIds": {"value": "["}}, "cannot be used"),
    ],
)
def test_a_configuration_that_up_would_refuse_is_refused(
    changes: dict[str, Any], said: str
) -> None:
    with pytest.raises(StackError, match=said):
        parse_plan(CONFIGURATION | changes, "prod")


def test_a_name_is_a_stack_whose_configuration_pulumi_prints(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "pulumi"
    answer = json.dumps(CONFIGURATION)
    program.write_text(f'#!/bin/sh\n[ "$*" = "config --json --stack prod" ] && echo \'{answer}\'\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    assert read_plan(StackSource("prod")).region == "eu-central-1"
    with pytest.raises(StackError, match="other"):
        read_plan(StackSource("other"))


def test_without_pulumi_the_command_ends_with_two(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    result = CliRunner().invoke(main, ["doctor", "--before", "--stack", "prod"])
    assert (result.exit_code, "pulumi" in result.stderr) == (2, True)


def test_outputs_without_what_doctor_needs_end_with_two(tmp_path: Path) -> None:
    path = tmp_path / "prod.json"
    path.write_text(json.dumps({"lake_bucket": "lake"}))
    result = CliRunner().invoke(main, ["doctor", "--stack", str(path)])
    assert (result.exit_code, "state_machine_arn" in result.stderr) == (2, True)
