"""`pulumi install` works in a fresh clone: requirements.txt has what the program imports, in the tested versions."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import packages_distributions

import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from infra.bundle import ROOT

LOCK = ROOT / "requirements.txt"
IMPORTED = "import sys, infra.program; print(*{name.partition('.')[0] for name in sys.modules})"


def locked(path) -> dict[str, str]:
    lines = [line.partition(" ;")[0] for line in path.read_text().splitlines()]
    requirements = [Requirement(line) for line in lines if line and not line.startswith("#")]
    return {canonicalize_name(each.name): str(each.specifier) for each in requirements}


def test_everything_that_the_program_imports_is_locked():
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", IMPORTED],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    owners = packages_distributions()
    imported = {
        canonicalize_name(owner) for name in done.stdout.split() for owner in owners.get(name, ())
    }
    # The interpreter of the tests imports these at its start; they are no part of the program.
    assert imported - set(locked(LOCK)) <= {
        "redshift-lake-loader",
        "setuptools",
        "coverage",
        "pip",
        "psutil",
    }
    assert {"pulumi", "pulumi-aws", "pydantic"} <= imported


def test_the_versions_are_those_of_the_tests():
    tested = locked(ROOT / "requirements" / "dev.txt")
    assert {name: tested.get(name) for name in locked(LOCK)} == locked(LOCK)


def test_the_program_needs_neither_the_local_cloud_nor_the_warehouse_driver():
    assert not {"ministack", "psycopg2-binary", "sqlalchemy", "boto3", "pytest"} & set(locked(LOCK))


def test_pulumi_has_a_virtual_environment_of_its_own():
    """`make setup` clears `.venv`: it must not undo `pulumi install`."""
    options = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())["runtime"]["options"]
    assert options == {"toolchain": "pip", "virtualenv": ".venv-pulumi"}
    assert ".venv-pulumi/" in (ROOT / ".gitignore").read_text().splitlines()
