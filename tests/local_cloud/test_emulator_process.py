import tempfile
from pathlib import Path

import pytest

from local_cloud.emulator_process import environment
from local_cloud.state import StateDir


@pytest.mark.parametrize(("depth", "below_state"), [(1, True), (120, False)])
def test_a_socket_finds_room_however_deep_the_checkout_lies(depth: int, below_state: bool) -> None:
    state = StateDir(Path("/home/someone") / ("d" * depth) / ".local")
    made = environment(state, {})
    assert made["TMPDIR"] == (str(state.temporary) if below_state else tempfile.gettempdir())
    assert made["HOME"] == str(state.temporary)
