"""The Python environment of the local functions."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from local_cloud import function_environment
from local_cloud.function_environment import (
    READY,
    FunctionEnvironmentError,
    create_once,
    ensure_environment,
    environment_folder,
)


def test_a_checkout_uses_the_environment_of_make_setup() -> None:
    assert environment_folder().name == ".venv-lambda"


def test_a_checkout_without_it_says_how_to_create_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(function_environment, "FUNCTION_INTERPRETER", tmp_path / "python")

    with pytest.raises(FunctionEnvironmentError, match="make setup"):
        ensure_environment(print)


def test_an_installation_has_an_environment_for_each_version_of_the_requirements(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(function_environment, "IS_CHECKOUT", False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    requirements = tmp_path / "lambda.txt"
    folders = set()
    for text in ("six==1.17.0\n", "six==1.16.0\n"):
        requirements.write_text(text)
        folders.add(environment_folder(requirements))

    assert len(folders) == 2
    assert all(folder.is_relative_to(tmp_path) for folder in folders)


def test_an_environment_is_created_once_with_a_message(tmp_path: Path) -> None:
    requirements, folder = tmp_path / "lambda.txt", tmp_path / "cache" / "lambda-3.11-abc"
    requirements.write_text("# no packages\n")
    lines: list[str] = []

    for _ in range(2):
        create_once(folder, requirements, lines.append)

    assert lines == [f"creating the functions' Python environment in {folder} (once)"]
    assert (folder / READY).exists()
    subprocess.run([folder / "bin" / "python", "-c", ""], check=True)


def test_a_failed_installation_reports_what_pip_said_and_is_repeated(tmp_path: Path) -> None:
    requirements, folder = tmp_path / "lambda.txt", tmp_path / "lambda-3.11-abc"
    requirements.write_text(f"{tmp_path}/missing-1.0-py3-none-any.whl\n")

    with pytest.raises(FunctionEnvironmentError, match=r"missing-1\.0"):
        create_once(folder, requirements, print)

    assert not (folder / READY).exists()
