"""The Lambda layer with the packages of the functions: `python -m infra.bundle` writes build/layer.zip.

It holds the packages of requirements/lambda.txt as wheels for the Python and the processor of
Lambda, without files that the functions do not use, and with compiled files if this machine has the
Python of Lambda. The same requirements give the same bytes: entries are sorted and have a fixed
date. Compiled files may differ between patch versions of Python. They are no part of the layer's
key, so a difference in them alone deploys nothing.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path, PurePosixPath

import click
from packaging.markers import Environment, default_environment
from packaging.requirements import Requirement

PYTHON_VERSION = "3.14"
RUNTIME = f"python{PYTHON_VERSION}"
ARCHITECTURE = "x86_64"

ROOT = Path(__file__).resolve().parent.parent
LAYER = ROOT / "build" / "layer.zip"
REQUIREMENTS = ROOT / "requirements" / "lambda.txt"

PLATFORMS = ("manylinux2014_x86_64", "manylinux_2_28_x86_64")
"""Both are needed: with only one, pip silently installs older wheels of packages that have the other tag."""

MAX_ZIPPED_BYTES = 50 * 1024**2
MAX_UNZIPPED_BYTES = 200 * 1024**2
"""Lambda quotas: 50 MB for a direct upload; 250 MB unzipped for the layer and the function's own code together."""

AWS_SERVICES = frozenset(
    {
        "dynamodb",
        "lambda",
        "redshift",
        "redshift-data",
        "redshift-serverless",
        "s3",
        "secretsmanager",
        "stepfunctions",
        "sts",
    }
)
"""The services whose API descriptions the functions need. botocore has hundreds of others, most of its size."""

_UNUSED_FOLDERS = frozenset({"bin", "testing", "tests", "__pycache__"})
_UNUSED_SUFFIXES = frozenset({".pyi", ".pyx", ".pxd", ".c", ".h", ".pyc"})
_FIXED_DATE = (1980, 1, 1, 0, 0, 0)

_IS_TARGET = (
    "import sys; v = sys.version_info; "
    f"sys.exit(sys.implementation.name != 'cpython' or '%d.%d' % v[:2] != {PYTHON_VERSION!r} "
    "or v.releaselevel != 'final')"
)
_COMPILE = """
import compileall, py_compile, sys
compileall.compile_dir(
    sys.argv[1], quiet=2, force=True, stripdir=sys.argv[1], prependdir="/opt/python",
    invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
)
"""
NOT_COMPILED = (
    f"the layer has no compiled files, because no Python {PYTHON_VERSION} was found when it was built. Each "
    "cold start then compiles what it imports, which takes more than twice the CPU time "
    f"(docs/adr/0010-compiled-files-instead-of-snapstart.md). Install Python {PYTHON_VERSION}, then "
    "run: make bundle"
)


class BundleError(RuntimeError):
    """The layer cannot be built, is missing, or was built from other requirements or by other rules."""


def target_environment() -> Environment:
    """Return the environment markers of the Lambda runtime, independent of the Python that runs this."""
    environment = default_environment()
    environment["python_version"] = PYTHON_VERSION
    environment["python_full_version"] = environment["implementation_version"] = (
        f"{PYTHON_VERSION}.0"
    )
    environment["platform_python_implementation"], environment["implementation_name"] = (
        "CPython",
        "cpython",
    )
    environment["sys_platform"], environment["platform_system"], environment["os_name"] = (
        "linux",
        "Linux",
        "posix",
    )
    environment["platform_machine"] = "x86_64"
    return environment


def parse_requirements(text: str) -> list[str]:
    """Return the pinned requirements that apply to the Lambda runtime, without their markers.

    Markers are evaluated here because pip evaluates them for the Python that runs it, even with
    --python-version.
    """
    environment = {name: str(value) for name, value in target_environment().items()}
    lines = [line.split("#")[0].strip() for line in text.splitlines()]
    requirements = [Requirement(line) for line in lines if line]
    return [
        f"{requirement.name}{requirement.specifier}"
        for requirement in requirements
        if requirement.marker is None or requirement.marker.evaluate(environment)
    ]


