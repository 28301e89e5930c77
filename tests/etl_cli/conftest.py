"""Fixtures of the command line's tests: small local clouds."""

from tests.local_cloud.conftest import small, without_warehouse

__all__ = ["small", "without_warehouse"]
