import importlib.metadata
import os
import subprocess
import sys
import zipfile
from pathlib import Path, PurePosixPath

import pytest

from infra import bundle
from infra.bundle import REQUIREMENTS


def test_markers_are_evaluated_for_the_lambda_runtime():
    text = (
        "a==1 ; python_full_version < '3.14'\nb==2 ; python_version >= '3.14'  # why\n"
        "\n# c\nd==3 ; sys_platform == 'win32'"
    )
    assert bundle.parse_requirements(text) == ["b==2"]


def test_the_lock_file_pins_every_package_and_has_no_backport():
    requirements = bundle.parse_requirements(REQUIREMENTS.read_text())
    assert all("==" in requirement for requirement in requirements)
    names = {requirement.split("==")[0] for requirement in requirements}
    assert {"boto3", "sqlalchemy", "sqlalchemy-redshift", "psycopg2-binary", "pydantic"} <= names
    assert "backports-zstd" not in names


def test_pip_gets_both_platform_tags_of_lambda():
    command = bundle.pip_command(["a==1"], Path("t"))
    assert [command[i + 1] for i, word in enumerate(command) if word == "--platform"] == list(
        bundle.PLATFORMS
    )
    assert command[command.index("--python-version") + 1] == "3.14"
    assert {"--no-compile", "--no-deps", ":all:"} <= set(command)
    assert command[-1] == "a==1"


@pytest.mark.parametrize(
    ("path", "used"),
    [
        ("sqlalchemy/engine/base.py", True),
        ("sqlalchemy/testing/suite.py", False),
        ("sqlalchemy/cyextension/util.cpython-314-x86_64-linux-gnu.so", True),
        ("sqlalchemy/cyextension/util.pyx", False),
        ("sqlalchemy-2.1.9.dist-info/METADATA", True),
        ("sqlalchemy-2.1.9.dist-info/RECORD", False),
        ("psycopg2_binary.libs/libpq.so.5", True),
        ("pydantic/__init__.pyi", False),
        ("botocore/data/s3/2006-03-01/service-2.json.gz", True),
        ("botocore/data/ec2/2016-11-15/service-2.json.gz", False),
        ("botocore/data/endpoints.json", True),
        ("botocore/data/_retry.json", True),
        ("botocore/cacert.pem", True),
        ("boto3/data/ec2/2016-11-15/resources-1.json", False),
        ("boto3/examples/s3.rst", False),
        ("bin/jp.py", False),
        ("six.py", True),
        ("a/__pycache__/b.cpython-311.pyc", False),
    ],
)
def test_unused_files_are_left_out(path, used):
    assert bundle.is_used(PurePosixPath(path)) is used


def test_sizes_above_the_lambda_quotas_are_faults():
    assert list(bundle.faults_of_size(10, 10)) == []
    assert len(list(bundle.faults_of_size(60 * 1024**2, 240 * 1024**2))) == 2


def some_packages(folder: Path) -> Path:
    for name in ("b/x.py", "a.py", "b/lib.so"):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return folder


def test_the_same_files_give_an_identical_archive(tmp_path):
    first, second = some_packages(tmp_path / "1"), some_packages(tmp_path / "2")
    os.utime(second / "a.py", (1, 1))
    bundle.write_layer(first, tmp_path / "1.zip", b"c")
    bundle.write_layer(second, tmp_path / "2.zip", b"c")
    assert (tmp_path / "1.zip").read_bytes() == (tmp_path / "2.zip").read_bytes()
    with zipfile.ZipFile(tmp_path / "1.zip") as archive:
        assert archive.namelist() == ["python/a.py", "python/b/lib.so", "python/b/x.py"]


MODULE = "NAMES = {'a', 'b', 'c', 'd'}\ndef f(x): return x in {'one', 'two', 'three', 'four'}\n"


def compiled_layer(folder: Path, comment: bytes = b"c") -> bytes:
    """Return a layer of two modules, one of which no Python can compile, compiled by this Python."""
    packages = folder / "python"
    (packages / "b").mkdir(parents=True)
    (packages / "b" / "x.py").write_text(MODULE)
    (packages / "broken.py").write_text("def")
    bundle.compile_packages(packages, Path(sys.executable))
    bundle.write_layer(packages, folder / "layer.zip", comment)
    return (folder / "layer.zip").read_bytes()


def test_the_same_packages_give_the_same_compiled_files_on_every_machine(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONHASHSEED", "1")
    first = compiled_layer(tmp_path / "here")
    monkeypatch.setenv("PYTHONHASHSEED", "2")
    monkeypatch.setenv("PYTHONPYCACHEPREFIX", str(tmp_path / "elsewhere"))
    assert compiled_layer(tmp_path / "a much longer path" / "there") == first


def test_compiled_files_are_used_without_a_look_at_their_source(tmp_path):
    compiled_layer(tmp_path)
    [path] = (tmp_path / "python").rglob("*.pyc")
    content = path.read_bytes()
    assert bundle.has_compiled_files(tmp_path / "layer.zip")
    assert path.name == f"x.{sys.implementation.cache_tag}.pyc"
    # PEP 552: the hash is not checked, so no time of a file matters.
    assert int.from_bytes(content[4:8], "little") == 0b01
    assert str(tmp_path).encode() not in content
    assert b"/opt/python/b/x.py" in content


def test_a_layer_of_sources_has_no_compiled_files(tmp_path):
    bundle.write_layer(some_packages(tmp_path / "1"), tmp_path / "1.zip", b"c")
    assert not bundle.has_compiled_files(tmp_path / "1.zip")


@pytest.fixture
def no_python(tmp_path, monkeypatch):
    """A machine without any other Python; `add` puts a program there."""
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "pyenv"))

    def add(path: str, script: str) -> Path:
        program = tmp_path / path
        program.parent.mkdir(parents=True)
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        return program

    return add


