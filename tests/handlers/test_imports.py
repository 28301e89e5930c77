"""What a function loads before its first line: cold starts count."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HEAVY = ("sqlalchemy", "sqlalchemy_redshift", "pydantic", "psycopg2", "alembic", "pulumi")


@pytest.mark.parametrize("module", ["handlers.record", "handlers.query"])
def test_the_small_functions_import_nothing_heavy(module: str) -> None:
    program = f"import sys, {module}; print(*sorted(set({HEAVY!r}) & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert done.stdout.strip() == ""
