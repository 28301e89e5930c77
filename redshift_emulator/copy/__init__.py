"""The COPY command: reads CSV from S3 as Redshift does and stores it in the embedded PostgreSQL.

statement.py, options.py   what the statement says
roles.py, s3.py, unpack.py which files, with whose rights, their bytes
gate.py, patterns.py       rows that PostgreSQL reads as Redshift would: sent on unread
sieve.py, rows.py          tells those from the others, and takes the others apart
convert.py, fields.py      Redshift's load semantics, field by field (numerals, texts, dates, utf8)
stream.py, threads.py      into PostgreSQL
report.py, load.py         rejected rows, history, notices; the whole
"""

from redshift_emulator.copy.load import run_copy

__all__ = ["run_copy"]
