"""`python -m etl_core`; see cli.py."""

from etl_core.cli import main

main(prog_name="python -m etl_core")