def pip_command(requirements: Sequence[str], target: Path) -> list[str]:
    """Return the command that installs wheels for the Lambda runtime.

    The lock file is complete, so pip resolves no dependencies.
    """
    platforms = [argument for platform in PLATFORMS for argument in ("--platform", platform)]
    options = [
        "--only-binary",
        ":all:",
        "--no-compile",
        "--no-deps",
        "--disable-pip-version-check",
        "--quiet",
    ]
    version = [
        "--implementation",
        "cp",
        "--python-version",
        PYTHON_VERSION,
        "--target",
        str(target),
    ]
    return [sys.executable, "-m", "pip", "install", *options, *platforms, *version, *requirements]


def is_used(path: PurePosixPath) -> bool:
    """Return whether a file of an installed package belongs in the layer."""
    if _UNUSED_FOLDERS & set(path.parts[:-1]) or path.suffix in _UNUSED_SUFFIXES:
        return False
    if path.parts[0].endswith(".dist-info"):
        return path.name == "METADATA"
    if path.parts[:2] in {("botocore", "data"), ("boto3", "data")} and len(path.parts) > 3:
        return path.parts[2] in AWS_SERVICES
    return path.parts[:2] != ("boto3", "examples")


def faults_of_size(zipped: int, unzipped: int) -> Iterator[str]:
    """Yield the reasons why Lambda would refuse a layer of these sizes in bytes."""
    for what, size, limit in (
        ("zipped", zipped, MAX_ZIPPED_BYTES),
        ("unzipped", unzipped, MAX_UNZIPPED_BYTES),
    ):
        if size > limit:
            yield (
                f"the layer has {size:,} bytes {what}; the limit is {limit:,} bytes. "
                "Remove a package from requirements/lambda.in"
            )


def digest_of(requirements: Path = REQUIREMENTS) -> str:
    """Return the key of a layer: a digest of the requirements and of this file, which has the rules
    for what is left out. Compiled files are no part of it.
    """
    return hashlib.sha256(requirements.read_bytes() + Path(__file__).read_bytes()).hexdigest()


def find_interpreter() -> Path | None:
    """Return a Python of Lambda's version: this one, one on the PATH, or one of pyenv's. None if there is none."""
    name = f"python{PYTHON_VERSION}"
    on_path = shutil.which(name)
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv", "versions")
    candidates = [
        Path(sys.executable),
        *([Path(on_path)] if on_path else []),
        *sorted(pyenv.glob(f"{PYTHON_VERSION}*/bin/python"), reverse=True),
    ]
    return next((each for each in candidates if _is_target(each)), None)


def _is_target(interpreter: Path) -> bool:
    """Return whether it runs, and is a final release of Lambda's version. A shim of pyenv may not run."""
    try:
        done = subprocess.run([interpreter, "-c", _IS_TARGET], capture_output=True, check=False)
    except OSError:
        return False
    return done.returncode == 0


def has_compiled_files(layer: Path = LAYER) -> bool:
    """Return whether the layer has compiled files."""
    with zipfile.ZipFile(layer) as archive:
        return any(name.endswith(".pyc") for name in archive.namelist())


def check_layer(layer: Path = LAYER, requirements: Path = REQUIREMENTS) -> None:
    """Raise BundleError if the layer is missing or was built from other requirements."""
    fix = "Build it: .venv/bin/python -m infra.bundle"
    if not layer.is_file():
        raise BundleError(
            f"{layer.name} does not exist; the functions need this layer of packages. {fix}"
        )
    with zipfile.ZipFile(layer) as archive:
        if archive.comment != digest_of(requirements).encode():
            raise BundleError(
                f"{layer.name} was built from other requirements or by other rules; it must match "
                f"{requirements.name}. {fix}"
            )


