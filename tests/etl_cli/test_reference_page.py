"""docs/reference/cli.md is what the commands say of themselves."""

from __future__ import annotations

from etl_cli.main import COMMANDS
from etl_cli.reference_page import PAGE, render_page


def test_the_page_is_current() -> None:
    assert PAGE.read_text("utf-8") == render_page()


def test_the_page_has_every_command_with_its_exit_codes() -> None:
    sections = render_page().split("### `etl ")[1:]

    assert [section.partition("`")[0] for section in sections] == list(COMMANDS)
    assert all("Exit code:" in section for section in sections)
