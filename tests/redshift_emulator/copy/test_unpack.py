"""Decompression and encodings, block by block."""

from __future__ import annotations

import bz2
import gzip
import itertools
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from redshift_emulator.copy.options import Compression
from redshift_emulator.copy.unpack import BLOCK_BYTES, UnpackError, recode, unpack

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

PACKERS = [
    (Compression.GZIP, gzip.compress),
    (Compression.BZIP2, bz2.compress),
    (Compression.ZSTD, zstd.compress),
]
TEXT = b"some text, " * 1000


def blocks_of(data: bytes, size: int) -> list[bytes]:
    return [data[at : at + size] for at in range(0, len(data), size)]


@pytest.mark.parametrize(("compression", "pack"), PACKERS)
@pytest.mark.parametrize("size", [1, 100, 10**6])
def test_the_members_of_a_file_are_joined(compression: Compression, pack, size: int) -> None:
    data = pack(TEXT) + pack(b"") + pack(TEXT)
    assert b"".join(unpack(blocks_of(data, size), compression)) == TEXT * 2


@pytest.mark.parametrize(("compression", "pack"), PACKERS)
@pytest.mark.parametrize("size", [50, 10**6])
def test_damaged_data_raises_an_error(compression: Compression, pack, size: int) -> None:
    whole = pack(bytes(range(256)) * 1000)
    for damaged in (whole[: len(whole) // 2], TEXT, whole + b"tail", whole[:10]):
        with pytest.raises(UnpackError, match=compression.value):
            list(unpack(blocks_of(damaged, size), compression))


@pytest.mark.parametrize(("compression", "pack"), PACKERS)
def test_a_decompression_bomb_is_returned_in_small_blocks(compression: Compression, pack) -> None:
    out = unpack([pack(bytes(50 * 1024 * 1024))], compression)
    assert all(len(block) <= BLOCK_BYTES for block in itertools.islice(out, 20))


@pytest.mark.parametrize("compression", list(Compression))
def test_an_empty_file_gives_no_data(compression: Compression) -> None:
    assert list(unpack([], compression)) == []


@settings(deadline=None)
@given(
    st.text(max_size=40),
    st.integers(1, 5),
    st.sampled_from(["utf-16", "utf-16-le", "utf-16-be", "utf-8"]),
)
def test_text_in_any_encoding_becomes_utf8(text: str, size: int, encoding: str) -> None:
    assert b"".join(recode(blocks_of(text.encode(encoding), size), encoding)).decode() == text


@pytest.mark.parametrize(
    ("data", "encoding", "message"),
    [
        (b"1\0,\0", "utf-16", "does not start with BOM"),
        (b"1\0,", "utf-16-le", "truncated data"),
        (b"\x00\xd8\x31\x00", "utf-16-le", "illegal"),
    ],
)
def test_data_in_another_encoding_raises_an_error(data: bytes, encoding: str, message: str) -> None:
    with pytest.raises(UnpackError, match=message):
        list(recode([data], encoding))
