"""What all tests share."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis.configuration import set_hypothesis_home_dir

set_hypothesis_home_dir(Path(__file__).parent.parent / ".cache" / "hypothesis")
# No deadline, because the machine may be busy; no database: a failure prints the blob that repeats it.
settings.register_profile("project", deadline=None, database=None, max_examples=60, print_blob=True)
settings.load_profile("project")


def pytest_configure(config: pytest.Config) -> None:
    """Warnings are errors, except those that pulumi_aws raises about itself when one of its modules is imported."""
    config.addinivalue_line("filterwarnings", r"ignore:[\w./]+ has been deprecated in favor of:DeprecationWarning")
