"""`etl replay --failed`: what it sends, in which order, and what its dry run shows."""

from __future__ import annotations

import json
from typing import Any

import pytest

from etl_core.model.status import Status
from etl_core.recovery.reconcile_requests import Prospect, RefusedPage, RefusedUpload
from etl_core.upload_log.outcome import Failure
from tests.etl_cli.test_recovery_client import a_finding
from tests.etl_cli.test_recovery_commands import KEY, FakeFunction, Run, a_delivery, opened, run

__all__ = ["opened", "run"]


def a_refused(
    key: str,
    second: int = 0,
    prospect: Prospect = Prospect.MAY_LOAD,
    error: str = "NoSchemaError",
    status: Status = Status.REJECTED,
) -> RefusedUpload:
    finding = a_finding(key, second)
    failure = Failure(error, f"{error} of {key}")
    return RefusedUpload(status, finding.version, finding.upload, prospect, failure)


PAGE = RefusedPage(
    refused=(
        a_refused("dev/append/t/3.csv", 3),
        a_refused("dev/append/t/1.csv", 1),
        a_refused("dev/append/t/2.csv", 2, error="CopyRefusedError", status=Status.FAILED),
        a_refused("dev/append/t/0.csv", 0, Prospect.REPLACED),
        a_refused("nonsense", 4, Prospect.SAME_FAULT, "InvalidKeyError"),
    )
)


def test_a_dry_run_groups_the_uploads_by_reason_and_sends_nothing(run: Run) -> None:
    function = FakeFunction(refused_page=PAGE)

    done = run(function, "replay", "--failed", "--dry-run", COLUMNS="250")

    assert done.exit_code == 1
    assert function.of("send") == []
    lines = [line for line in done.stdout.splitlines() if "Error" in line and line[2].strip()]
    words = [" ".join(line.replace("\u2502", " ").split()) for line in lines]
    assert words[0].startswith("2 rejected NoSchemaError yes dev/append/t/1.csv NoSchemaError of")
    assert words[1].startswith("1 failed CopyRefusedError yes dev/append/t/2.csv")
    assert words[2].startswith("1 rejected InvalidKeyError no: its fault is in the file")
    assert words[3].startswith("1 rejected NoSchemaError no: a newer version")
    assert "5 uploads were refused; 3 would be sent again" in done.stdout


def test_the_json_of_a_dry_run_has_every_upload(run: Run) -> None:
    done = run(FakeFunction(refused_page=PAGE), "replay", "--failed", "--dry-run", "--json")

    output: dict[str, Any] = json.loads(done.stdout)
    assert [(each["error"], each["sent"], len(each["uploads"])) for each in output["reasons"]] == [
        ("NoSchemaError", True, 2),
        ("CopyRefusedError", True, 1),
        ("InvalidKeyError", False, 1),
        ("NoSchemaError", False, 1),
    ]
    assert output["reasons"][0]["uploads"][0]["key"] == "dev/append/t/1.csv"
    assert output["answers"] == []


def test_uploads_are_sent_in_arrival_order_and_only_those_whose_cause_may_be_gone(
    run: Run,
) -> None:
    one = RefusedPage(refused=(a_refused(KEY), *PAGE.refused[3:]))
    function = FakeFunction(refused_page=one, **a_delivery(Status.LOADED))

    done = run(function, "replay", "--failed", "--table", "t", "--since", "2026-11-22")

    assert done.exit_code == 0
    [request] = function.of("refused_page")
    assert request["scope"]["table"] == "public.t"
    assert request["scope"]["since"] == "2026-11-22T00:00:00Z"
    [sent] = function.of("send")
    assert [upload["key"] for upload in sent["uploads"]] == [KEY]


def test_many_uploads_are_sent_in_arrival_order(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[str] = []

    def deliver(stack: Any, findings: Any, at_once: int) -> Any:
        sent.extend(finding.upload.key for finding in findings)
        raise SystemExit(9)

    monkeypatch.setattr("etl_cli.replay_failed.deliver_with_progress", deliver)
    run(FakeFunction(refused_page=PAGE), "replay", "--failed")
    assert sent == ["dev/append/t/1.csv", "dev/append/t/2.csv", "dev/append/t/3.csv"]


def test_uploads_that_are_refused_again_are_named_and_the_exit_code_says_so(run: Run) -> None:
    one = RefusedPage(refused=(a_refused(KEY),))
    function = FakeFunction(refused_page=one, **a_delivery(Status.REJECTED, "still no schema"))

    done = run(function, "replay", "--failed")

    assert done.exit_code == 1
    assert f"{KEY}: rejected: still no schema" in done.stdout


@pytest.mark.parametrize("options", [[], ["--dry-run"]])
def test_nothing_to_send_is_a_success(run: Run, options: list[str]) -> None:
    one = RefusedPage(refused=(a_refused(KEY, prospect=Prospect.REPLACED),))

    done = run(FakeFunction(refused_page=one), "replay", "--failed", *options)

    assert done.exit_code == 0
    assert "1 upload was refused; 0 would be sent again" in done.stdout


@pytest.mark.parametrize(
    "options",
    [
        ["--failed", "--key", KEY],
        ["--failed", "--accept-counts"],
        ["--since", "2026-11-22", "--key", KEY],
        ["--since", "2026-11-22", "--database", "dev", "--table", "t"],
        ["--failed", "--version-id", "v1"],
        ["--failed", "--since", "yesterday"],
    ],
)
def test_options_that_do_not_go_together_are_refused(run: Run, options: list[str]) -> None:
    assert run(FakeFunction(), "replay", *options).exit_code == 2
