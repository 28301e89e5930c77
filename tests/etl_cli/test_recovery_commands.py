"""What the recovery commands print, and their exit codes. The functions are faked."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner, Result

from etl_cli import reconcile_commands, replay_command, replay_failed
from etl_cli.main import main
from etl_cli.stack_outputs import StackSource
from etl_core.model.errors import LoadFailedError
from etl_core.model.status import Status
from etl_core.recovery.reconcile import State
from etl_core.recovery.reconcile_requests import (
    Answer,
    Answers,
    KeyFindings,
    LogKey,
    LogPage,
    MissingEntry,
    Page,
    SentUpload,
    SentUploads,
)
from etl_core.recovery.tables_requests import DamagedLedger, ReplayResult
from etl_core.recovery.wire import to_json
from etl_core.upload_log.outcome import Failure
from local_cloud.state import DEFAULT_STATE
from tests.etl_cli.test_recovery_client import a_finding

KEY = "dev/append/t/x.csv"


class FakeFunction:
    """Both functions: a response, or an error to raise, for each kind of request."""

    def __init__(self, **responses: Any) -> None:
        self.responses = {"page": Page(counts={}), "pending": Page(counts={})} | responses
        self.requests: list[Mapping[str, Any]] = []

    def ask(self, request: Mapping[str, Any]) -> Any:
        self.requests.append(request)
        response = self.responses[request["kind"]]
        if isinstance(response, Exception):
            raise response
        return to_json(response)

    def of(self, kind: str) -> list[Mapping[str, Any]]:
        return [request for request in self.requests if request["kind"] == kind]


def a_delivery(status: Status, message: str = "") -> dict[str, Any]:
    """The responses when one upload is sent."""
    answer = Answer(
        table_name="t",
        landed_key="k",
        s3_key=KEY,
        status=status,
        execution_arn="arn:1",
        error=Failure("HeaderMismatchError", message) if message else None,
    )
    return {
        "send": SentUploads((SentUpload(KEY, LogKey("t", "k"), "arn:1"),)),
        "answers": Answers((answer,)),
    }


Run = Callable[..., Result]


@pytest.fixture
def opened() -> list[StackSource]:
    """The outputs files that the commands open."""
    return []


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, opened: list[StackSource]) -> Run:
    def run(function: FakeFunction, *arguments: str, **environment: str) -> Result:
        def open_stack(source: StackSource) -> Any:
            opened.append(source)
            return SimpleNamespace(reconcile=function, tables=function)

        for module in (reconcile_commands, replay_command, replay_failed):
            monkeypatch.setattr(module, "open_stack", open_stack)
        result = CliRunner().invoke(main, arguments, env={"COLUMNS": "150", **environment})
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exc_info
        return result

    return run


MISSED = Page(findings=(a_finding(KEY),), counts={State.NEVER_SEEN: 1, State.RECORDED: 1200})


def test_a_lake_whose_versions_all_have_a_final_status_needs_nothing(run: Run) -> None:
    done = run(FakeFunction(page=Page(counts={State.RECORDED: 1200})), "reconcile")
    assert done.exit_code == 0
    assert "1,200" in done.stdout
    assert "its final status is in the log" in done.stdout


def test_a_dry_run_names_what_would_be_sent_and_sends_nothing(run: Run) -> None:
    function = FakeFunction(page=MISSED)
    done = run(
        function,
        "reconcile",
        "--dry-run",
        "--since",
        "2026-11-22",
        "--table",
        "T",
        "--current-only",
    )
    assert done.exit_code == 1
    assert KEY in done.stdout
    assert function.of("send") == []
    assert function.of("page")[0]["scope"] == {
        "database": None, "table": "public.t", "since": "2026-11-22T00:00:00Z", "current_only": True,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("status", "code"), [(Status.LOADED, 0), (Status.SUPERSEDED, 0), (Status.REJECTED, 1)]
)
def test_the_final_status_of_a_sent_upload_is_shown(run: Run, status: Status, code: int) -> None:
    function = FakeFunction(page=MISSED, **a_delivery(status, "the [b]header[/b] is wrong"))
    done = run(function, "reconcile")
    assert done.exit_code == code
    assert status in done.stdout
    assert (f"{KEY}: rejected: the [b]header[/b] is wrong" in done.stdout) is (
        status is Status.REJECTED
    )


def test_the_json_of_reconcile_is_flat_and_has_no_empty_fields_in_answers(run: Run) -> None:
    function = FakeFunction(page=MISSED, **a_delivery(Status.LOADED))
    assert json.loads(run(function, "reconcile", "--json").stdout) == {
        "counts": {"never seen": 1, "recorded": 1200},
        "statuses": {},
        "damaged": [],
        "findings": [
            {
                "state": "never seen",
                "status": None,
                "version": "v0",
                "key": KEY,
                "version_id": "v0",
                "etag": "e",
                "size": 1,
                "sequencer": "0",
                "landed_at": "2026-11-22T12:00:00Z",
            }
        ],
        "answers": [
            {
                "table_name": "t",
                "landed_key": "k",
                "s3_key": KEY,
                "status": "loaded",
                "execution_arn": "arn:1",
            }
        ],
        "unanswered": [],
    }


def test_a_table_that_could_not_be_compared_leaves_something_to_do(run: Run) -> None:
    finding = a_finding(KEY, state=State.NOT_COMPARED)
    page = Page(findings=(finding,), counts={State.NOT_COMPARED: 1})
    done = run(FakeFunction(page=page), "reconcile")
    assert done.exit_code == 1
    assert "again later" in done.stdout


def test_a_long_list_of_findings_is_cut_for_people_but_not_in_json(run: Run) -> None:
    findings = tuple(a_finding(f"{n}.csv") for n in range(100))
    page = Page(findings=findings, counts={State.NEVER_SEEN: 100})
    assert "and 60 more" in run(FakeFunction(page=page), "reconcile", "--dry-run").stdout
    done = run(FakeFunction(page=page), "reconcile", "--dry-run", "--json")
    assert len(json.loads(done.stdout)["findings"]) == 100


@pytest.mark.parametrize("command", [["reconcile"], ["rebuild-log"], ["replay", "--key", "x"]])
def test_an_error_of_the_stack_is_printed_as_its_message(run: Run, command: list[str]) -> None:
    refused = LoadFailedError("Lambda answered AccessDenied")
    done = run(FakeFunction(page=refused, log_page=refused, key=refused), *command)
    assert (done.exit_code, done.stderr.strip()) == (2, "Lambda answered AccessDenied")


def test_the_summary_counts_every_status(run: Run) -> None:
    statuses = {Status.LOADED: 54, Status.REJECTED: 21, Status.FAILED: 9, Status.UNKNOWN: 2}
    page = Page(counts={State.RECORDED: 84, State.UNDER_WAY: 2}, statuses=statuses)
    done = run(FakeFunction(page=page), "reconcile")
    lines = [line.split("│")[1:3] for line in done.stdout.splitlines() if line.startswith("│")]
    assert [[cell.strip() for cell in line] for line in lines] == [
        ["2", "under way"],
        ["84", "recorded"],
        ["54", "loaded"],
        ["21", "rejected"],
        ["9", "failed"],
        ["2", "unknown"],
    ]
    assert "fine" not in done.stdout
    answer = json.loads(run(FakeFunction(page=page), "reconcile", "--json").stdout)
    assert answer["statuses"] == {"loaded": 54, "rejected": 21, "failed": 9, "unknown": 2}


OUTPUTS = str(DEFAULT_STATE / "outputs.json")


@pytest.mark.parametrize(
    ("options", "environment", "path"),
    [
        ([], {}, OUTPUTS),
        (["--stack", "local"], {"ETL_STACK": "other.json"}, OUTPUTS),
        (["--stack", "prod.json"], {}, "prod.json"),
        ([], {"ETL_STACK": "prod.json"}, "prod.json"),
        ([], {"ETL_STACK": "local"}, OUTPUTS),
        ([], {"ETL_LOCAL_STATE": "elsewhere"}, "elsewhere/outputs.json"),
    ],
)
def test_the_stack_is_the_local_cloud_or_an_outputs_file(
    run: Run, opened: list[StackSource], options: list[str], environment: dict[str, str], path: str
) -> None:
    assert run(FakeFunction(), "reconcile", *options, **environment).exit_code == 0
    assert [source.path for source in opened] == [Path(path)]


@pytest.mark.parametrize(
    "options",
    [
        ["reconcile", "--since", "yesterday"],
        ["reconcile", "--table", "pg_catalog.t"],
        ["reconcile", "--grace", "-1"],
        ["reconcile", "--outputs", "x.json"],
        ["replay"],
        ["replay", "--key", "x", "--table", "t"],
        ["replay", "--table", "t"],
        ["replay", "--database", "dev", "--table", "t", "--version-id", "v"],
    ],
)
def test_options_that_make_no_sense_are_refused(run: Run, options: list[str]) -> None:
    assert run(FakeFunction(), *options).exit_code == 2


def test_a_time_that_cannot_be_read_is_named_with_the_accepted_form(run: Run) -> None:
    done = run(FakeFunction(), "reconcile", "--since", "yesterday")
    assert "'yesterday' is not a time such as 2026-11-22T09:30:00Z, or a day" in done.stderr


def test_the_newest_version_is_replayed_unless_another_is_given(run: Run) -> None:
    versions = KeyFindings(
        tuple(a_finding(KEY, second, State.RECORDED, Status.FAILED) for second in (2, 1))
    )
    for arguments, version in (([], "v2"), (["--version-id", "v1"], "v1")):
        function = FakeFunction(key=versions, **a_delivery(Status.LOADED))
        assert run(function, "replay", "--key", KEY, *arguments).exit_code == 0
        assert [upload["version_id"] for upload in function.of("send")[0]["uploads"]] == [version]
    done = run(function, "replay", "--key", KEY, "--version-id", "v9")
    assert done.exit_code == 2
    assert "has no version 'v9'; its versions are: v2, v1" in done.stderr


def test_a_replay_of_a_key_without_an_object_is_refused(run: Run) -> None:
    done = run(FakeFunction(key=KeyFindings(())), "replay", "--key", KEY)
    assert done.exit_code == 2
    assert f"the lake has no object '{KEY}'" in done.stderr


@pytest.mark.parametrize(
    ("state", "status", "words"),
    [
        (State.RECORDED, Status.LOADED, "would be a duplicate"),
        (State.RECORDED, Status.SUPERSEDED, "superseded by a later upload"),
        (State.UNDER_WAY, Status.RECEIVED, "is under way"),
        (State.UNLOGGED, Status.APPLIED, "is already applied"),
    ],
)
def test_an_upload_that_a_replay_would_not_change_is_not_sent(
    run: Run, state: State, status: Status, words: str
) -> None:
    function = FakeFunction(key=KeyFindings((a_finding(KEY, 0, state, status),)))
    done = run(function, "replay", "--key", KEY)
    assert done.exit_code == 1
    assert words in done.stdout
    assert function.of("send") == []


def test_the_rebuild_of_a_table_is_reported_in_numbers(run: Run) -> None:
    result = ReplayResult(files=1200, copies=2, bytes=5_000_000, rows_expected=77, rows=77)
    planned = ReplayResult(files=1200, copies=2, bytes=5_000_000, rows_expected=77)
    options = ("replay", "--database", "Dev", "--table", "T")
    function = FakeFunction(replay=result)
    done = run(function, *options)
    assert (done.exit_code, done.stdout) == (
        0,
        "public.t was rebuilt from 1,200 files, 5,000,000 bytes, in 2 COPY: 77 rows\n",
    )
    assert function.of("replay")[0]["table"] == {
        "database": "dev",
        "schema": "public",
        "name": "t",
    }
    done = run(FakeFunction(replay=planned), *options, "--dry-run")
    assert "would be rebuilt" in done.stdout
    done = run(FakeFunction(replay=planned), *options, "--dry-run", "--json")
    assert json.loads(done.stdout)["rows"] is None
    done = run(FakeFunction(replay=LoadFailedError("a version is gone")), *options)
    assert (done.exit_code, done.stdout) == (1, "a version is gone\n")


def test_a_rebuilt_log_reports_missing_entries_and_locked_ledgers(run: Run) -> None:
    missing = (MissingEntry("x", "v", Status.LOADED),)
    page = LogPage(rows=5, missing=missing, busy=("dev: public__t",))
    done = run(FakeFunction(log_page=page), "rebuild-log")
    assert done.exit_code == 1
    assert "5 ledger rows; 1 entries written" in done.stdout
    assert "dev: public__t: not read" in done.stdout
    page = LogPage(rows=5, missing=missing)
    assert run(FakeFunction(log_page=page), "rebuild-log").exit_code == 0
    assert run(FakeFunction(log_page=page), "rebuild-log", "--dry-run").exit_code == 1
    done = run(FakeFunction(log_page=page), "rebuild-log", "--json")
    assert json.loads(done.stdout)["missing"] == [{"key": "x", "version": "v", "status": "loaded"}]


DAMAGED = DamagedLedger("the ledger etl_ledger.public__t in dev cannot be read: garbage")


@pytest.mark.parametrize("options", [[], ["--dry-run"]])
def test_a_damaged_ledger_is_named_and_the_others_go_on(run: Run, options: list[str]) -> None:
    page = Page(findings=(a_finding(KEY),), counts={State.NEVER_SEEN: 1}, damaged=(DAMAGED,))
    function = FakeFunction(page=page, **a_delivery(Status.LOADED))

    done = run(function, "reconcile", *options)

    assert done.exit_code == 1
    assert DAMAGED.message in done.stdout
    assert len(function.of("send")) == (0 if options else 1)


def test_a_damaged_ledger_is_in_the_json_of_reconcile_and_rebuild_log(run: Run) -> None:
    page = Page(counts={}, damaged=(DAMAGED,))
    log_page = LogPage(rows=3, damaged=(DAMAGED,))
    for command in ("reconcile", "rebuild-log"):
        done = run(FakeFunction(page=page, log_page=log_page), command, "--json")
        assert done.exit_code == 1
        assert json.loads(done.stdout)["damaged"] == [DAMAGED.message]


def test_rebuild_log_names_a_damaged_ledger_once_and_reads_on(run: Run) -> None:
    done = run(FakeFunction(log_page=LogPage(rows=3, damaged=(DAMAGED, DAMAGED))), "rebuild-log")
    assert done.exit_code == 1
    assert done.stdout.count(DAMAGED.message) == 1
    assert "3 ledger rows" in done.stdout


@pytest.mark.parametrize("state", [State.NOT_IN_LEDGER, State.LEDGER_DAMAGED])
def test_an_upload_that_the_ledger_does_not_know_is_named_and_never_sent(
    run: Run, state: State
) -> None:
    page = Page(findings=(a_finding(KEY, state=state),), counts={state: 1})
    function = FakeFunction(page=page)

    done = run(function, "reconcile")

    assert done.exit_code == 1
    assert KEY in done.stdout
    assert state in done.stdout
    assert function.of("send") == []


def test_an_upload_that_the_ledger_does_not_know_is_not_replayed(run: Run) -> None:
    finding = a_finding(KEY, state=State.NOT_IN_LEDGER, status=Status.LOADED)
    function = FakeFunction(key=KeyFindings((finding,)))

    done = run(function, "replay", "--key", KEY)

    assert done.exit_code == 1
    assert "its table's ledger has no row for it" in done.stdout
    assert function.of("send") == []
