"""Recovery: bring the lake, the ledgers and the log into line.

Start reading at `reconcile` (what is compared) and `reconcile_run` (what the reconcile function does). `read_ledgers` and
`replay` run in the tables function, `rebuild_log` writes log entries from ledger rows. `services` holds the ports, `requests`
every message between the command line and the two functions.
"""
