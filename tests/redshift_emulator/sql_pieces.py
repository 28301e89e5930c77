"""Pieces of SQL text, from which property tests build statements."""

from __future__ import annotations

from hypothesis import strategies as st

PIECES = st.sampled_from(
    ["'", '"', "\\", "--", "/*", "*/", "$$", "$a$", "$1", ";", "(", ")", ",", ".", "::", "\n", " ",
    "E", "#t", "select", "from",
     "where", "create", "table", "alter", "column", "type", "varchar", "(3)", "distkey", "sortkey",
     "encode", "lock", "copy", "values", "insert into t", "1e5", "1.", "é", "\x00", "t", "set",
     "show", "on conflict", "numeric", "default", "null",
     "primary key", "identity(1,1)", "truncate", "vacuum", "sysdate", "add", "drop", "rename", "to", "begin", "as"]
)  # fmt: skip
