"""Compare a live table with a schema file: the differences, then a plan or refusals. Pure."""
