"""put, logs, show, tables, schema and ui: against an API of this test, and with a pseudo-terminal."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import struct
import subprocess
import sys
import termios
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from click.testing import CliRunner, Result

from etl_cli import put_command
from etl_cli.main import main

ID = "0123456789abcdef0123456789abcdef"
REASON = "the header does not match the table: the column idd is unknown, did you mean id?"
ENTRY: dict[str, Any] = {
    "table_name": "t", "database": "dev", "schema": "public", "action": "append",
    "landed_timestamp": "2026-11-22T09:30:00Z", "status": "rejected", "upload_id": ID,
    "s3_key": "dev/append/t/a_rather_long_name_of_a_file_of_november.csv",
    "error": {"type": "HeaderMismatchError", "message": REASON, "line": 1},
}  # fmt: skip
LOADED = {**ENTRY, "status": "loaded", "rows_loaded": 1200, "upload_id": "f" * 32}
del LOADED["error"]
TOTALS = {"rows": 1200, "bytes": 10, "succeeded": 1, "rejected": 2, "failed": 1}
TABLE = {
    "database": "dev", "schema": "public", "table_name": "t", "schema_version": "1", "days": [],
    "last_upload": ENTRY, "last_success": LOADED, "last_load": LOADED, "today": TOTALS, "last_30_days": TOTALS,
    "freshness": "stale", "freshness_hours": 26,
}  # fmt: skip
DOCUMENT = {"schema_version": "1", "columns": [{"name": "id", "type": "INTEGER"}]}


@dataclass
class Api:
    """Answers by path. `requests` are the paths with their parameters."""

    answers: dict[str, Any] = field(default_factory=dict)
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    url: str = ""

    def answer(self, path: str, parameters: dict[str, str]) -> tuple[int, Any]:
        self.requests.append((path, parameters))
        found = self.answers.get(path)
        if found is None:
            problem = {"type": "NotFound", "message": "there is no such thing; look elsewhere"}
            return 404, {"error": problem}
        return 200, found(parameters) if callable(found) else found


@pytest.fixture
def api() -> Iterator[Api]:
    state = Api()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            is_known = self.headers["x-api-key"] == "the-key"
            status, body = (
                state.answer(parts.path, dict(parse_qsl(parts.query))) if is_known else (403, {})
            )
            content = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        state.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield state
        server.shutdown()
        thread.join()


Run = Callable[..., Result]


@pytest.fixture
def outputs(tmp_path: Path, api: Api) -> Path:
    """The outputs of a deployed stack, as `pulumi stack output --json --show-secrets` prints them."""
    path = tmp_path / "prod.json"
    content = {
        "api_url": api.url, "api_key": "the-key", "lake_bucket": "lake",
        "warehouse_databases": ["dev", "analytics"],
        "state_machine_arn": "arn:aws:states:eu-central-1:123456789012:stateMachine:m",
    }  # fmt: skip
    path.write_text(json.dumps(content))
    return path


@pytest.fixture
def run(outputs: Path) -> Run:
    def run(command: str, *arguments: str, **options: Any) -> Result:
        result = CliRunner().invoke(main, [command, "--stack", str(outputs), *arguments], **options)
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exc_info
        return result

    return run


def a_page(*entries: Any) -> dict[str, Any]:
    return {"items": list(entries), "count": len(entries), "next_token": None}


def test_logs_without_a_table_asks_for_the_last_day_of_all_tables(api: Api, run: Run) -> None:
    api.answers["/uploads"] = a_page(ENTRY, LOADED)

    shown = run("logs", "--failed")
    assert shown.exit_code == 0
    [(_, parameters)] = api.requests
    assert parameters["status"] == "failed,rejected,unknown"
    assert len(parameters["from"]) == len("2026-11-22T09:30:00Z")
    assert "rejected" in shown.output
    assert json.loads(run("logs", "--json").output) == [ENTRY, LOADED]


def test_logs_of_a_table_reads_every_page(api: Api, run: Run) -> None:
    api.answers["/logs"] = lambda parameters: (
        a_page(LOADED) if "next_token" in parameters else {**a_page(ENTRY), "next_token": "more"}
    )
    assert len(json.loads(run("logs", "sales.t", "--since", "2026-11", "--json").output)) == 2
    assert api.requests[0][1] | {"limit": ""} == {
        "table_name": "sales.t",
        "from": "2026-11",
        "limit": "",
    }


@pytest.mark.parametrize("since", ["yesterday", "1y", "d", "-1d"])
def test_a_period_that_is_none_cannot_be_used(run: Run, since: str) -> None:
    result = run("logs", f"--since={since}")
    assert result.exit_code == 2
    assert "90m, 12h or 1d" in result.output


def test_follow_prints_every_change_of_an_upload_once(
    api: Api, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    received = {**ENTRY, "status": "received"}
    del received["error"]
    states = [[received], [received], [LOADED, ENTRY], [LOADED, ENTRY]]
    pauses = iter(range(len(states) - 1))

    def pause(_: float) -> None:
        if next(pauses, None) is None:
            raise KeyboardInterrupt

    monkeypatch.setattr("etl_cli.log_commands.time.sleep", pause)
    api.answers["/uploads"] = lambda _: a_page(*states[min(len(api.requests), len(states)) - 1])

    result = run("logs", "--follow", "--json")

    assert result.exit_code == 0
    printed = [json.loads(line) for line in result.output.splitlines()]
    assert [(each["upload_id"][0], each["status"]) for each in printed] == [
        ("0", "received"),
        ("0", "rejected"),
        ("f", "loaded"),
    ]


def test_show_takes_an_id_or_a_key(api: Api, run: Run) -> None:
    api.answers[f"/uploads/{ID}"] = {**ENTRY, "statements": ["COPY t"]}
    api.answers["/uploads"] = a_page(ENTRY)

    for upload in (ID.upper(), ENTRY["s3_key"]):
        result = run("show", upload)
        assert result.exit_code == 0
        for text in ("HeaderMismatchError", REASON, "COPY t", "error.line"):
            assert text in result.output
    missing = run("show", "f" * 32)
    assert (missing.exit_code, missing.output) == (
        1,
        "Error: there is no such thing; look elsewhere\n",
    )


def test_tables_and_schema(api: Api, run: Run) -> None:
    api.answers["/tables"] = {"items": [TABLE], "count": 1, "hours": []}
    in_force = {"s3_key": "dev/schema/t/s.json"}
    api.answers["/tables/analytics/sales/t/schema"] = {"document": DOCUMENT, "in_force": in_force}
    api.answers["/tables/dev/public/t/schema"] = {"document": None, "in_force": in_force}

    assert "dev.public.t" in run("tables").output
    assert json.loads(run("schema", "sales.t", "--db", "analytics").output) == DOCUMENT
    gone = run("schema", "t")
    assert (gone.exit_code, "cannot be read from the lake" in gone.output) == (1, True)


def test_ui_has_the_key_in_the_part_of_the_address_that_is_not_sent(api: Api, run: Run) -> None:
    assert run("ui", "--print").output == f"{api.url}/#key=the-key\n"


@pytest.mark.parametrize("key", ["wrong", None])
def test_a_key_that_is_wrong_or_missing_is_said_without_a_stack_trace(
    outputs: Path, run: Run, key: str | None
) -> None:
    outputs.write_text(json.dumps({**json.loads(outputs.read_text()), "api_key": key}))
    result = run("tables")
    assert result.exit_code == 1
    assert ("403" if key else "api_key") in result.output


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, bytes]]:
    """What was put into the lake: keys and contents."""
    uploads: list[tuple[str, bytes]] = []

    class S3:
        def __init__(self) -> None:
            self.parts: list[bytes] = []

        def put_object(self, Bucket: str, Key: str, Body: bytes) -> dict[str, str]:  # noqa: N803
            uploads.append((Key, Body))
            return {"VersionId": f"v{len(uploads)}"}

        def create_multipart_upload(self, **_: str) -> dict[str, str]:
            return {"UploadId": "u"}

        def upload_part(self, *, PartNumber: int, Body: bytes, **_: str) -> dict[str, str]:  # noqa: N803
            self.parts.append(Body)
            return {"ETag": f"e{PartNumber}"}

        def complete_multipart_upload(self, *, Key: str, **given: Any) -> dict[str, str]:  # noqa: N803
            numbers = [part["PartNumber"] for part in given["MultipartUpload"]["Parts"]]
            assert numbers == list(range(1, len(self.parts) + 1))
            return self.put_object("", Key, b"".join(self.parts))

    client = S3()
    monkeypatch.setattr(put_command, "client_of", lambda *_: client)
    return uploads


def test_put_sends_patterns_schema_files_and_the_standard_input(
    tmp_path: Path, run: Run, sent: list[tuple[str, bytes]]
) -> None:
    for name in ("a.csv", "b.csv", "s.json"):
        (tmp_path / name).write_text("id\n1\n")
    (tmp_path / "odd[1].csv").write_text("id\n")

    assert run("put", f"{tmp_path}/?.*", f"{tmp_path}/odd[1].csv", "sales.t").exit_code == 0
    keys = [key for key, _ in sent]
    assert sorted(keys[:2]) == ["dev/append/sales.t/a.csv", "dev/append/sales.t/b.csv"]
    assert keys[2:] == ["dev/schema/sales.t/s.json", "dev/append/sales.t/odd[1].csv"]
    sent.clear()
    result = run("put", "-", "t", "--action", "TRUNCATE", "--db", "analytics", input="id\n7\n")
    assert result.exit_code == 0
    assert sent == [("analytics/truncate/t/stdin.csv", b"id\n7\n")]


class Meeting:
    """S3 whose uploads wait until so many of them are under way."""

    def __init__(self, parties: int) -> None:
        self.barrier, self.keys = threading.Barrier(parties, timeout=20), list[str]()

    def put_object(self, Bucket: str, Key: str, Body: bytes) -> dict[str, str]:  # noqa: N803
        self.barrier.wait()
        self.keys.append(Key)
        return {"VersionId": f"v-{Key.rpartition('/')[2]}"}


@pytest.mark.parametrize(("action", "at_once"), [("append", 4), ("truncate", 1), ("upsert", 1)])
def test_put_sends_appends_at_the_same_time_and_others_in_their_order(
    tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch, action: str, at_once: int
) -> None:
    client = Meeting(at_once)
    monkeypatch.setattr(put_command, "client_of", lambda *_: client)
    names = ["d.csv", "a.csv", "c.csv", "b.csv"]
    for name in names:
        (tmp_path / name).write_text("id\n1\n")

    files = [str(tmp_path / name) for name in names]
    answer = json.loads(run("put", *files, "t", "--action", action, "--json").output)

    assert [each["version_id"] for each in answer] == [f"v-{name}" for name in names]
    keys = [f"dev/{action}/t/{name}" for name in names]
    assert client.keys == keys if at_once == 1 else sorted(client.keys) == sorted(keys)


def test_put_sends_a_large_file_in_parts(
    tmp_path: Path, run: Run, sent: list[tuple[str, bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(put_command, "PART_BYTES", 10)
    content = b"id\n" + b"1\n" * 50
    (tmp_path / "big.csv").write_bytes(content)

    result = run("put", str(tmp_path / "big.csv"), "dev/append/t/2026/", "--json")

    assert sent == [("dev/append/t/2026/big.csv", content)]
    assert json.loads(result.output) == {"key": "dev/append/t/2026/big.csv", "version_id": "v1"}


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["missing*.csv", "t"], 2, "no file matches it"),
        (["a.csv", "t", "--db", "elsewhere"], 1, "database 'elsewhere' is not"),
        (["a.csv", "no-table"], 1, "not sent"),
        (["a.csv", "b/a.csv", "t"], 2, "two files would get the key"),
        (["a.csv", "dev/append/t/", "--action", "append"], 2, "--action is part of the key"),
        (["a.csv", "b/a.csv", "dev/append/t/x.csv"], 2, "end it with /"),
        (["wrong.csv", "t"], 1, "column 'idd' is not in the table"),
    ],
)
def test_put_sends_nothing_if_one_file_cannot_load(
    tmp_path: Path,
    api: Api,
    run: Run,
    sent: list[tuple[str, bytes]],
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    code: int,
    said: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "b").mkdir()
    for name in ("a.csv", "b/a.csv"):
        (tmp_path / name).write_text("id\n1\n")
    (tmp_path / "wrong.csv").write_text("idd\n1\n")
    api.answers["/tables/dev/public/t/schema"] = {"document": DOCUMENT}

    result = run("put", *arguments)

    assert result.exit_code == code, result.output
    assert said in " ".join(result.output.split())
    assert sent == []


@pytest.mark.parametrize(("status", "code"), [("loaded", 0), ("rejected", 1), ("failed", 1)])
def test_put_waits_for_the_answer_of_each_file_and_ends_with_1_if_one_was_refused(
    tmp_path: Path, api: Api, run: Run, sent: list[tuple[str, bytes]], status: str, code: int
) -> None:
    (tmp_path / "a.csv").write_text("id\n1\n")
    (tmp_path / "b.csv").write_text("id\n1\n")

    def answer(_: dict[str, str]) -> dict[str, Any]:
        """First nothing, then one answer, then both; never the entry of another version."""
        asked = sum(path == "/logs" for path, _ in api.requests)
        first = {**LOADED, "version_id": "v1"}
        second = {**ENTRY, "status": status, "version_id": "v2"}
        other = {**ENTRY, "status": "failed", "version_id": "v0"}
        return a_page(other, *[first, second][: asked - 1])

    api.answers["/logs"] = answer
    result = run("put", f"{tmp_path}/*.csv", "t", "--wait", "--json")

    assert result.exit_code == code
    assert [each["status"] for each in json.loads(result.output)] == ["loaded", status]


def in_terminal(command: list[str], columns: int, folder: Path) -> str:
    """Run the command in a pseudo-terminal of this width and return what it shows."""
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    environment = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
    environment |= {"TERM": "xterm", "NO_COLOR": "1", "PYTHONPATH": str(Path(__file__).parents[2])}
    process = subprocess.Popen(
        command, stdin=follower, stdout=follower, stderr=follower, cwd=folder, env=environment
    )
    os.close(follower)
    output = b""
    try:
        while data := os.read(leader, 65536):
            output += data
    except OSError:
        pass  # Linux: the last writer has closed the terminal
    finally:
        os.close(leader)
        process.wait()
    return output.decode()


def test_a_narrow_terminal_gets_blocks_and_a_wide_one_a_table(
    api: Api, outputs: Path, tmp_path: Path
) -> None:
    api.answers["/uploads"] = a_page(ENTRY)
    command = [sys.executable, "-m", "etl_cli", "logs", "--stack", str(outputs)]

    narrow, wide = in_terminal(command, 60, tmp_path), in_terminal(command, 160, tmp_path)

    assert f"stack: {outputs}" in narrow
    assert "│" not in narrow
    assert ENTRY["s3_key"] in narrow.replace("\r\n", "")
    assert REASON in narrow
    assert "│" in wide


def test_commands_that_only_ask_the_api_import_no_aws_library_and_no_terminal_library() -> None:
    program = (
        "import sys; sys.argv = ['etl', 'logs', '--help']\n"
        "from etl_cli.main import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print(*sorted({'boto3', 'botocore', 'psycopg2', 'pydantic', 'rich', 'sqlalchemy', 'psutil'}"
        " & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stderr.strip() == ""
