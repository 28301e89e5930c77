"""The environment of the emulator's process."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from local_cloud.emulator_process import environment
from local_cloud.state import StateDir


@pytest.mark.parametrize(("depth", "below_state"), [(1, True), (120, False)])
def test_the_path_of_a_socket_is_short_enough_in_a_deep_folder(
    depth: int, below_state: bool
) -> None:
    state = StateDir(Path("/home/someone") / ("d" * depth) / ".local")
    result = environment(state, {})
    assert result["TMPDIR"] == (str(state.temporary) if below_state else tempfile.gettempdir())
    assert result["HOME"] == str(state.temporary)
