"""The functions on the path of every upload and query import no large library: it would slow down their cold start."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LARGE = ("sqlalchemy", "sqlalchemy_redshift", "pydantic", "psycopg2", "alembic", "pulumi")


@pytest.mark.parametrize("module", ["handlers.record", "handlers.query", "handlers.long_copy"])
def test_small_functions_import_no_large_library(module: str) -> None:
    program = f"import sys, {module}; print(*sorted(set({LARGE!r}) & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert done.stdout.strip() == ""
