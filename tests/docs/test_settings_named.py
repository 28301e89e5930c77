"""Every setting that a guide names exists in the program, and every setting is in the reference page."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from infra.stack_settings import rules
from tests.docs.pages import ROOT

GUIDES = [ROOT / "docs" / "how-to" / "deploy.md", ROOT / "docs" / "how-to" / "operate.md",
          ROOT / "docs" / "reference" / "notices.md", ROOT / "docs" / "reference" / "cost.md"]  # fmt: skip

COMMAND = re.compile(r"pulumi config (?:set|rm) (?:--path )?'?([A-Za-z:]+)")
WORD = re.compile(r"`([a-z]+(?:[A-Z][a-z0-9]*)+)(?:[: ][^`]*)?`")
OTHERS = {
    "forceDestroy": "a property of a bucket",
}
"""Words in camel case that are no setting."""


def named(text: str) -> set[str]:
    """Return the settings that a page names: in a command, or as code in camel case."""
    commands = {name for name in COMMAND.findall(text) if ":" not in name}
    return commands | set(WORD.findall(text)) - OTHERS.keys()


@pytest.mark.parametrize("page", GUIDES, ids=lambda page: page.name)
def test_every_setting_that_a_guide_names_exists(page: Path) -> None:
    found = named(page.read_text("utf-8"))
    assert found
    assert found <= rules().keys()


def test_a_misspelled_setting_is_found() -> None:
    text = "Set `alarmEmails`, `notifyMail x`, or run `pulumi config set vpcIds vpc-1`."
    assert named(text) == {"alarmEmails", "notifyMail", "vpcIds"}


def test_the_deployment_guide_names_what_costs_money_and_whom_to_tell() -> None:
    guide = named(GUIDES[0].read_text("utf-8"))
    assert {"alarmEmail", "notifyEmail", "kmsKeyArn", "uploadKeyArns", "apiAccessLog"} <= guide
    assert {"warehouseRpuHoursPerMonth", "pendingAlarmMinutes"} <= guide
