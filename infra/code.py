"""What goes into the functions' code archive: handlers/ and etl_core/, nothing else.

The third-party packages are in the layer (infra/bundle.py).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from pulumi import AssetArchive, FileAsset

from infra.stack_settings import ConfigurationError

PACKAGES = ("etl_core", "handlers")
CA_FILE = "warehouse-ca.pem"
"""The name, below the code's root, of the certificate that `warehouseCaFile` brings."""


def code_files(root: Path) -> Iterator[str]:
    """The paths of the packages' files below `root`, with slashes, sorted; no caches, no compiled files."""
    for package in PACKAGES:
        for path in sorted((root / package).rglob("*")):
            name = path.relative_to(root).as_posix()
            is_source = path.is_file() and path.suffix != ".pyc" and "__pycache__" not in path.parts
            if is_source:
                yield name


def code_archive(root: Path, ca_file: str | None) -> AssetArchive:
    """The archive that all functions share. Raises ConfigurationError when the CA file cannot be used."""
    assets: dict[str, FileAsset] = {name: _asset(root / name) for name in code_files(root)}
    if ca_file is not None:
        assets[CA_FILE] = _asset(_checked_ca_file(root / ca_file))
    return AssetArchive(dict(assets))


def _asset(path: Path) -> FileAsset:
    """Relative to where the program runs, so that the stack's state names no machine's folders."""
    return FileAsset(os.path.relpath(path))


def _checked_ca_file(path: Path) -> Path:
    if path.is_file() and b"-----BEGIN CERTIFICATE-----" in path.read_bytes():
        return path
    raise ConfigurationError(
        f"warehouseCaFile names {path}, which is not a PEM file with a certificate; give the path of one, or none: "
        "pulumi config rm warehouseCaFile"
    )
