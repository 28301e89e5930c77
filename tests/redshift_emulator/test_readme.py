"""The README's Python example runs, and its table names every option of the command."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from click.testing import CliRunner

from redshift_emulator import __version__
from redshift_emulator.__main__ import main

ROOT = Path(__file__).parents[2]
README = (ROOT / "redshift_emulator" / "README.md").read_text("utf-8")


def test_the_pytest_examples_pass(tmp_path: Path) -> None:
    examples = re.findall(r"^```python\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    for number, example in enumerate(examples):
        (tmp_path / f"test_example_{number}.py").write_text(example)
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-c", "/dev/null", "-p", "no:cacheprovider",
         "-p", "redshift_emulator.pytest_plugin",
         f"--rootdir={tmp_path}", f"--basetemp={tmp_path / 'data'}", str(tmp_path)],
        cwd=ROOT, capture_output=True, text=True, check=False, env={"PYTHONPATH": str(ROOT), "PATH": ""},
    )  # fmt: skip
    assert "2 passed" in run.stdout, run.stdout + run.stderr


def test_the_table_names_every_option() -> None:
    options = {name for option in main.params for name in option.opts}
    assert options - {"--version"} == set(re.findall(r"`(--[a-z0-9-]+)`(?=[^|]*\|)", README))


def test_the_links_lead_to_files() -> None:
    targets = re.findall(r"\]\(([^)#]+)\)", README)
    assert targets
    for target in targets:
        assert (ROOT / "redshift_emulator" / target).exists(), target


def test_version_is_printed() -> None:
    result = CliRunner().invoke(main, ["--version"])
    assert result.output == f"redshift-emulator {__version__}\n"
