"""What the operator reads, and the exit codes of the commands; the functions are played."""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner, Result

from etl_cli import reconcile_commands as cli_operate
from etl_cli import replay_command as cli_replay
from etl_cli.main import main
from etl_core.model.errors import LoadFailedError
from tests.etl_core.recovery.test_operate import a_finding


class Played:
    """Both functions; `answers` by kind of request, an error is raised."""

    def __init__(self, **answers: Any) -> None:
        self.answers = {
            "page": {"findings": [], "counts": {}},
            "waiting": {"findings": []},
        } | answers
        self.asked: list[Mapping[str, Any]] = []

    def ask(self, request: Mapping[str, Any]) -> Any:
        self.asked.append(request)
        answer = self.answers[request["kind"]]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def of(self, kind: str) -> list[Mapping[str, Any]]:
        return [request for request in self.asked if request["kind"] == kind]


def an_answer(status: str, message: str = "") -> dict[str, Any]:
    """The delivery of one upload, and its entry."""
    key = {"table_name": "t", "landed_key": "k"}
    entry = {**key, "s3_key": "dev/append/t/x.csv", "status": status, "execution_arn": "arn:1"}
    sent = {"key": entry["s3_key"], "log_key": key, "execution_arn": "arn:1"}
    return {
        "send": {"sent": [sent]},
        "answers": {"entries": [entry | ({"error": {"message": message}} if message else {})]},
    }


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Any:
    def run(played: Played, *arguments: str) -> Result:
        for module in (cli_operate, cli_replay):
            monkeypatch.setattr(
                module, "open_stack", lambda path: SimpleNamespace(reconcile=played, tables=played)
            )
        result = CliRunner().invoke(main, arguments, env={"COLUMNS": "150"})
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exc_info
        return result

    return run


MISSED = {"findings": [a_finding("dev/append/t/x.csv")], "counts": {"never seen": 1, "fine": 1200}}


def test_a_lake_in_which_everything_is_answered_for_is_fine(run: Any) -> None:
    done = run(Played(page={"findings": [], "counts": {"fine": 1200}}), "reconcile")
    assert done.exit_code == 0
    assert "1,200" in done.stdout
    assert "answered for" in done.stdout


def test_a_dry_run_names_what_would_be_sent_and_sends_nothing(run: Any) -> None:
    played = Played(page=MISSED)
    done = run(
        played, "reconcile", "--dry-run", "--since", "2026-11-22", "--table", "T", "--current-only"
    )
    assert done.exit_code == 1
    assert "dev/append/t/x.csv" in done.stdout
    assert played.of("send") == []
    assert played.of("page")[0]["scope"] == {
        "database": None, "table": "public.t", "since": "2026-11-22T00:00:00+00:00", "current_only": True,
    }  # fmt: skip


@pytest.mark.parametrize(("status", "code"), [("loaded", 0), ("superseded", 0), ("rejected", 1)])
def test_what_was_sent_is_told_with_its_answer(run: Any, status: str, code: int) -> None:
    done = run(Played(page=MISSED, **an_answer(status, "the [b]header[/b] is wrong")), "reconcile")
    assert done.exit_code == code
    assert status in done.stdout
    assert ("dev/append/t/x.csv: rejected: the [b]header[/b] is wrong" in done.stdout) is (
        status == "rejected"
    )


def test_a_table_that_could_not_be_compared_leaves_something_to_do(run: Any) -> None:
    finding = a_finding("dev/append/t/x.csv", state="not compared")
    done = run(Played(page={"findings": [finding], "counts": {"not compared": 1}}), "reconcile")
    assert done.exit_code == 1
    assert "run again later" in done.stdout


def test_many_findings_are_cut_for_people_and_whole_as_json(run: Any) -> None:
    page = {"findings": [a_finding(f"{n}.csv") for n in range(100)], "counts": {"never seen": 100}}
    assert "and 60 more" in run(Played(page=page), "reconcile", "--dry-run").stdout
    assert (
        len(
            json.loads(run(Played(page=page), "reconcile", "--dry-run", "--json").stdout)[
                "findings"
            ]
        )
        == 100
    )


