"""The tools that the emulator is tested with: what each needs, and where it is installed.

`python -m tests.redshift_emulator.tools.environments [NAME ...]` installs them into the user's cache
folder, outside the checkout. The name of a folder has a hash of its requirements, so a change of
these makes a new one.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

READY = ".ready"
POMS = Path(__file__).parent / "poms"


@dataclass(frozen=True)
class Environment:
    """A tool: a virtual environment with Python packages, or a folder with jars."""

    name: str
    packages: tuple[str, ...] = ()

    @property
    def is_java(self) -> bool:
        """Whether the tool is a set of jars, which poms/NAME.xml lists."""
        return not self.packages

    @property
    def pom(self) -> Path:
        """The file that lists the jars."""
        return POMS / f"{self.name}.xml"

    @property
    def folder(self) -> Path:
        """Where the tool is installed."""
        content = self.pom.read_bytes() if self.is_java else "\n".join(self.packages).encode()
        cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        digest = hashlib.sha256(content).hexdigest()[:8]
        return cache / "redshift-emulator-tools" / f"{self.name}-{digest}"

    @property
    def is_ready(self) -> bool:
        """Whether the tool is installed."""
        return (self.folder / READY).is_file()

    @property
    def program(self) -> list[str]:
        """The start of a command line that runs a program of the tool."""
        if self.is_java:
            return ["java", "-XX:TieredStopAtLevel=1", "-cp", f"{self.folder}/*"]
        return [str(self.folder / "bin" / "python")]

    @property
    def site_packages(self) -> Path:
        """The folder of the Python packages."""
        version = f"python{sys.version_info.major}.{sys.version_info.minor}"
        return self.folder / "lib" / version / "site-packages"

    def missing(self) -> str:
        """Return why the tool cannot be used here; "" if it can."""
        if self.is_java and shutil.which("java") is None:
            return f"{self.name} needs Java 17"
        if not self.is_ready:
            return f"{self.name} is not installed: `make tools` installs it"
        return ""


# The most valuable first. `parquet` is for the emulator itself: COPY and UNLOAD of Parquet.
ENVIRONMENTS = (
    Environment("parquet", ("pyarrow",)),
    Environment("jdbc"),
    Environment("redshift-connector", ("redshift_connector==2.2.0", "pandas")),
    Environment("dbt", ("dbt-core==1.11.16", "dbt-redshift==1.11.2")),
    Environment("awswrangler", ("awswrangler[redshift]==3.17.1",)),
    Environment(
        "sqlalchemy", ("sqlalchemy==2.0.51", "sqlalchemy-redshift==1.0.0", "psycopg2-binary")
    ),
    Environment("dlt", ("dlt[redshift,s3]==1.31.0",)),
    Environment("flyway"),
    Environment(
        "airflow",
        (
            "apache-airflow==3.1.8",
            "apache-airflow-providers-amazon==9.26.0",
            "apache-airflow-providers-common-sql",
            "redshift_connector",
            "sqlalchemy-redshift",
            "psycopg2-binary",
        ),
    ),
)


def environment(name: str) -> Environment:
    """Return the environment with this name. KeyError if there is none."""
    return {each.name: each for each in ENVIRONMENTS}[name]


def install(tool: Environment) -> str:
    """Install a tool unless it is there already. Return why it cannot be installed; "" if it is."""
    if tool.is_ready:
        return ""
    if tool.is_java and (shutil.which("java") is None or shutil.which("mvn") is None):
        return "Java 17 and Maven are needed"
    shutil.rmtree(tool.folder, ignore_errors=True)
    tool.folder.mkdir(parents=True)
    for command in _commands(tool):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            return (done.stdout + done.stderr).strip()[-1000:]
    (tool.folder / READY).touch()
    return ""


def _commands(tool: Environment) -> list[list[str]]:
    if tool.is_java:
        copy = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies"
        return [["mvn", "-q", "-B", "-f", str(tool.pom), copy, f"-DoutputDirectory={tool.folder}"]]
    pip = [*tool.program, "-m", "pip", "install", "-q", "--disable-pip-version-check"]
    return [[sys.executable, "-m", "venv", str(tool.folder)], [*pip, *tool.packages]]


def main(names: Sequence[str]) -> int:
    """Install the named tools, or all. Return the number of tools that could not be installed."""
    failures = 0
    for tool in map(environment, names) if names else ENVIRONMENTS:
        started = time.monotonic()
        problem = install(tool)
        failures += bool(problem)
        print(f"{tool.name}: {problem or 'ready'} ({time.monotonic() - started:.0f} s)", flush=True)  # noqa: T201
    return failures


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
