"""UTF-8 as COPY judges it: four bytes at most, no surrogates. Pure. Source: "Multibyte character load errors"."""

from __future__ import annotations

import codecs


def is_utf8(raw: bytes) -> bool:
    """Whether the bytes are valid UTF-8."""
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True


def fault_of(raw: bytes) -> str | None:
    """None for valid UTF-8; else the hex of the first bad sequence and Redshift's number for what is wrong with it.

    1 longer than four bytes, 2 incomplete, 3 a first byte out of range, 4 a following byte (or the character) out of range.
    """
    if raw.isascii():
        return None
    try:
        raw.decode()
    except UnicodeDecodeError as fault:
        bad = raw[fault.start : max(fault.end, fault.start + 1)]
        return f"Bad UTF8 hex sequence: {bad.hex(' ')} (error {_number(raw, fault.start)})"
    return None


def _number(raw: bytes, start: int) -> int:
    first = raw[start]
    if first in (0xFE, 0xFF) or first < 0xC2:
        return 3
    if first >= 0xF5:
        return 1
    needed = 1 if first < 0xE0 else 2 if first < 0xF0 else 3
    following = raw[start + 1 : start + 1 + needed]
    return 2 if len(following) < needed else 4


def _mark(fault: UnicodeError) -> tuple[str, int]:
    """One NUL for every bad byte: a field that comes this far holds no NUL of its own."""
    if not isinstance(fault, UnicodeDecodeError):
        raise fault
    end = max(fault.end, fault.start + 1)
    return "\0" * (end - fault.start), end


codecs.register_error("redshift-copy-mark", _mark)


def replace_faults(raw: bytes, replacement: str) -> bytes:
    """Every bad character as the same number of bytes of ``replacement`` (ACCEPTINVCHARS). ``raw`` holds no NUL."""
    return raw.decode("utf-8", "redshift-copy-mark").encode().replace(b"\0", replacement.encode())
