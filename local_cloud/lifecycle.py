"""Whether a cloud is running, and how to stop one.

Apart from cloud.py so that most commands need not import Pulumi.
"""

from __future__ import annotations

from local_cloud import emulator_process, processes
from local_cloud.state import StateDir


def is_up(state: StateDir) -> bool:
    """Return whether all processes of the cloud that was started here are running."""
    records = state.read_processes()
    return (
        bool(records)
        and state.outputs.exists()
        and all(processes.is_running(record) for record in records)
    )


def clean_up(state: StateDir) -> bool:
    """Stop what is left of a cloud and remove its files. Return whether there was one."""
    records = state.read_processes()
    processes.stop(*records)
    emulator_process.stop_remains(state)
    existed = bool(records) or state.outputs.exists()
    state.remove()
    return existed
