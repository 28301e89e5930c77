"""Lake, ledger and log held against each other, and uploads sent again: the use cases of those who run a stack."""
