"""Make the state file of an earlier version of the program: fixtures/README.md says how to call it.

The version's own program runs under the engine and the provider of today's tests.
"""

from __future__ import annotations

import gzip
import importlib
import json
import os
import sys
import tempfile
from pathlib import Path

from tests.engine import cli
from tests.engine.stack import run_engine


def write_state(checkout: Path, kind: str, target: Path) -> None:
    """Bring up the stack of the checkout, and write its state to `target`."""
    layer = checkout / "build" / "layer.zip"
    layer.parent.mkdir(exist_ok=True)
    layer.write_bytes(b"PK\x05\x06" + bytes(18))  # an empty archive
    command = cli.find()
    if command is None:
        sys.exit(cli.MISSING)
    with tempfile.TemporaryDirectory() as folder, run_engine(command, Path(folder)) as engine:
        os.chdir(checkout)
        stack = engine.open("dev", _program_of(checkout).main, checkout)
        stack.configure({"warehouseKind": kind, "databases": ["dev", "analytics"]})
        run = stack.up()
        if run.error:
            sys.exit(run.error)
        state = stack.state()
    for resource in state.deployment["resources"]:
        for place in ("sourcePosition", "stackTrace"):  # paths of this machine
            resource.pop(place, None)
    content = {"version": state.version, "deployment": state.deployment}
    target.write_bytes(gzip.compress(json.dumps(content).encode(), mtime=0))


def _program_of(checkout: Path):
    """Import the program of the checkout in place of the current one."""
    for name in [name for name in sys.modules if name.split(".")[0] in ("infra", "etl_core")]:
        del sys.modules[name]
    sys.path.insert(0, str(checkout))
    return importlib.import_module("infra.program")


if __name__ == "__main__":
    write_state(Path(sys.argv[1]).resolve(), sys.argv[2], Path(sys.argv[3]).resolve())