def ensure_layer(
    inform: Callable[[str], None],
    warn: Callable[[str], None],
    layer: Path = LAYER,
    requirements: Path = REQUIREMENTS,
) -> None:
    """Build the layer if it is missing or was built from other requirements or by other rules.

    The lines for the user go to `inform` and `warn`. Raises BundleError.
    """
    try:
        check_layer(layer, requirements)
    except BundleError:
        inform(f"building {layer.name}, the packages of the functions (a minute, once)")
        build_layer(layer, requirements, find_interpreter())
    if not has_compiled_files(layer):
        warn(NOT_COMPILED)


def write_layer(packages: Path, layer: Path, comment: bytes) -> int:
    """Write the files below `packages` to the zip file `layer`.

    Return their unzipped size in bytes.
    """
    files = sorted(path for path in packages.rglob("*") if path.is_file())
    unzipped = 0
    with zipfile.ZipFile(layer, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        archive.comment = comment
        for path in files:
            entry = zipfile.ZipInfo(f"python/{path.relative_to(packages).as_posix()}", _FIXED_DATE)
            entry.external_attr, entry.create_system, entry.compress_type = (
                0o644 << 16,
                3,
                zipfile.ZIP_DEFLATED,
            )
            archive.writestr(entry, path.read_bytes())
            unzipped += path.stat().st_size
    return unzipped


def build_layer(
    layer: Path = LAYER, requirements: Path = REQUIREMENTS, interpreter: Path | None = None
) -> int:
    """Build the layer, with compiled files if there is an interpreter. Return its unzipped size in bytes.

    Raises BundleError if that fails; an older layer then stays.
    """
    layer.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="layer-", dir=layer.parent) as folder:
        packages, draft = Path(folder, "python"), Path(folder, "layer.zip")
        _install(parse_requirements(requirements.read_text()), packages)
        _strip(packages)
        if interpreter is not None:
            compile_packages(packages, interpreter)
        unzipped = write_layer(packages, draft, digest_of(requirements).encode())
        faults = list(faults_of_size(draft.stat().st_size, unzipped))
        if faults:
            raise BundleError("\n".join(faults))
        draft.replace(layer)
    return unzipped


def _install(requirements: Sequence[str], target: Path) -> None:
    done = subprocess.run(
        pip_command(requirements, target), capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise BundleError(f"pip cannot install the packages of the layer:\n{done.stderr.strip()}")


def _strip(packages: Path) -> None:
    for path in packages.rglob("*"):
        if path.is_file() and not is_used(PurePosixPath(path.relative_to(packages).as_posix())):
            path.unlink()


def compile_packages(packages: Path, interpreter: Path) -> None:
    """Compile the packages: /opt is read-only in Lambda, which therefore cannot keep compiled files.

    A compiled file has no time, no path of this machine, and no order that depends on the hash
    seed. Lambda does not check it against its source. Files that do not compile are left alone.
    """
    environment = {name: value for name, value in os.environ.items() if name[:6] != "PYTHON"}
    subprocess.run(
        [interpreter, "-S", "-P", "-c", _COMPILE, packages],
        env=environment | {"PYTHONHASHSEED": "0"},
        check=True,
    )


def main() -> None:
    """Build the layer and print its size."""
    interpreter = find_interpreter()
    try:
        unzipped = build_layer(interpreter=interpreter)
    except BundleError as error:
        raise SystemExit(str(error)) from error
    zipped = LAYER.stat().st_size
    name = LAYER.relative_to(ROOT)
    click.echo(f"{name}: {zipped / 1e6:.1f} MB zipped, {unzipped / 1e6:.1f} MB unzipped")
    click.echo(f"compiled by {interpreter}" if interpreter else f"note: {NOT_COMPILED}")


if __name__ == "__main__":
    main()
