from pathlib import Path

import pytest

from infra.bundle import ROOT
from infra.code import CA_FILE, code_archive, code_files
from infra.stack_settings import ConfigurationError


def test_the_archive_has_the_two_packages_only():
    names = list(code_files(ROOT))
    assert {
        "handlers/load.py",
        "handlers/record.py",
        "handlers/query.py",
        "etl_core/model/function_settings.py",
    } <= set(names)
    assert all(name.startswith(("handlers/", "etl_core/")) for name in names)
    assert not [
        name for name in names if name.startswith("etl_cli") or name.endswith("__main__.py")
    ]


def test_the_archive_has_no_compiled_files(tmp_path):
    for name in (
        "handlers/a.py",
        "handlers/__pycache__/a.cpython-314.pyc",
        "etl_core/b.pyc",
        "etl_core/sub/c.py",
        "x.py",
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
    assert list(code_files(tmp_path)) == ["etl_core/sub/c.py", "handlers/a.py"]


def test_the_paths_of_assets_are_relative():
    archive = code_archive(ROOT, None)
    assert archive.assets
    assert not [asset.path for asset in archive.assets.values() if Path(asset.path).is_absolute()]


def test_the_archive_has_the_certificate(tmp_path):
    pem = tmp_path / "ca.pem"
    pem.write_text("-----BEGIN CERTIFICATE-----\n")
    archive = code_archive(ROOT, str(pem))
    assert Path(archive.assets[CA_FILE].path).resolve() == pem.resolve()


def test_a_file_without_a_certificate_is_refused(tmp_path):
    (tmp_path / "ca.pem").write_text("hello")
    with pytest.raises(ConfigurationError, match="not a PEM file with a certificate"):
        code_archive(tmp_path, "ca.pem")
