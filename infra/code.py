"""The code archive of the functions: handlers/ and etl_core/.

Their packages are in the layer (infra/bundle.py).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from pulumi import AssetArchive, FileAsset

from infra.stack_settings import ConfigurationError

PACKAGES = ("etl_core", "handlers")
CA_FILE = "warehouse-ca.pem"
"""The path in the archive of the certificate from `warehouseCaFile`."""


def code_files(root: Path) -> Iterator[str]:
    """Yield the paths of the source files, relative to `root`, sorted, with forward slashes."""
    for package in PACKAGES:
        for path in sorted((root / package).rglob("*")):
            name = path.relative_to(root).as_posix()
            is_source = path.is_file() and path.suffix != ".pyc" and "__pycache__" not in path.parts
            if is_source:
                yield name


def code_archive(root: Path, ca_file: str | None) -> AssetArchive:
    """Return the archive that all functions share.

    Raises ConfigurationError if `ca_file` is not a PEM file.
    """
    assets: dict[str, FileAsset] = {name: _asset(root / name) for name in code_files(root)}
    if ca_file is not None:
        assets[CA_FILE] = _asset(_checked_ca_file(root / ca_file))
    return AssetArchive(dict(assets))


def _asset(path: Path) -> FileAsset:
    """Return an asset with a relative path, so that the state of the stack holds no path of this machine."""
    return FileAsset(os.path.relpath(path))


def _checked_ca_file(path: Path) -> Path:
    if path.is_file() and b"-----BEGIN CERTIFICATE-----" in path.read_bytes():
        return path
    raise ConfigurationError(
        f"warehouseCaFile is {str(path)!r}, which is not a PEM file with a certificate; it must be one, or empty. "
        "Correct the path, or remove the setting: pulumi config rm warehouseCaFile"
    )
