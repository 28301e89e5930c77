"""The package alone: it is built, installed in a fresh environment, and its command runs."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import psycopg2
import pytest

from local_cloud.tcp_ports import free_port

PACKAGE = Path(__file__).parents[3] / "redshift_emulator"


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a command outside the checkout."""
    variables = {name: text for name, text in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, cwd="/", env=variables
    )


def wheel(folder: Path) -> Path:
    """Build the package's wheel, with what is installed here."""
    source = shutil.copytree(
        PACKAGE, folder / "redshift_emulator", ignore=shutil.ignore_patterns("__pycache__")
    )
    options = ["--no-deps", "--no-build-isolation", "--wheel-dir", folder]
    built = run(sys.executable, "-m", "pip", "wheel", "-q", *options, source)
    assert built.returncode == 0, built.stderr
    return next(folder.glob("redshift_emulator-*.whl"))


def test_the_package_alone_is_installed_and_runs(tmp_path: Path) -> None:
    built = wheel(tmp_path)
    venv.create(tmp_path / "venv", with_pip=True)
    programs = tmp_path / "venv" / "bin"
    installed = run(programs / "pip", "install", "-q", "--disable-pip-version-check", built)
    if installed.returncode:
        pytest.skip("its dependencies cannot be installed: " + installed.stderr[-300:])
    search = (
        "import importlib.util as u; print([u.find_spec(n) for n in ('etl_core', 'local_cloud')])"
    )
    assert run(programs / "python", "-c", search).stdout.strip() == "[None, None]"
    port = free_port()
    with subprocess.Popen(
        [
            programs / "redshift-emulator",
            "--data",
            tmp_path / "data",
            "--port",
            str(port),
            "--exit-with-stdin",
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd="/",
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == f"ready 127.0.0.1 {port}\n"
        session = psycopg2.connect(host="127.0.0.1", port=port, user="awsuser", dbname="dev")
        with session.cursor() as cursor:
            cursor.execute("SELECT version()")
            assert "Redshift" in str(cursor.fetchone())
        session.close()
        process.stdin.close()
        assert process.wait(60) == 0