RUNS_HERE = f'exec "{sys.executable}" "$@"'


def test_no_interpreter_is_found_on_a_machine_without_lambdas_python(no_python, monkeypatch):
    monkeypatch.setattr(sys, "executable", str(no_python("own/python", "exit 1")))
    no_python("bin/python3.14", "exit 127")  # a shim of pyenv without that version
    no_python("pyenv/versions/3.14.0/bin/python", "exit 1")  # an alpha, for example
    assert bundle.find_interpreter() is None


def test_an_interpreter_is_found_on_the_path_or_with_pyenv(no_python, monkeypatch):
    monkeypatch.setattr(
        bundle, "_IS_TARGET", "raise SystemExit('PYENV' not in __import__('os').environ)"
    )
    broken = no_python("bin/python3.14", "exit 127")
    pyenv = no_python("pyenv/versions/3.14.2/bin/python", f"export PYENV=1; {RUNS_HERE}")
    assert bundle.find_interpreter() == pyenv
    broken.write_text(f"#!/bin/sh\nexport PYENV=1; {RUNS_HERE}\n")
    assert bundle.find_interpreter() == broken


def test_the_key_depends_on_requirements_and_rules_only(tmp_path, monkeypatch):
    requirements = tmp_path / "lambda.txt"
    requirements.write_text("a==1")
    first = bundle.digest_of(requirements)
    assert bundle.digest_of(requirements) == first
    requirements.write_text("a==2")
    second = bundle.digest_of(requirements)
    rules = tmp_path / "bundle.py"
    rules.write_bytes(Path(bundle.__file__).read_bytes() + b"# another rule")
    monkeypatch.setattr(bundle, "__file__", str(rules))
    assert len({first, second, bundle.digest_of(requirements)}) == 3


def test_a_layer_built_from_other_requirements_is_refused(tmp_path):
    requirements = tmp_path / "lambda.txt"
    requirements.write_text("a==1")
    layer = tmp_path / "layer.zip"
    bundle.write_layer(
        some_packages(tmp_path / "p"), layer, bundle.digest_of(requirements).encode()
    )
    bundle.check_layer(layer, requirements)
    requirements.write_text("a==2")
    with pytest.raises(bundle.BundleError, match=r"other requirements.*-m infra\.bundle"):
        bundle.check_layer(layer, requirements)


def test_a_failed_build_keeps_the_older_layer_and_leaves_no_temporary_file(tmp_path, monkeypatch):
    monkeypatch.setattr(
        bundle, "pip_command", lambda *_: [sys.executable, "-c", "raise SystemExit('no wheel')"]
    )
    layer = tmp_path / "build" / "layer.zip"
    layer.parent.mkdir()
    layer.write_bytes(b"older")
    with pytest.raises(
        bundle.BundleError, match="pip cannot install the packages of the layer:\nno wheel"
    ):
        bundle.build_layer(layer)
    assert [path.name for path in layer.parent.iterdir()] == ["layer.zip"]
    assert layer.read_bytes() == b"older"


IMPORTS = """
import boto3, psycopg2, pydantic, sqlalchemy as sa
from sqlalchemy_redshift.dialect import RedshiftDialect, CopyCommand
table = sa.Table("t", sa.MetaData(), sa.Column("a", sa.Integer), redshift_diststyle="EVEN")
assert "DISTSTYLE EVEN" in str(sa.schema.CreateTable(table).compile(dialect=RedshiftDialect()))
sa.create_engine("redshift+psycopg2://u:p@h:5439/d")
session = boto3.Session("a", "b", region_name="eu-central-1")
for service in {services!r}:
    session.client(service)
pydantic.create_model("M", a=(int, ...))(a="1")
"""


def test_the_stripped_packages_still_work(tmp_path):
    """Strip the same packages, as installed for this Python, and import and use them."""
    for requirement in bundle.parse_requirements(REQUIREMENTS.read_text()):
        for path in importlib.metadata.distribution(requirement.split("==")[0]).files or []:
            if ".." not in path.parts and bundle.is_used(path):
                link = tmp_path / path
                link.parent.mkdir(parents=True, exist_ok=True)
                link.symlink_to(path.locate())
    environment = {"PYTHONPATH": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [
            sys.executable,
            "-S",
            "-c",
            IMPORTS.replace("{services!r}", repr(sorted(bundle.AWS_SERVICES))),
        ],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_the_layer_is_built_from_the_package_registry(tmp_path):
    layer = tmp_path / "build" / "layer.zip"
    unzipped = bundle.build_layer(layer)
    with zipfile.ZipFile(layer) as archive:
        names = archive.namelist()
    assert [path.name for path in layer.parent.iterdir()] == ["layer.zip"]
    assert unzipped < 100e6
    assert all(name.startswith("python/") for name in names)
    foreign = [name for name in names if ".cpython-" in name and ".cpython-314" not in name]
    assert not foreign
    assert any("_psycopg.cpython-314-x86_64-linux-gnu.so" in name for name in names)
    bundle.check_layer(layer)
