"""Recovery: bring the lake, the ledgers and the log into line.

`services`           the ports to the outside world
`reconcile`          compare lake, ledgers and log; pure
`reconcile_run`      what the reconcile function does with it
`adopt_uploads`      have ledgers adopt uploads that only the log knows
`adopt_rows`         write their ledger rows, in the tables function
`rebuild_log`        write log entries from ledger rows
`read_ledgers`       read ledgers, in the tables function
`replay`             rebuild a table from the lake, in the tables function
`reconcile_requests` the requests to the reconcile function, and their responses
`tables_requests`    the requests to the tables function, and their responses
`wire`               their JSON
`messages`           every message to a user
"""
