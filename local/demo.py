"""The demo."""

from __future__ import annotations

from rich.console import Console


def run_demo(console: Console, *, keep: bool) -> int:
    """Returns the exit code."""
    raise NotImplementedError