@pytest.mark.parametrize("command", [["reconcile"], ["rebuild-log"], ["replay", "--key", "x"]])
def test_a_stack_that_cannot_be_asked_is_told_in_words(run: Any, command: list[str]) -> None:
    refused = LoadFailedError("Lambda answered AccessDenied")
    done = run(Played(page=refused, log_page=refused, key=refused), *command)
    assert (done.exit_code, done.stderr.strip()) == (2, "Lambda answered AccessDenied")


@pytest.mark.parametrize(
    "options",
    [
        ["reconcile", "--since", "yesterday"],
        ["reconcile", "--table", "pg_catalog.t"],
        ["replay"],
        ["replay", "--key", "x", "--table", "t"],
        ["replay", "--table", "t"],
        ["replay", "--database", "dev", "--table", "t", "--version-id", "v"],
    ],
)
def test_options_that_say_nothing_useful_are_refused(run: Any, options: list[str]) -> None:
    assert run(Played(), *options).exit_code == 2


def test_the_newest_version_is_replayed_unless_another_is_asked_for(run: Any) -> None:
    versions = [
        a_finding("dev/append/t/x.csv", second, "fine") | {"status": "failed"} for second in (2, 1)
    ]
    for arguments, version in (([], "v2"), (["--version-id", "v1"], "v1")):
        played = Played(key={"findings": versions}, **an_answer("loaded"))
        assert run(played, "replay", "--key", "dev/append/t/x.csv", *arguments).exit_code == 0
        assert [upload["version"] for upload in played.of("send")[0]["uploads"]] == [version]
    assert run(played, "replay", "--key", "dev/append/t/x.csv", "--version-id", "v9").exit_code == 2


@pytest.mark.parametrize(
    ("state", "status", "words"),
    [
        ("fine", "loaded", "would be a duplicate"),
        ("fine", "superseded", "superseded by what landed later"),
        ("under way", "received", "is under way"),
        ("unlogged", "applied", "is applied already"),
    ],
)
def test_an_upload_that_a_replay_would_not_change_is_not_sent(
    run: Any, state: str, status: str, words: str
) -> None:
    played = Played(
        key={"findings": [a_finding("dev/append/t/x.csv", 0, state) | {"status": status}]}
    )
    done = run(played, "replay", "--key", "dev/append/t/x.csv")
    assert done.exit_code == 1
    assert words in done.stdout
    assert played.of("send") == []


def test_a_rebuilt_table_is_told_with_its_figures(run: Any) -> None:
    figures = {"files": 1200, "copies": 2, "bytes": 5_000_000, "rows_expected": 77, "rows": 77}
    named = ("replay", "--database", "dev", "--table", "t")
    done = run(Played(replay=figures), *named)
    assert (done.exit_code, done.stdout) == (
        0,
        "public.t was rebuilt from 1,200 files, 5,000,000 bytes, in 2 COPY: 77 rows\n",
    )
    assert (
        "would be rebuilt"
        in run(Played(replay=figures | {"rows": None}), *named, "--dry-run").stdout
    )
    done = run(Played(replay=LoadFailedError("a version is gone")), *named)
    assert (done.exit_code, done.stdout) == (1, "a version is gone\n")


def test_a_rebuilt_log_tells_what_was_missing_and_what_was_locked(run: Any) -> None:
    page = {"rows": 5, "missing": [{"key": "x"}], "busy": ["dev: public__t"], "marker": None}
    done = run(Played(log_page=page), "rebuild-log")
    assert done.exit_code == 1
    assert "5 ledger rows; 1 entries written" in done.stdout
    assert "dev: public__t: not read" in done.stdout
    assert run(Played(log_page=page | {"busy": []}), "rebuild-log").exit_code == 0
    assert run(Played(log_page=page | {"busy": []}), "rebuild-log", "--dry-run").exit_code == 1
