"""The COPY command: reads CSV files from S3 as Redshift does and stores their rows in the embedded PostgreSQL.

statement.py, options.py            what the statement asks for authorization.py, roles.py
who may read the files s3.py, service_errors.py            the files to load, errors of AWS in
Redshift's words unpack.py                           decompression and character encodings
row_splitter.py                     splits a file into rows and decides which way each one takes:
fast_path.py, patterns.py             PostgreSQL reads the row exactly as Redshift would: sent on
unchanged rows.py, convert.py, fields.py        every other row: split and converted field by field
(numbers, texts, dates) stream.py, threads.py               send the rows to PostgreSQL
load_errors.py, report.py           rejected rows, load history, notices load.py
runs one COPY from start to end
"""

from redshift_emulator.copy.load import run_copy

__all__ = ["run_copy"]
