"""Pulumi's CLI: where the tests find it, and how it is built.

`python -m tests.engine.cli` builds it with Go into the user's cache folder, outside the checkout. It is
the unchanged module of cli_module/go.mod, with the sums of cli_module/go.sum. `go install` refuses the
module, because its go.mod has replace directives.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from pulumi.automation import PulumiCommand

MODULE = Path(__file__).parent / "cli_module"
COMMAND = "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"
VERSION_VARIABLE = "github.com/pulumi/pulumi/sdk/v3/go/common/version.Version"
MISSING = "no pulumi on the PATH and none built: `make engine` builds one, which needs Go"


def version() -> str:
    """Return the version that is built, such as `v3.274.1`."""
    found = re.search(
        r"github.com/pulumi/pulumi/pkg/v3 (v\S+)", (MODULE / "go.mod").read_text("utf-8")
    )
    assert found, "cli_module/go.mod names no version"
    return found[1]


def cache_root() -> Path:
    """Return the folder of the CLI that `make engine` builds."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "redshift-lake-loader" / f"pulumi-{version()}"


def find() -> PulumiCommand | None:
    """Return the CLI on the PATH, else the one that was built, else None."""
    if shutil.which("pulumi") is not None:
        return PulumiCommand()
    return PulumiCommand(str(cache_root())) if _built().is_file() else None


def _built() -> Path:
    return cache_root() / "bin" / "pulumi"


def build() -> Path:
    """Build the CLI if it is missing. Return its path. Raises CalledProcessError if Go fails."""
    target = _built()
    if target.is_file():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_name(f"pulumi.{os.getpid()}")
    flags = f"-s -w -X {VERSION_VARIABLE}={version()}"
    command = ["go", "build", "-ldflags", flags, "-o", str(unfinished), COMMAND]
    try:
        subprocess.run(command, cwd=MODULE, check=True)
        unfinished.replace(target)
    finally:
        unfinished.unlink(missing_ok=True)
    return target


def main() -> int:
    """Build the CLI and print its path."""
    if shutil.which("go") is None:
        print("Go is not installed: https://go.dev/doc/install", file=sys.stderr)  # noqa: T201
        return 1
    try:
        print(build())  # noqa: T201
    except subprocess.CalledProcessError as error:
        print(f"go build failed with status {error.returncode}", file=sys.stderr)  # noqa: T201
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
