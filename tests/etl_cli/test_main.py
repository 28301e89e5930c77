"""The command `etl`: its commands, help, version and completion, and its imports."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from etl_cli import __version__, main
from etl_cli.main import COMMANDS, LazyCommand

ROOT = Path(__file__).parents[2]


def imports_of(statement: str) -> set[str]:
    """The modules that a fresh interpreter has imported after the statement."""
    code = f"{statement}\nimport sys; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return set(done.stdout.split())


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_with_its_exit_codes(name: str) -> None:
    command = COMMANDS[name].load()

    assert command.name == name
    for option in ("-h", "--help"):
        result = CliRunner().invoke(main.main, [name, option])
        assert result.exit_code == 0
        assert "Exit code: 0" in " ".join(result.output.split())


def test_the_help_lists_every_command() -> None:
    output = CliRunner().invoke(main.main, ["--help"]).output

    for name, command in COMMANDS.items():
        assert any(line.split()[:1] == [name] for line in output.splitlines())
        assert command.summary in output


def test_the_version_is_the_version_of_the_package() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())

    assert CliRunner().invoke(main.main, ["--version"]).output == f"etl, version {__version__}\n"
    assert project["tool"]["hatch"]["version"]["path"] == "etl_cli/__init__.py"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_completion_script_calls_etl(shell: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "click.shell_completion.BashComplete._check_version", staticmethod(lambda: None)
    )

    result = CliRunner().invoke(main.main, ["completion", shell])

    assert result.exit_code == 0, result.output
    assert f"_ETL_COMPLETE={shell}_complete" in result.output


def test_completion_offers_commands_and_options() -> None:
    context = click.Context(main.main)

    assert {item.value for item in main.main.shell_complete(context, "re")} == {
        "reconcile",
        "replay",
        "rebuild-log",
    }
    assert "--version" in {item.value for item in main.main.shell_complete(context, "--")}


def test_the_help_imports_no_command() -> None:
    imported = imports_of("from etl_cli.main import main; main(['--help'], standalone_mode=False)")

    assert not imported & {"etl_cli.local_commands", "rich", "boto3", "sqlalchemy", "pulumi"}


def test_using_the_local_cloud_does_not_import_pulumi() -> None:
    assert not imports_of("import etl_cli.local_commands") & {"pulumi", "pulumi_aws", "sqlalchemy"}


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def load(_: LazyCommand) -> click.Command:
        raise ModuleNotFoundError("No module named 'psutil'", name="psutil")

    monkeypatch.setattr(LazyCommand, "load", load)

    result = CliRunner().invoke(main.main, ["up"])

    assert result.exit_code == 1
    assert "pip install 'redshift-lake-loader[local]'" in result.output


def test_the_functions_requirements_are_among_the_projects() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lines = (ROOT / "requirements" / "lambda.in").read_text().splitlines()
    needed = {_name(line) for line in lines if line and not line.startswith("#")}

    assert needed - {"botocore"} <= {_name(line) for line in project["dependencies"]}


def _name(requirement: str) -> str:
    for separator in "=<>;[ #":
        requirement = requirement.partition(separator)[0]
    return requirement.strip()
