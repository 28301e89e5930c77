"""Convert Pulumi archives and assets to zip files. The same content gives the same bytes.

Unlike the SDK, this module reports a missing file as an error.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pulumi

FIXED_DATE = (1980, 1, 1, 0, 0, 0)
EXECUTABLE = 0o755
PLAIN = 0o644


class ArchiveError(ValueError):
    """An archive names a path that does not exist, or is of an unsupported type."""


@dataclass(frozen=True)
class Member:
    """One file of an archive."""

    name: str
    content: bytes
    mode: int = PLAIN


def members(archive: pulumi.Archive, root: Path) -> Iterator[Member]:
    """Yield the files of an archive; relative paths are relative to `root`. Raises ArchiveError."""
    match archive:
        case pulumi.AssetArchive():
            for name, content in archive.assets.items():
                yield from _below(name, content, root)
        case pulumi.FileArchive():
            yield from _of_path(_existing(root / archive.path))
        case _:
            raise ArchiveError(
                f"{type(archive).__name__} is not supported; use AssetArchive or FileArchive"
            )


def _below(name: str, content: pulumi.Asset | pulumi.Archive, root: Path) -> Iterator[Member]:
    match content:
        case pulumi.Archive():
            prefix = "" if name == "." else f"{name}/"
            for member in members(content, root):
                yield Member(prefix + member.name, member.content, member.mode)
        case pulumi.FileAsset():
            yield _of_file(name, _existing(root / content.path))
        case pulumi.StringAsset():
            yield Member(name, content.text.encode())
        case _:
            raise ArchiveError(
                f"{name}: {type(content).__name__} is not supported; use FileAsset or StringAsset"
            )


def _existing(path: Path) -> Path:
    if not path.exists():
        raise ArchiveError(f"the archive names {path}, which does not exist")
    return path


def _of_path(path: Path) -> Iterator[Member]:
    if path.is_dir():
        for file in sorted(path.rglob("*")):
            if file.is_file() and "__pycache__" not in file.parts:
                yield _of_file(file.relative_to(path).as_posix(), file)
    elif zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as packed:
            for info in packed.infolist():
                if not info.is_dir():
                    yield Member(
                        info.filename,
                        packed.read(info),
                        (info.external_attr >> 16) & 0o777 or PLAIN,
                    )
    else:
        raise ArchiveError(f"{path} is neither a directory nor a zip file")


def _of_file(name: str, path: Path) -> Member:
    return Member(name, path.read_bytes(), EXECUTABLE if path.stat().st_mode & 0o100 else PLAIN)


def zip_bytes(content: Mapping[str, Member]) -> bytes:
    """Return a zip file of the members, sorted by name."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as packed:
        for name in sorted(content):
            info = zipfile.ZipInfo(name, FIXED_DATE)
            info.external_attr = content[name].mode << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            packed.writestr(info, content[name].content)
    return buffer.getvalue()
