"""Converting Pulumi archives to zip files."""

from __future__ import annotations

import io
import zipfile

import pulumi
import pytest

from local_cloud.archive import ArchiveError, members, zip_bytes


def names_and_contents(archive, root):
    packed = zip_bytes({member.name: member for member in members(archive, root)})
    with zipfile.ZipFile(io.BytesIO(packed)) as content:
        return {name: content.read(name) for name in content.namelist()}


def test_assets_and_archives_get_the_path_in_their_key(tmp_path):
    (tmp_path / "package" / "__pycache__").mkdir(parents=True)
    (tmp_path / "package" / "module.py").write_text("x = 1")
    (tmp_path / "package" / "__pycache__" / "module.pyc").write_text("compiled")
    (tmp_path / "one.txt").write_text("one")
    archive = pulumi.AssetArchive(
        {
            "package": pulumi.FileArchive("package"),
            "renamed.txt": pulumi.FileAsset("one.txt"),
            "text.txt": pulumi.StringAsset("two"),
            ".": pulumi.AssetArchive({"root.txt": pulumi.StringAsset("three")}),
        }
    )
    assert names_and_contents(archive, tmp_path) == {
        "package/module.py": b"x = 1",
        "renamed.txt": b"one",
        "text.txt": b"two",
        "root.txt": b"three",
    }


def test_a_zip_file_is_unpacked(tmp_path):
    with zipfile.ZipFile(tmp_path / "layer.zip", "w") as layer:
        layer.writestr("python/a.py", "a")
    assert names_and_contents(pulumi.FileArchive("layer.zip"), tmp_path) == {"python/a.py": b"a"}


def test_the_same_content_gives_the_same_bytes(tmp_path):
    (tmp_path / "a.txt").write_text("a")
    archive = pulumi.AssetArchive({"b": pulumi.StringAsset("b"), "a": pulumi.FileAsset("a.txt")})
    first = zip_bytes({member.name: member for member in members(archive, tmp_path)})
    (tmp_path / "a.txt").touch()
    assert (
        zip_bytes({member.name: member for member in reversed(list(members(archive, tmp_path)))})
        == first
    )


def test_the_executable_bit_is_kept(tmp_path):
    (tmp_path / "run").write_text("#!/bin/sh")
    (tmp_path / "run").chmod(0o755)
    (member,) = members(pulumi.AssetArchive({"run": pulumi.FileAsset("run")}), tmp_path)
    assert member.mode == 0o755


def test_a_missing_path_is_an_error_with_the_path(tmp_path):
    with pytest.raises(ArchiveError, match=r"layer\.zip, which does not exist"):
        list(members(pulumi.FileArchive("layer.zip"), tmp_path))
