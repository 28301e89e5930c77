"""What all tests share."""

from __future__ import annotations

import pytest


def pytest_configure(config: pytest.Config) -> None:
    """Warnings are errors, except those that pulumi_aws raises about itself when one of its modules is imported."""
    config.addinivalue_line("filterwarnings", r"ignore:[\w./]+ has been deprecated in favor of:DeprecationWarning")
