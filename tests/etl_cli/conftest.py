"""Fixtures for the tests of the command line: small local clouds."""

from tests.local_cloud.conftest import small, without_emulator

__all__ = ["small", "without_emulator"]
