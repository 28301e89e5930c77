"""What all tests share."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis.configuration import set_hypothesis_home_dir

set_hypothesis_home_dir(Path(__file__).parent.parent / ".cache" / "hypothesis")
# No deadline, because the machine may be busy; always the same examples, so that a change is what breaks a test.
# `pytest --hypothesis-profile=search` looks for new ones.
settings.register_profile("project", deadline=None, database=None, max_examples=60, derandomize=True)
settings.register_profile("search", deadline=None, database=None, max_examples=1000, print_blob=True)
settings.load_profile("project")


def pytest_configure(config: pytest.Config) -> None:
    """Warnings are errors, except those that pulumi_aws raises about itself when one of its modules is imported."""
    config.addinivalue_line("filterwarnings", r"ignore:[\w./]+ has been deprecated in favor of:DeprecationWarning")
