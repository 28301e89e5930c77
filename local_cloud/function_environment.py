"""The Python environment of the local Lambda functions.

It has the locked packages of the Lambda layer and nothing else. In a checkout it is `.venv-lambda`,
which `make setup` creates. An installed `etl` creates it once in the user's cache folder.
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib.util
import os
import subprocess
import sys
import venv
from collections.abc import Callable
from pathlib import Path

from local_cloud.errors import LocalCloudError
from local_cloud.state import IS_CHECKOUT, PROJECT_ROOT

INSTALLED_REQUIREMENTS = Path(__file__).with_name("lambda.txt")
"""requirements/lambda.txt; only the wheel contains it."""
READY = ".ready"
"""The file that marks a complete environment. `make setup` creates it too."""


class FunctionEnvironmentError(LocalCloudError):
    """The functions' environment does not exist and cannot be created."""


def environment_folder(requirements: Path = INSTALLED_REQUIREMENTS) -> Path:
    """Return the folder of the environment.

    Each version of Python and of the requirements has its own.
    """
    if IS_CHECKOUT:
        return PROJECT_ROOT / ".venv-lambda"
    digest = hashlib.sha256(requirements.read_bytes()).hexdigest()[:12]
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    return cache / "redshift-lake-loader" / f"lambda-{version}-{digest}"


FUNCTION_INTERPRETER = environment_folder() / "bin" / "python"


def ensure_environment(notify: Callable[[str], None]) -> None:
    """Create the environment if it does not exist.

    `notify` gets a line for the user. Raises FunctionEnvironmentError.
    """
    if IS_CHECKOUT:
        if not FUNCTION_INTERPRETER.exists():
            raise FunctionEnvironmentError(
                f"{FUNCTION_INTERPRETER} does not exist; create it with `make setup`"
            )
        return
    create_once(environment_folder(), INSTALLED_REQUIREMENTS, notify)


def create_once(folder: Path, requirements: Path, notify: Callable[[str], None]) -> None:
    """Create a virtual environment with the requirements unless it is complete.

    Raises FunctionEnvironmentError.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_name(f"{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / READY).exists():
            notify(f"creating the functions' Python environment in {folder} (once)")
            _create(folder, requirements)
            (folder / READY).touch()


def _create(folder: Path, requirements: Path) -> None:
    # A second pip takes several seconds to install.
    has_pip = importlib.util.find_spec("pip") is not None
    venv.create(folder, clear=True, with_pip=not has_pip)
    python = str(folder / "bin" / "python")
    pip = [sys.executable, "-m", "pip", "--python", python] if has_pip else [python, "-m", "pip"]
    options = ["--quiet", "--disable-pip-version-check", "--requirement", str(requirements)]
    done = subprocess.run(
        [*pip, "install", *options],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise FunctionEnvironmentError(
            f"pip could not install the functions' packages in {folder}:\n{done.stderr.strip()}"
        )
