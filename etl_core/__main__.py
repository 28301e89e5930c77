"""`python -m etl_core`; see cli/main.py."""

from etl_core.cli.main import main

main(prog_name="python -m etl_core")
