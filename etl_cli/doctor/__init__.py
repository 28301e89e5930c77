"""`etl doctor`: what is broken in a deployed stack, or in the account before the first `pulumi up`.

`aws_reader` makes all calls; `stack_checks` and `account_checks` judge what it read.
"""
