"""The encodings of a data file's text."""

from __future__ import annotations

CODECS = {"UTF8": "utf-8-sig", "UTF16": "utf-16", "UTF16LE": "utf-16-le", "UTF16BE": "utf-16-be"}
"""Python's codec for each value of `csv.encoding`."""
