"""`python -m etl_cli`: the command `etl`."""

from etl_cli.main import main

main(prog_name="etl")
