"""What the functions import at their start. Each library here would slow down every cold start."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LARGE = ("sqlalchemy", "sqlalchemy_redshift", "pydantic", "psycopg2")
NEVER = (
    # botocore's clients are enough: resources and transfers are boto3's and s3transfer's.
    "boto3",
    "s3transfer",
    # development only
    "alembic",
    "click",
    "pulumi",
    "pytest",
    "rich",
    # not used by any function
    "sqlalchemy.orm",
    "sqlalchemy.ext.asyncio",
    "sqlalchemy.dialects.mssql",
    "sqlalchemy.dialects.mysql",
    "sqlalchemy.dialects.oracle",
    "sqlalchemy.dialects.sqlite",
)


def imported(module: str, names: tuple[str, ...]) -> list[str]:
    """Return which of these modules a new process imports together with `module`."""
    program = f"import sys, {module}; print(*sorted(set({names!r}) & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return done.stdout.split()


@pytest.mark.parametrize(
    "module", ["handlers.record", "handlers.query", "handlers.long_copy", "handlers.webhook"]
)
def test_small_functions_import_no_large_library(module: str) -> None:
    assert imported(module, LARGE) == []


@pytest.mark.parametrize(
    "module",
    [
        "handlers.load",
        "handlers.tables",
        "handlers.record",
        "handlers.query",
        "handlers.reconcile",
        "handlers.long_copy",
        "handlers.webhook",
    ],
)
def test_no_function_imports_what_it_does_not_use_at_its_start(module: str) -> None:
    assert imported(module, NEVER) == []


def test_a_client_of_every_service_is_made_without_boto3() -> None:
    make = "from etl_core.adapters.aws_clients import DATA, make_client\n"
    services = ("dynamodb", "s3", "secretsmanager", "lambda", "stepfunctions", "redshift-data")
    program = (
        f"import os, sys\nos.environ['AWS_DEFAULT_REGION'] = 'eu-central-1'\n{make}"
        f"for name in {services!r}: make_client(name, DATA).close()\n"
        "print(*sorted({'boto3', 's3transfer'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == []
